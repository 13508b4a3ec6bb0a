"""The pages on which people change their own password."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
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

from accounts import passwords, self_service
from portal.common.forms import PortalForm
from portal.orgs import half_login
from portal.orgs.http import PersonRequest
from portal.orgs.models import User


class PasswordForm(PortalForm):
    """The present password and a new one, twice. What was typed is never sent back to the browser."""

    old_password = forms.CharField(
        label=gettext_lazy("Present password"),
        strip=False,
        max_length=passwords.MAX_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("New password, once more"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    error_texts: ClassVar = {"differ": gettext_lazy("The two new passwords differ. Type the same one twice.")}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "new_password" in data and "again" in data and data["new_password"] != data["again"]:
            self.add_error("again", self.error_texts["differ"])
        return data


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
        return half_login.finish(request, person)
    return _page(request, form, person, initial=True)


def _changed(request: HttpRequest, form: PasswordForm, person: User, *, initial: bool) -> bool:
    """Change it; on failure the form carries the reasons."""
    if not form.is_valid():
        return False
    data = form.cleaned_data
    try:
        self_service.change_password(
            actor=person,
            old_password=data["old_password"],
            new_password=data["new_password"],
            initial=initial,
            now=timezone.now(),
        )
    except self_service.PasswordRefused as exc:
        for field, texts in exc.messages.items():
            form.add_error(field or None, [str(text) for text in texts])
        return False
    except self_service.DirectorySilent as exc:
        form.add_error(None, _SILENT[exc.maybe_changed])
        return False
    return True


_SILENT = {
    False: gettext_lazy("Active Directory does not answer. Nothing was changed. Try again in a few minutes."),
    True: gettext_lazy(
        "Active Directory did not confirm the change. Try to log in with the new password; if it does not work, "
        "the old one is still valid."
    ),
}


def _page(request: HttpRequest, form: PasswordForm, person: User, *, initial: bool) -> HttpResponse:
    context = {
        "form": form,
        "problems": form.error_summary if form.is_bound else (),
        "rules": passwords.RULE_TEXTS.values(),
        "person": person,
        "initial": initial,
    }
    return render(request, "accounts/password_change.html", context, status=422 if form.is_bound else 200)
