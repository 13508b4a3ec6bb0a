"""The form of one line of each application for an administrator account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.administrators import held, roles
from accounts.administrators.fields import RolesField
from accounts.administrators.payloads import (
    ChangeAdministrator,
    DeleteAdministrator,
    RegisterAdministrator,
    RestoreAdministrator,
)
from accounts.aspects import MAIL, State
from accounts.forms import DirectoryLineForm, RegisterForm, iso
from accounts.life_forms import ChangeForm, DeleteForm, RestoreForm
from accounts.models import DirectoryAccount
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
        _offer_roles(self)

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


class ChangeAdministratorForm(ChangeForm):
    """An administrator account as it shall be afterwards: what every account has, its address and its roles."""

    account_type = DirectoryAccount.AccountType.ADMINISTRATOR
    directory_checks: ClassVar = {**ChangeForm.directory_checks, "email": directory_rules.validate_mail}
    field_order = (
        "login_name",
        "new_login_name",
        "family_name",
        "given_name",
        "family_kana",
        "given_kana",
        "department",
        "email",
        "roles",
    )

    email = MailAddressField(label=gettext_lazy("Mail address"), help_text=MAIL_HELP)
    roles = RolesField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_roles(self)

    def values_of(self, account: DirectoryAccount, state: State) -> dict[str, Any]:
        """With the address and the roles that the account has now."""
        values = super().values_of(account, state)
        return {**values, "email": next(iter(state[MAIL]), ""), "roles": self._roles_now(account)}

    def to_payload(self) -> ChangeAdministrator:
        """The checked payload, with the roles as they are now; call it on a valid form."""
        named = self.named()
        del named["display_name"]
        assert self.account is not None
        values: dict[str, Any] = {
            **self.cleaned_data,
            **named,
            "expires_on": iso(self.cleaned_data["expires_on"]),
            "roles_before": self._roles_now(self.account),
        }
        return ChangeAdministrator(**values)

    def _roles_now(self, account: DirectoryAccount) -> str:
        return roles.strict(held.applied_roles(account, self.context.today))


class DeleteAdministratorForm(DeleteForm):
    """One administrator account that is no longer needed."""

    account_type = DirectoryAccount.AccountType.ADMINISTRATOR

    def to_payload(self) -> DeleteAdministrator:
        """The checked payload; call it on a valid form."""
        return DeleteAdministrator(**self.named())


class RestoreAdministratorForm(RestoreForm):
    """One deleted administrator account that is needed after all."""

    account_type = DirectoryAccount.AccountType.ADMINISTRATOR

    def to_payload(self) -> RestoreAdministrator:
        """The checked payload; call it on a valid form."""
        return RestoreAdministrator(**self.named())


def _offer_roles(form: DirectoryLineForm) -> None:
    field = form.fields["roles"]
    assert isinstance(field, RolesField)
    field.offer(roles.applied_for(form.context.organisation))
