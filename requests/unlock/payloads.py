"""What one line of an application to unlock says. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

KIND = "requests.unlock"  # the federation's applicant asks, its approver vouches, operations unlock
OWN_KIND = "requests.unlock_own"  # the account's user asks, having proven who they are; operations unlock
KINDS = (KIND, OWN_KIND)
TARGET = "directory"


@dataclass(frozen=True, kw_only=True)
class UnlockAccount:
    """One locked account. objectGUID names it: the login name is how it was called then."""

    login_name: str
    account_guid: str
    display_name: str

    @property
    def guid(self) -> UUID:
        """The key of the account."""
        return UUID(self.account_guid)
