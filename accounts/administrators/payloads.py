"""What the applications for administrator accounts say. JSON values only; roles are one text (accounts.administrators.roles)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accounts.administrators import roles
from accounts.payloads import ChangeAccount, DeleteAccount, RegisterAccount, RestoreAccount
from portal.orgs.assignments import Term


@dataclass(frozen=True, kw_only=True)
class RegisterAdministrator(RegisterAccount):
    """A 管理者アカウント to be made, with the address that the portal writes to and the roles it carries (ACC-01)."""

    account_type: ClassVar[str] = "ADMINISTRATOR"

    email: str
    roles: str

    @property
    def mail(self) -> str:
        """See RegisterAccount."""
        return self.email

    @property
    def terms(self) -> list[Term]:
        """The roles with their days."""
        return roles.read(self.roles)


@dataclass(frozen=True, kw_only=True)
class ChangeAdministrator(ChangeAccount):
    """What an administrator account shall be like afterwards. Empty roles stay as they are; `NONE` ends all of them."""

    account_type: ClassVar[str] = "ADMINISTRATOR"

    email: str
    roles: str = ""
    roles_before: str = ""  # as the applicant saw them: changed meanwhile, a person decides

    @property
    def mail(self) -> str:
        """See ChangeAccount."""
        return self.email

    @property
    def terms(self) -> list[Term]:
        """The roles with their days, as they shall be; those before when they stay."""
        return roles.read(self.roles or self.roles_before)

    @property
    def terms_before(self) -> list[Term]:
        """The roles with their days, as they were."""
        return roles.read(self.roles_before)


@dataclass(frozen=True, kw_only=True)
class DeleteAdministrator(DeleteAccount):
    """An administrator account that is given up: its person is shut out at that moment, its roles end."""

    account_type: ClassVar[str] = "ADMINISTRATOR"


@dataclass(frozen=True, kw_only=True)
class RestoreAdministrator(RestoreAccount):
    """A deleted administrator account that is given back; its person gets roles by a change afterwards."""

    account_type: ClassVar[str] = "ADMINISTRATOR"
