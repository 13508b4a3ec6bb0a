"""The form of one line of each application for an administrator account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.administrators import roles
from accounts.administrators.fields import RolesField
from accounts.administrators.payloads import RegisterAdministrator
from accounts.forms import RegisterForm, iso
from portal.common.forms import MailAddressField
from portal.gateways import directory_rules

MAIL_HELP = gettext_lazy(
    "An address that only this person reads: the portal mails what waits for a decision to it."
)


class RegisterAdministratorForm(RegisterForm):
    """One person who gets a 管理者アカウント (ACC-01, ACC-02)."""

    directory_checks: ClassVar = {**RegisterForm.directory_checks, "email": directory_rules.validate_mail}
    field_order = (
        "family_name",
        "given_name",
        "family_kana",
        "given_kana",
        "login_name",
        "department",
        "email",
        "roles",
        "staff_number",
        "description",
        "expires_on",
        "recipient_id",
    )

    email = MailAddressField(label=gettext_lazy("Mail address"), help_text=MAIL_HELP)
    roles = RolesField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["roles"]
        assert isinstance(field, RolesField)
        field.offer(roles.applied_for(self.context.organisation))

    def clean_roles(self) -> str:
        """An administrator account without a role could do nothing here."""
        written = str(self.cleaned_data["roles"])
        if written == roles.NONE:
            self.add_error("roles", _("Choose at least one role."))
        return written

    def to_payload(self) -> RegisterAdministrator:
        """The checked payload; call it on a valid form."""
        cleaned = self.cleaned_data
        return RegisterAdministrator(**{**cleaned, "expires_on": iso(cleaned["expires_on"])})
