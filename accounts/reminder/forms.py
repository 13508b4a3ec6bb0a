"""The forms of the pages around a forgotten password. What was typed is never sent back to the browser but the login name."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import passwords
from portal.common.forms import PortalForm
from portal.common.text import ascii_identifier
from portal.gateways.directory_rules import LOGIN_NAME_LENGTH

_NAME = {
    "class": "c-input u-mono",
    "autocomplete": "username",
    "autocapitalize": "none",
    "spellcheck": "false",
}


class LoginNameForm(PortalForm):
    """Whose password was forgotten."""

    login_name = forms.CharField(
        label=_("Login name"),
        max_length=64,
        error_messages={"required": _("Enter your login name.")},
        widget=forms.TextInput(attrs=_NAME),
    )

    def clean_login_name(self) -> str:
        """Full-width letters become half-width, as wherever a login name is typed."""
        return ascii_identifier(str(self.cleaned_data["login_name"]))


class MailedCodeForm(PortalForm):
    """The code out of the mail."""

    code = forms.CharField(
        label=_("Code out of the mail"),
        help_text=_("Eight digits. The code counts for 10 minutes and once."),
        max_length=40,
        error_messages={"required": _("Enter the code.")},
        widget=forms.TextInput(
            attrs={"class": "c-input u-num", "autocomplete": "one-time-code", "inputmode": "numeric"}
        ),
    )


def password_field(label: Any, *, new: bool = True) -> forms.CharField:
    """A field for a password."""
    kind = "new-password" if new else "current-password"
    length = 1000 if new else passwords.MAX_LENGTH
    widget = forms.PasswordInput(attrs={"autocomplete": kind})
    return forms.CharField(label=label, strip=False, max_length=length, widget=widget)


class NewPasswordForm(PortalForm):
    """A new password, twice."""

    new_password = password_field(_("New password"))
    again = password_field(_("New password, once more"))
    error_texts: ClassVar = {"differ": _("The two new passwords differ. Type the same one twice.")}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "new_password" in data and "again" in data and data["new_password"] != data["again"]:
            self.add_error("again", self.error_texts["differ"])
        return data


class PasswordForm(NewPasswordForm):
    """The present password and a new one, twice."""

    field_order = ["login_name", "old_password", "new_password", "again"]  # noqa: RUF012  Django's own annotation
    old_password = password_field(_("Present password"), new=False)


class PublicPasswordForm(PasswordForm, LoginNameForm):
    """The same with the login name, for people who do not log in here."""

    login_name = forms.CharField(
        label=_("Login name"),
        max_length=LOGIN_NAME_LENGTH,
        error_messages={"required": _("Enter your login name.")},
        widget=forms.TextInput(attrs=_NAME),
    )
