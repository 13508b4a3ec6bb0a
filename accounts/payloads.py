"""What the two kinds of account application say about one person. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class RegisterAccount:
    """A Windowsユーザアカウント to be made (ACC-06), and who receives its initial password (ACC-08)."""

    account_type: ClassVar[str] = "WINDOWS"

    family_name: str
    given_name: str
    family_kana: str
    given_kana: str
    login_name: str
    department: str
    recipient_id: int
    description: str = ""
    staff_number: str = ""
    expires_on: str = ""  # the last day of use of a temporary account, ISO

    @property
    def last_day(self) -> date | None:
        """The last day on which the account works; None for ever."""
        return date.fromisoformat(self.expires_on) if self.expires_on else None

    @property
    def mail(self) -> str:
        """The address that AD holds; only administrator accounts have one."""
        return ""

    @property
    def display_name(self) -> str:
        """The name as AD shows it."""
        return f"{self.family_name} {self.given_name}".strip()

    @property
    def kana(self) -> str:
        """The reading as AD holds it."""
        return f"{self.family_kana} {self.given_kana}".strip()


def upgrade_register(data: dict[str, Any], version: int) -> dict[str, Any]:
    """A stored registration as it is written today: version 1 knew no staff number and no last day."""
    if version < 2:
        data = {"staff_number": "", "expires_on": "", **data}
    return data


@dataclass(frozen=True, kw_only=True)
class ResetPassword:
    """An account that gets a new initial password (ACC-08). objectGUID decides which; the names are for people."""

    login_name: str
    recipient_id: int
    account_guid: str = ""
    display_name: str = ""

    @property
    def guid(self) -> UUID:
        """The objectGUID; raises ValueError when the payload was never checked."""
        return UUID(self.account_guid)


@dataclass(frozen=True, kw_only=True)
class NamedAccount:
    """An account that is in the register already. objectGUID decides which; the names are for people."""

    account_type: ClassVar[str] = "WINDOWS"  # DirectoryAccount.AccountType

    login_name: str
    account_guid: str = ""
    display_name: str = ""

    @property
    def guid(self) -> UUID:
        """The objectGUID; raises ValueError when the payload was never checked."""
        return UUID(self.account_guid)


@dataclass(frozen=True, kw_only=True)
class DeleteAccount(NamedAccount):
    """An account that is disabled and moved away at once and removed for good later."""


@dataclass(frozen=True, kw_only=True)
class RestoreAccount(NamedAccount):
    """A deleted account that is given back as it was, as long as it was not removed for good."""


@dataclass(frozen=True, kw_only=True)
class ChangeAccount:
    """What an account shall be like afterwards, whole: an empty field means none, except for `new_login_name`."""

    account_type: ClassVar[str] = "WINDOWS"  # DirectoryAccount.AccountType

    login_name: str  # as it is called now
    family_name: str
    given_name: str
    family_kana: str
    given_kana: str
    department: str
    container: str  # path below the organisation's unit: "Users", "Users/Section 1"
    groups: list[str]  # paths below the organisation's groups
    new_login_name: str = ""  # "": it keeps its name
    staff_number: str = ""
    description: str = ""
    expires_on: str = ""
    account_guid: str = ""

    @property
    def guid(self) -> UUID:
        """The objectGUID; raises ValueError when the payload was never checked."""
        return UUID(self.account_guid)

    @property
    def display_name(self) -> str:
        """The name as AD shows it."""
        return f"{self.family_name} {self.given_name}".strip()

    @property
    def kana(self) -> str:
        """The reading as AD holds it."""
        return f"{self.family_kana} {self.given_kana}".strip()

    @property
    def last_day(self) -> date | None:
        """The last day on which the account works; None for ever."""
        return date.fromisoformat(self.expires_on) if self.expires_on else None

    @property
    def mail(self) -> str:
        """The address that AD shall hold; only administrator accounts have one."""
        return ""
