"""Why the directory did not do what was asked. Callers import these from the port, portal.gateways.directory."""

from __future__ import annotations

import re
from typing import Literal

# Diagnostic texts of AD end in a NUL, which PostgreSQL refuses to store.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MESSAGE_LIMIT = 500

TakenAttribute = Literal["sAMAccountName", "userPrincipalName", "dn"]


class DirectoryError(Exception):
    """The directory did not do what was asked.

    `code` is "<LDAP result>/<Win32 code>" (for example "68/00002071"), or a plain word when no answer came.
    `message` is the diagnostic text without control characters, safe to store and show to operators. It never
    holds a password.
    """

    def __init__(self, message: str = "", *, code: str = "") -> None:
        self.code = code
        self.message = _CONTROL.sub(" ", message).strip()[:_MESSAGE_LIMIT]
        super().__init__(f"{code} {self.message}".strip())


class DirectoryUnavailable(DirectoryError):
    """Nothing was applied: connecting, TLS or the bind of the service account failed. Safe to try again."""


class OutcomeUnknown(DirectoryError):
    """The operation was sent and no answer came. It may have been applied: read back before trying again."""


class NameTaken(DirectoryError):
    """Another object has this login name, principal name or DN."""

    def __init__(self, message: str = "", *, code: str = "", attribute: TakenAttribute) -> None:
        super().__init__(message, code=code)
        self.attribute: TakenAttribute = attribute


class NotFound(DirectoryError):
    """The object that the operation names does not exist (any more)."""


class ContainerMissing(DirectoryError):
    """The organisational unit that should hold the object does not exist."""

    def __init__(self, message: str = "", *, code: str = "", dn: str) -> None:
        super().__init__(message, code=code)
        self.dn = dn


class PolicyRefused(DirectoryError):
    """The password does not meet the policy. AD does not say which rule: show all of them."""


class WrongPassword(DirectoryError):
    """The old password of a change was wrong."""


class AccountLocked(DirectoryError):
    """The account is locked after too many wrong passwords, so its password cannot be changed with the old one."""


class AccountDisabled(DirectoryError):
    """The account is disabled, so that unlocking it would let nobody in."""


class AccessDenied(DirectoryError):
    """The service account lacks the right for this object. Others may still succeed."""


class ChangedMeanwhile(DirectoryError):
    """A compare-and-set lost: the value is no longer what the caller had read. Nothing was changed."""


class InvalidValue(DirectoryError):
    """The directory cannot hold this value; `attribute` names it where known."""

    def __init__(self, message: str = "", *, code: str = "", attribute: str | None = None) -> None:
        super().__init__(message, code=code)
        self.attribute = attribute


class Privileged(DirectoryError):
    """Outside what the portal may touch: a protected account or group (adminCount=1), an administrator's password settings."""
