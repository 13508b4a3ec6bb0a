"""What the applications for administrator accounts say. JSON values only; roles are one text (accounts.administrators.roles)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accounts.administrators import roles
from accounts.payloads import RegisterAccount
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
