"""How django-allauth is used here: login and second factor only; nobody signs up, and it sends no mail."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any, ClassVar

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.gateways.directory import DirectoryError
from portal.orgs import break_glass, factors, half_login
from portal.orgs.clients import client_ip
from portal.orgs.models import User
from portal.trail import services as trail

# allauth's messages by their template; what is not named here is not said.
_SAID = {
    "mfa/messages/totp_activated.txt": _("The authenticator app was registered."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app was removed."),
    "mfa/messages/webauthn_added.txt": _("The security key was registered."),
    "mfa/messages/webauthn_removed.txt": _("The security key was removed."),
    "mfa/messages/recovery_codes_generated.txt": _(
        "New recovery codes were made. The old ones no longer work."
    ),
}
# allauth's notifications by their template: what happened to whose factors.
_CHANGES = {
    "mfa/email/totp_activated": "factor.add",
    "mfa/email/webauthn_added": "factor.add",
    "mfa/email/totp_deactivated": "factor.remove",
    "mfa/email/webauthn_removed": "factor.remove",
    "mfa/email/recovery_codes_generated": "factor.codes",
}
_REFUSED = _(
    "The login name or the password is wrong, or the account cannot be used now. "
    "Check both and try again; if it goes on, ask your federation's security manager."
)


class AccountAdapter(DefaultAccountAdapter):
    """Login by login name and password against the backends of portal.orgs.backends."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _REFUSED,
        "invalid_login": _REFUSED,
        "incorrect_password": _("The password is wrong."),
        "incorrect_code": _("This code is wrong or was used before. Enter the code that is shown now."),
        "unreadable_factor": _(
            "The portal can no longer read your second factor. "
            "Ask network operations to remove it, then register a new one."
        ),
        "incorrect_key": _("The security key did not answer as expected. Try again, or use another way."),
        "too_many_login_attempts": _("There were too many wrong entries. Wait five minutes and try again."),
        "directory_unavailable": _(
            "Active Directory does not answer, so nobody can log in at the moment. Your password is not the cause. "
            "Try again in a few minutes."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        try:
            return super().authenticate(request, **credentials)
        except DirectoryError as exc:
            raise self.validation_error("directory_unavailable") from exc

    def reauthenticate(self, user: Any, password: str) -> bool:
        found = self.authenticate(context.request, username=user.login_name, password=password)
        return found is not None and found.pk == user.pk and not found.must_change_password

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Stop before the session exists when a new password has to be chosen first (ACC-10)."""
        if getattr(user, "must_change_password", False):
            half_login.begin(request, user, redirect_url=kwargs.get("redirect_url") or "")
            return HttpResponseRedirect(reverse("initial_password_change"))
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: Any) -> None:
        now, ip = timezone.now(), client_ip(request)
        previous = factors.previous_login(user)
        super().login(request, user)
        request.session["began_at"] = int(time.time())
        if previous is not None:
            request.session["previous_login_at"] = previous.at.isoformat()
            request.session["previous_login_ip"] = previous.ip or ""
        used = [record["method"] for record in get_authentication_records(request, user)]
        trail.record(
            action="login",
            now=now,
            actor=user,
            ip=ip,
            object_type="orgs.user",
            object_id=user.pk,
            object_label=user.login_name,
            object_organisation_id=user.organisation_id,
            detail={"methods": sorted(set(used))},
        )
        if user.is_break_glass:
            break_glass.tell_operations(user, now)

    def logout(self, request: HttpRequest) -> None:
        if request.user.is_authenticated:
            trail.record(action="logout", now=timezone.now(), actor=request.user)
        super().logout(request)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        said = message or _SAID.get(message_template or "")
        if said:
            messages.add_message(request, level, str(said), extra_tags=extra_tags)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within a few minutes after a login: the password was typed just now."""
        request = context.request
        records = get_authentication_records(request, request.user)
        fresh = any(time.time() - r["at"] < account_settings.REAUTHENTICATION_TIMEOUT for r in records)
        return not fresh and super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": _("Use the password"),
            "mfa_reauthenticate": _("Use the authenticator app or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a security key"),
        }
        methods = super().get_reauthentication_methods(user)
        return [{**method, "description": str(words[method["id"]])} for method in methods]

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Only portal.notices sends mail."""

    def send_notification_mail(self, template_prefix: str, user: Any, **kwargs: Any) -> None:
        """Only portal.notices sends mail; what allauth would tell goes to the trail and to its owner (SEC-02)."""
        factors.tell_of_change(user, _CHANGES.get(template_prefix, template_prefix), timezone.now())


class MfaAdapter(DefaultMFAAdapter):
    """Second factors: WebAuthn, authenticator apps and recovery codes (SEC-01)."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "cannot_delete_authenticator": _(
            "Your role needs a second factor. Register another one first, then you can remove this one."
        ),
        "cannot_generate_recovery_codes": _("Register an authenticator app or a security key first."),
    }

    def encrypt(self, text: str) -> str:
        """TOTP keys and the seed of recovery codes are kept encrypted: a copy of the database gives no second factor."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not factors.is_required(authenticator.user) or factors.count(authenticator.user) > 1

    def get_totp_label(self, user: Any) -> str:
        return str(user.login_name)

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.login_name)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": context.request.get_host().partition(":")[0], "name": settings.MFA_TOTP_ISSUER}

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        held = Authenticator.objects.filter(user=user, type=type).count()
        return gettext("Key %(number)s") % {"number": held + 1}


def _box() -> Fernet:
    key = hashlib.sha256(b"portal.orgs second factor\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
