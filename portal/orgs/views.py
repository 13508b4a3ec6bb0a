"""The person's own pages and what belongs to the login."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import get_totp_secret
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import redirect, render
from django.template import loader
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.common import tables
from portal.orgs import codes, columns, errors, factors, profile, tokens
from portal.orgs.forms import ProfileForm, TokenForm
from portal.orgs.http import PersonRequest
from portal.orgs.models import ApiToken, TokenScope


def locked_out(request: HttpRequest, credentials: dict[str, Any] | None = None, *args: Any) -> HttpResponse:
    """429: too many wrong logins. The page needs neither database nor person."""
    context = {"error_number": getattr(request, "error_number", "")}
    response = HttpResponse(loader.render_to_string("429.html", context), status=429)
    response["Retry-After"] = "1800"
    return response


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser, and of the person who is logged in."""
    response = i18n.set_language(request)
    if request.user.is_authenticated:
        profile.set_language(actor=request.user, language=request.POST.get("language", ""))
    return response


class RegisterApp(ActivateTOTPView):
    """Registering an authenticator app. The code that proves it is used up: it does not log in as well."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        app = Authenticator.objects.get(user_id=self.request.user.pk, type=Authenticator.Type.TOTP)
        codes.use_app(app, form.cleaned_data["code"])
        return answer


@require_safe
@never_cache
def totp_qr(request: PersonRequest) -> HttpResponse:
    """The picture that an authenticator app reads; only while the page that registers it is open."""
    secret = get_totp_secret(regenerate=False)
    if not secret or factors.has_app(request.user):
        return HttpResponseNotFound()
    adapter = get_adapter()
    picture = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(picture, content_type="image/svg+xml")


@require_http_methods(["GET", "HEAD", "POST"])
def profile_page(request: PersonRequest) -> HttpResponse:
    """Own data, language, roles, second factors."""
    form = ProfileForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "POST" and form.is_valid():
        profile.set_language(actor=request.user, language=form.cleaned_data["language"])
        messages.success(request, _("Saved."))
        return redirect("profile")
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "memberships": request.user.current_memberships,
        "factor_count": factors.count(request.user),
        "factor_required": factors.is_required(request.user),
        "token_count": tokens.usable(request.user, timezone.now()).count(),
    }
    return render(request, "orgs/profile.html", context, status=422 if form.is_bound else 200)


@require_safe
def token_list(request: PersonRequest) -> HttpResponse:
    """The person's tokens, and a form for a new one."""
    return _token_page(request, TokenForm(initial={"days": 90, "scope": TokenScope.READ}))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def token_create(request: PersonRequest) -> HttpResponse:
    """Make a token and show it, this once. GET leads to the form: a reload after the proof asks for this address."""
    if request.method != "POST":
        return redirect("token_list")
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _token_page(request, form, status=422)
    return _make_token(request, form)


@reauthentication_required
def _make_token(request: PersonRequest, form: TokenForm) -> HttpResponse:
    """With a fresh proof of the person only: a token outlives the session of a PC that was left unlocked (SEC-01).

    What was typed is kept meanwhile; after the proof the request goes on where it was stopped.
    """
    try:
        token, value = tokens.create_token(
            actor=request.user,
            second_factor=factors.used_in(request),
            now=timezone.now(),
            **form.cleaned_data,
        )
    except errors.Refused as exc:
        form.add_error(exc.field or None, str(exc.message))
        return _token_page(request, form, status=422)
    except errors.NotAllowed as exc:
        form.add_error(None, str(exc.reason))
        return _token_page(request, form, status=403)
    return render(request, "orgs/token_created.html", {"token": token, "value": value})


@require_POST
def token_revoke(request: PersonRequest, pk: int) -> HttpResponse:
    """End an own token."""
    try:
        tokens.revoke_token(token_id=pk, actor=request.user, now=timezone.now())
    except ApiToken.DoesNotExist:
        return HttpResponseNotFound()
    messages.success(request, _("The token no longer works."))
    return redirect("token_list")


def _token_page(request: PersonRequest, form: TokenForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "tokens": ApiToken.objects.filter(user=request.user)[:50],
        "now": timezone.now(),
    }
    return render(request, "orgs/token_list.html", context, status=status)


@require_POST
def columns_choose(request: PersonRequest, table: str) -> HttpResponse:
    """Keep which columns of a register this person sees, and go back to the list as it was filtered."""
    try:
        register = tables.get(table)
    except KeyError as error:
        raise Http404 from error
    if "reset" in request.POST:
        columns.reset(actor=request.user, table=register)
    else:
        columns.choose(actor=request.user, table=register, columns=request.POST.getlist("columns"))
    query = urlencode(parse_qsl(request.POST.get("query", "")[:2000]))
    return redirect(f"{reverse(register.url_name)}{'?' if query else ''}{query}")
