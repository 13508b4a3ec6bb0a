"""Refusals with the codes that AD puts in front of its text."""

from __future__ import annotations

SUCCESS, OPERATIONS_ERROR, PROTOCOL_ERROR, SIZE_LIMIT = 0, 1, 2, 4
UNAVAILABLE_EXTENSION = 12
NO_SUCH_ATTRIBUTE, CONSTRAINT, VALUE_EXISTS, INVALID_SYNTAX = 16, 19, 20, 21
NO_SUCH_OBJECT, INVALID_DN, INVALID_CREDENTIALS = 32, 34, 49
ACCESS_DENIED, UNWILLING, NAMING, OBJECT_CLASS, NOT_LEAF = 50, 53, 64, 65, 66
ALREADY_EXISTS, OTHER = 68, 80


class Refused(Exception):
    """The operation is refused: LDAP result, Win32 code as 8 hex digits (or "") and a word of explanation."""

    def __init__(self, result: int, win32: str = "", comment: str = "") -> None:
        self.result = result
        text = f"{comment}, data 0"
        self.message = f"{win32}: SvcErr: DSID-031A1254, {text}\n" if win32 else text
        super().__init__(self.message)


class BindRefused(Refused):
    """A bind is refused with the sub-code that tells why, such as 52e or 773."""

    def __init__(self, data: str) -> None:
        super().__init__(INVALID_CREDENTIALS)
        self.message = (
            f"80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data {data}, v4563"
        )


def denied() -> Refused:
    return Refused(ACCESS_DENIED, "00002098", "INSUFF_ACCESS_RIGHTS")


def missing() -> Refused:
    return Refused(NO_SUCH_OBJECT, "0000208D", "NO_OBJECT")


def policy_refused() -> Refused:
    return Refused(CONSTRAINT, "0000052D", "the password does not meet the policy")
