"""The person behind each request: still allowed, in their language, with the second factor that their role needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from portal.orgs import factors
from portal.orgs.allauth import AccountAdapter
from portal.orgs.clients import client_ip
from portal.orgs.http import PersonRequest
from portal.trail.origin import Origin, coming_from

# The header of requests that a page sends by itself, without anybody doing anything (hx-headers in templates).
BY_ITSELF = "X-By-Itself"

# What a person without the factor that their role needs may still reach.
_BEFORE_SECOND_FACTOR = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_totp_qr",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "mfa_view_recovery_codes",
        "mfa_download_recovery_codes",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "account_logout",
        "set_language",
        "session_extend",
        "help",
        "help_role",
        "readiness",
    }
)


class PersonMiddleware(LoginRequiredMiddleware):
    """Every view needs a login unless it says otherwise with `login_not_required`.

    People are read afresh with each request, so that somebody who was deactivated, or whose membership ended, is out at
    once. Sets the origin that the trail records (SEC-02), and keeps the session going.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        source = Origin(ip=client_ip(request), error_number=getattr(request, "error_number", ""))
        with coming_from(source):
            if not request.user.is_authenticated and SESSION_KEY in request.session:
                request.session.flush()
            if request.user.is_authenticated and _is_too_old(request):
                request.session.flush()
                request.user = AnonymousUser()
            if request.user.is_authenticated:
                _renew(request)
            language = _language(request)
            with translation.override(language):
                response = self._answer(request)
            response.headers["Content-Language"] = language
            return response

    def process_view(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        refused = super().process_view(request, view_func, view_args, view_kwargs)
        if refused is not None or not request.user.is_authenticated:
            return refused
        name = request.resolver_match.url_name if request.resolver_match else None
        if name in _BEFORE_SECOND_FACTOR or request.path_info.startswith("/api/"):
            return None  # the REST interface answers for itself (portal.orgs.authentication)
        if _lacks_factor(cast(PersonRequest, request)):
            return HttpResponseRedirect(reverse("mfa_index"))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Recovery codes under an earlier SECRET_KEY: the pages that show or count them say who helps."""
        if not isinstance(exception, InvalidToken) or not request.user.is_authenticated:
            return None
        messages.error(request, str(AccountAdapter.error_messages["unreadable_factor"]))
        return HttpResponseRedirect(reverse("profile"))

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        """To the login page, and from there back to the page the person was on."""
        login = f"{reverse('account_login')}?{urlencode({'next': _way_back(request)})}"
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": login})
        return HttpResponseRedirect(login)


def _renew(request: HttpRequest) -> None:
    """The session goes on from this request (SEC-01). Writing it down each time would be a statement on every page.

    What a page asks by itself while nobody sits there does not count: a page that shows progress would never end.
    """
    now = int(time.time())
    if "began_at" not in request.session:
        request.session["began_at"] = now
    if request.headers.get(BY_ITSELF):
        return
    if now - request.session.get("renewed_at", 0) >= settings.SESSION_RENEWED_EVERY:
        request.session["renewed_at"] = now


def _is_too_old(request: HttpRequest) -> bool:
    """Whether the session has lasted as long as one may, however busy it was (SEC-01).

    What is sent has half an hour more: what was typed is saved, and the page that follows asks for the login.
    """
    longest: int = settings.SESSION_LONGEST_SECONDS
    if request.method not in ("GET", "HEAD"):
        longest += settings.SESSION_IDLE_SECONDS
    began = request.session.get("began_at")
    return began is not None and time.time() - began >= longest


def _way_back(request: HttpRequest) -> str:
    """The address to return to: the page itself, or the page whose form was sent."""
    if request.method in ("GET", "HEAD") and not request.headers.get("HX-Request"):
        return request.get_full_path()
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        parts = urlsplit(came_from)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return reverse("home")


def _language(request: HttpRequest) -> str:
    """The person's language; before the login the one chosen in this browser, Japanese when none was."""
    if request.user.is_authenticated:
        return str(request.user.language)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _lacks_factor(request: PersonRequest) -> bool:
    """Whether this person must register a second factor first; a yes is asked anew, a no is kept for the session."""
    if not settings.MFA_REQUIRED or request.session.get("second_factor_of") == request.user.pk:
        return False
    if not factors.is_required(request.user):
        return False
    if factors.is_missing(request.user):
        return True
    request.session["second_factor_of"] = request.user.pk
    return False
