"""The pages on which people change their own password."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import passwords, public_change, self_service
from accounts.reminder import addresses, throttle
from accounts.reminder.forms import MailedCodeForm, PasswordForm, PublicPasswordForm
from portal.common.forms import PortalForm
from portal.orgs import half_login
from portal.orgs.clients import client_ip
from portal.orgs.http import PersonRequest
from portal.orgs.models import User


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: PersonRequest) -> HttpResponse:
    """The password of the person who is logged in."""
    if request.user.is_break_glass:
        raise PermissionDenied(
            _("The password of a break-glass account is kept in an envelope and not changed here.")
        )
    form = PasswordForm(request.POST or None)
    if form.is_bound and _changed(request, form, request.user, initial=False):
        # This session goes on; every other one and the tokens have ended.
        update_session_auth_hash(request, User.objects.get(pk=request.user.pk))
        messages.success(
            request, _("Your password was changed. Use the new one from now on, in Windows too.")
        )
        return redirect("profile")
    return _page(request, form, request.user, initial=False)


@sensitive_post_parameters()
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def initial_password_change(request: HttpRequest) -> HttpResponse:
    """Half logged in with an initial or expired password: choose one's own, then go on (ACC-10)."""
    person = half_login.person(request)
    if person is None:
        return redirect("account_login")
    form = PasswordForm(request.POST or None)
    if form.is_bound and _changed(request, form, person, initial=True):
        messages.success(
            request, _("Your password was changed. Use the new one from now on, in Windows too.")
        )
        return half_login.finish(request, User.objects.get(pk=person.pk))
    return _page(request, form, person, initial=True)


def _changed(request: HttpRequest, form: PasswordForm, person: User, *, initial: bool) -> bool:
    """Change it; on failure the form carries the reasons."""
    if not form.is_valid():
        return False
    change = partial(
        self_service.change_password,
        actor=person,
        old_password=form.cleaned_data["old_password"],
        new_password=form.cleaned_data["new_password"],
        initial=initial,
        now=timezone.now(),
    )
    return _done(form, change)


def _done(form: PortalForm, change: Callable[[], None]) -> bool:
    """Whether the change went through; else the form carries the reasons."""
    try:
        change()
    except self_service.PasswordRefused as exc:
        for field, texts in exc.messages.items():
            form.add_error(field or None, [str(text) for text in texts])
        return False
    except self_service.DirectorySilent as exc:
        form.add_error(None, str(_SILENT[exc.maybe_changed]))
        return False
    except throttle.TooManyAttempts:
        form.add_error(None, _("There were too many attempts. Wait an hour and try again."))
        return False
    return True


_SILENT = {
    False: gettext_lazy("Active Directory does not answer. Nothing was changed. Try again in a few minutes."),
    True: gettext_lazy(
        "Active Directory did not confirm the change. Try to log in with the new password; if it does not work, "
        "the old one is still valid."
    ),
}


@sensitive_post_parameters()
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def public_password_change(request: HttpRequest) -> HttpResponse:
    """Without login, for Windows accounts: name, present and new password (ACC-11)."""
    form = PublicPasswordForm(request.POST or None)
    if form.is_bound and form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name != "again"}
        change = partial(
            public_change.change_without_login, ip=client_ip(request), now=timezone.now(), **data
        )
        if _done(form, change):
            messages.success(request, _("The password was changed. Use the new one from now on."))
            return redirect("public_password_change")
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "rules": passwords.RULE_TEXTS.items(),
        "name_run_length": settings.PASSWORD_NAME_RUN_LENGTH,
    }
    status = 422 if form.is_bound else 200
    return render(request, "accounts/password_public.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def own_address(request: PersonRequest) -> HttpResponse:
    """Confirm the own mail address with a mailed code: only then a forgotten password can be helped (ACC-11)."""
    sending = request.method == "POST" and "send" in request.POST
    form = MailedCodeForm(None if sending else request.POST or None)
    if sending:
        _send_code(request)
        return redirect("own_address")
    if form.is_bound and form.is_valid():
        if addresses.confirm(actor=request.user, code=form.cleaned_data["code"], now=timezone.now()):
            messages.success(request, _("Your mail address is confirmed."))
            return redirect("own_address")
        form.add_error("code", _("This code is wrong, or it does not count any more. Ask for a new code."))
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "confirmed": addresses.is_confirmed(request.user),
    }
    return render(request, "accounts/own_address.html", context, status=422 if form.is_bound else 200)


def _send_code(request: PersonRequest) -> None:
    try:
        addresses.send_code(actor=request.user, ip=client_ip(request), now=timezone.now())
    except addresses.NoAddress:
        messages.error(
            request, _("Active Directory has no mail address for you. Ask an applicant to have it added.")
        )
    except throttle.TooManyAttempts:
        messages.error(request, _("There were too many attempts. Wait an hour and try again."))
    else:
        messages.success(request, _("A code was sent to your mail address. Enter it here within 10 minutes."))


def _page(request: HttpRequest, form: PasswordForm, person: User, *, initial: bool) -> HttpResponse:
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "rules": passwords.RULE_TEXTS.items(),
        "name_run_length": settings.PASSWORD_NAME_RUN_LENGTH,
        "person": person,
        "initial": initial,
    }
    return render(request, "accounts/password_change.html", context, status=422 if form.is_bound else 200)
