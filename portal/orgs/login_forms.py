"""allauth's forms with the words of the portal, and a limit on guessing codes that needs no cache."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ReauthenticateForm as AllauthReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.common.forms import FormBehaviour
from portal.common.text import ascii_identifier
from portal.orgs import codes, factors

# What fido2 raises for JSON that no browser would send.
_NO_ANSWER_OF_A_KEY = (KeyError, TypeError, ValueError, AttributeError)


class CredentialField(forms.JSONField):
    """The answer of a security key; JSON too deep to be read is none."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError as exc:
            raise get_adapter().validation_error("incorrect_key") from exc

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Nothing: an answer is good once, so a page with errors asks the key anew."""
        return None


class LoginForm(FormBehaviour, AllauthLoginForm):
    """Login name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, password = self.fields["login"], self.fields["password"]
        name.label, name.error_messages["required"] = _("Login name"), _("Enter your login name.")
        name.widget.attrs = {
            "class": "c-input u-mono",
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": "64",
        }
        password.label, password.error_messages["required"] = _("Password"), _("Enter your password.")
        password.help_text = ""
        password.widget.attrs = {"class": "c-input", "autocomplete": "current-password"}

    def clean_login(self) -> str:
        """Full-width letters become half-width, as wherever a login name is typed."""
        return ascii_identifier(str(super().clean_login()))


class PasswordAgainForm(FormBehaviour, AllauthReauthenticateForm):
    """The password once more before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.label, password.error_messages["required"] = _("Password"), _("Enter your password.")
        password.widget.attrs = {"class": "c-input", "autocomplete": "current-password"}


class _CodeForm(FormBehaviour, BaseAuthenticateForm):
    """A code of the authenticator app, or a recovery code; at most five wrong ones in five minutes.

    A code whose key was encrypted under an earlier SECRET_KEY counts as wrong, and the message says who helps.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_code_field(self)

    def clean_code(self) -> str:
        now = timezone.now()
        if factors.too_many_guesses(self.user, now):
            raise get_adapter().validation_error("too_many_login_attempts")
        code = str(self.cleaned_data["code"])
        try:
            authenticator = codes.accept(self.user, code)
        except codes.Unreadable as exc:
            factors.record_wrong_code(self.user, now)
            raise get_adapter().validation_error("unreadable_factor") from exc
        if authenticator is None:
            factors.record_wrong_code(self.user, now)
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = authenticator
        return code


class CodeForm(_CodeForm, AuthenticateForm):
    """The second factor at login."""


class CodeAgainForm(_CodeForm, ReauthenticateForm):
    """The second factor once more before something that matters."""


class RegisterAppForm(FormBehaviour, ActivateTOTPForm):
    """The first code of an authenticator app proves that it holds the key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_code_field(self)


class RegisterKeyForm(FormBehaviour, AddWebAuthnForm):
    """A name for a security key; the browser adds what the key answers."""

    credential = CredentialField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the key")
        self.fields["name"].help_text = _("A name by which you recognise it, such as “fingerprint of my PC”.")
        self.fields["name"].max_length = 60
        self.fields["name"].widget.attrs["maxlength"] = "60"

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean() or {})
        except _NO_ANSWER_OF_A_KEY as exc:
            raise get_adapter().validation_error("incorrect_key") from exc


class _KeyForm(AuthenticateWebAuthnForm):
    """The answer of a security key; at most five wrong ones in five minutes, together with codes."""

    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        now = timezone.now()
        if factors.too_many_guesses(self.user, now):
            raise get_adapter().validation_error("too_many_login_attempts")
        try:
            return super().clean_credential()
        except (ValidationError, *_NO_ANSWER_OF_A_KEY) as exc:
            factors.record_wrong_code(self.user, now)
            raise get_adapter().validation_error("incorrect_key") from exc


class KeyForm(_KeyForm):
    """A security key as the second factor at login."""


class KeyAgainForm(FormBehaviour, _KeyForm, ReauthenticateWebAuthnForm):
    """A security key once more before something that matters."""


class RenameKeyForm(FormBehaviour, EditWebAuthnForm):
    """Another name for a security key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the key")
        self.fields["name"].max_length = 60
        self.fields["name"].widget.attrs["maxlength"] = "60"


def name_code_field(form: Any) -> None:
    """Words and input aids for a field that takes a code."""
    code = form.fields["code"]
    code.label, code.error_messages["required"] = _("Code"), _("Enter the code.")
    code.widget.attrs = {
        "class": "c-input u-num",
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "maxlength": "20",
    }
