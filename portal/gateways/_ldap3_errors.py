"""Which error of the port an LDAP reply means: by result code and Win32 code, never by English text."""

from __future__ import annotations

from portal.gateways._ldap3_connection import Reply
from portal.gateways.directory import (
    AccessDenied,
    AccountLocked,
    ChangedMeanwhile,
    ContainerMissing,
    DirectoryError,
    InvalidValue,
    NameTaken,
    NotFound,
    PolicyRefused,
    WrongPassword,
)

NO_SUCH_ATTRIBUTE = 16
CONSTRAINT_VIOLATION = 19
ATTRIBUTE_OR_VALUE_EXISTS = 20
NO_SUCH_OBJECT = 32
ACCESS_DENIED = 50
UNWILLING = 53
ALREADY_EXISTS = 68
OTHER = 80
# Undefined attribute, bad syntax, bad DN, bad name, missing or forbidden attribute of the class.
_VALUE_RESULTS = frozenset({NO_SUCH_ATTRIBUTE, 17, CONSTRAINT_VIOLATION, 21, 34, 64, 65})

_OLD_VALUE_WRONG = "00000056"
_POLICY = "0000052D"
_LOCKED = "00000775"
# Samba says 2071 for a login name; Windows 524 or 21C7 (the latter not seen by us).
_LOGIN_NAME_CODES = frozenset({"00002071", "00000524", "000021C7"})
# Samba says 202F for a principal name; Windows 21C8.
_PRINCIPAL_NAME_CODES = frozenset({"0000202F", "000021C8"})


def write_error(reply: Reply) -> DirectoryError:
    """The error for a refused write of any kind."""
    message, code = reply.message, reply.code
    if reply.win32 == _POLICY:
        return PolicyRefused(message, code=code)
    if reply.win32 in _LOGIN_NAME_CODES:
        return NameTaken(message, code=code, attribute="sAMAccountName")
    if reply.win32 in _PRINCIPAL_NAME_CODES and reply.result == CONSTRAINT_VIOLATION:
        return NameTaken(message, code=code, attribute="userPrincipalName")
    if reply.result == ALREADY_EXISTS:
        return NameTaken(message, code=code, attribute="dn")
    if reply.result == NO_SUCH_OBJECT:
        return NotFound(message, code=code)
    if reply.result == ACCESS_DENIED:
        return AccessDenied(message, code=code)
    if reply.result in _VALUE_RESULTS:
        return InvalidValue(message, code=code)
    return DirectoryError(message, code=code)


def placement_error(reply: Reply, container_dn: str) -> DirectoryError:
    """The error for a refused add or move into a container; `NotFound` then means the container."""
    # Samba answers a move into a missing container with 80, an add with 32.
    if reply.result == NO_SUCH_OBJECT or (reply.result == OTHER and reply.win32 == "00002095"):
        return ContainerMissing(reply.message, code=reply.code, dn=container_dn)
    return write_error(reply)


def guarded_error(reply: Reply) -> DirectoryError:
    """The error for a refused compare-and-set: the old value was gone, or a new one was there."""
    if reply.result in (NO_SUCH_ATTRIBUTE, ATTRIBUTE_OR_VALUE_EXISTS):
        return ChangedMeanwhile(reply.message, code=reply.code)
    return write_error(reply)


def password_change_error(reply: Reply) -> DirectoryError:
    """The error for a refused change with the old password."""
    if reply.win32 == _OLD_VALUE_WRONG:
        return WrongPassword(reply.message, code=reply.code)
    if reply.win32 == _LOCKED:
        return AccountLocked(reply.message, code=reply.code)
    return write_error(reply)
