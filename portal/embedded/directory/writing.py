"""Adding, changing, moving and deleting objects: all or nothing, with the refusals that AD gives."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid4

from portal.embedded.directory import failures, names
from portal.embedded.directory.domain import ACCOUNT_DISABLED, PASSWORD_NOT_REQUIRED, Domain
from portal.embedded.directory.failures import Refused, missing, policy_refused
from portal.embedded.directory.messages import (
    MODIFY_ADD,
    MODIFY_DELETE,
    MODIFY_REPLACE,
    Add,
    Change,
    Delete,
    Modify,
    ModifyDn,
)
from portal.embedded.directory.password_changes import PasswordChange, apply_password, initial_password
from portal.embedded.directory.policy import now_ticks
from portal.embedded.directory.schema import (
    ATTRIBUTES,
    CLASS_CATEGORIES,
    CLASS_CHAINS,
    PASSWORD_SETTINGS_MANDATORY,
    Syntax,
)
from portal.embedded.directory.store import Entry

_LINKS = ("member", "msds-psoappliesto")
_ILLEGAL_IN_LOGIN_NAME = frozenset('"/\\[]:;|=,+*?<>@')
_PASSWORD_ATTRIBUTE = "unicodepwd"  # noqa: S105 (a name, no secret)


# Adding


def add(domain: Domain, identity: UUID | None, operation: Add) -> None:
    parent, common_name = _place(domain, operation.dn)
    classes = _classes(operation)
    domain.check_create(identity, parent, classes)
    if domain.store.by_dn(operation.dn) is not None:
        raise Refused(failures.ALREADY_EXISTS, "", "ENTRY_EXISTS")
    password = next(
        (v for name, v in operation.attributes.items() if name.lower() == _PASSWORD_ATTRIBUTE), None
    )
    entry = Entry(uuid4(), operation.dn, {})
    for name, values in operation.attributes.items():
        if name.lower() not in (_PASSWORD_ATTRIBUTE, "objectclass"):
            _set_values(domain, entry, name, values)
    _complete(domain, entry, classes, common_name)
    if "user" in classes:
        _check_unique(domain, entry)
        entry = initial_password(domain, entry, password)
        entry.values.setdefault("pwdlastset", [b"0"])
        if password is None and not _may_lack_password(entry):
            raise Refused(failures.UNWILLING, "0000052D", "an enabled account needs a password")
    elif "group" in classes:
        _check_unique(domain, entry)
    elif "msds-passwordsettings" in classes:
        _check_password_settings(entry)
    domain.store.put(entry)


def _place(domain: Domain, dn: str) -> tuple[Entry, str]:
    """The parent of a new object and its own name."""
    try:
        parent_dn, (_, name) = names.parent(dn), names.parse_rdn(names.first(dn))
    except ValueError:
        raise Refused(failures.INVALID_DN, "0000208F", "BAD_NAME") from None
    parent = domain.store.by_dn(parent_dn)
    if parent is None or parent.deleted:
        raise Refused(failures.NO_SUCH_OBJECT, "00002030", "NO_PARENT")
    return parent, name


def _classes(operation: Add) -> list[str]:
    given = [
        value.decode("utf-8", "replace").lower()
        for name, values in operation.attributes.items()
        if name.lower() == "objectclass"
        for value in values
    ]
    structural = next((name for name in CLASS_CHAINS if name in given), None)
    if structural is None:
        raise Refused(failures.OBJECT_CLASS, "0000207B", "no structural class that this directory knows")
    return [name.lower() for name in CLASS_CHAINS[structural]]


def _complete(domain: Domain, entry: Entry, classes: list[str], name: str) -> None:
    """What AD fills in by itself."""
    structural = classes[-1]
    rdn_attribute = names.parse_rdn(names.first(entry.dn))[0].lower()
    entry.values[rdn_attribute] = [name.encode()]
    entry.values["objectclass"] = [value.encode() for value in CLASS_CHAINS[structural]]
    category = CLASS_CATEGORIES[structural]
    entry.values["objectcategory"] = [f"CN={category},CN=Schema,CN=Configuration,{domain.base_dn}".encode()]
    entry.values["instancetype"] = [b"4"]
    if structural in ("user", "computer", "group"):
        entry.values.setdefault("samaccountname", [f"${secrets.token_hex(6)}".encode()])
        entry.values["objectsid"] = [_security_identifier()]
    if "user" in classes:
        entry.values.setdefault("useraccountcontrol", [b"546"])
        entry.values.setdefault("accountexpires", [str(0x7FFFFFFFFFFFFFFF).encode()])
        entry.values.setdefault("badpwdcount", [b"0"])
        entry.values["primarygroupid"] = [b"515" if structural == "computer" else b"513"]
    if structural == "group":
        entry.values.setdefault("grouptype", [b"-2147483646"])


def _security_identifier() -> bytes:
    parts = [21, *(secrets.randbits(32) for _ in range(3)), 1000 + secrets.randbits(28)]
    head = bytes([1, len(parts)]) + (5).to_bytes(6, "big")
    return head + b"".join(part.to_bytes(4, "little") for part in parts)


def _may_lack_password(entry: Entry) -> bool:
    return bool(entry.number("useraccountcontrol") & (ACCOUNT_DISABLED | PASSWORD_NOT_REQUIRED | 0x1000))


def _check_password_settings(entry: Entry) -> None:
    if any(name not in entry.values for name in PASSWORD_SETTINGS_MANDATORY):
        raise Refused(failures.OBJECT_CLASS, "00002014", "MISSING_REQUIRED_ATT")
    intervals = (
        "msds-minimumpasswordage",
        "msds-maximumpasswordage",
        "msds-lockoutduration",
        "msds-lockoutobservationwindow",
    )
    positive = any(entry.number(name) > 0 for name in intervals)
    if positive or entry.number("msds-passwordsettingsprecedence") < 1:
        raise Refused(failures.INVALID_SYNTAX, "0000200B", "INVALID_ATTRIBUTE_SYNTAX")


def _check_unique(domain: Domain, entry: Entry) -> None:
    """Login and principal names are unique in the domain, whatever their case (ACC-06)."""
    login_name, principal = entry.text("samaccountname"), entry.text("userprincipalname")
    if not login_name or _ILLEGAL_IN_LOGIN_NAME & set(login_name):
        raise Refused(failures.CONSTRAINT, "0000202F", "CONSTRAINT_ATT_TYPE (sAMAccountName)")
    if _held_by_other(domain, entry, "samaccountname", login_name):
        raise Refused(failures.ALREADY_EXISTS, "00002071", "ENTRY_EXISTS")
    if principal and _held_by_other(domain, entry, "userprincipalname", principal):
        raise Refused(failures.CONSTRAINT, "0000202F", "CONSTRAINT_ATT_TYPE (userPrincipalName)")


def _held_by_other(domain: Domain, entry: Entry, attribute: str, value: str) -> bool:
    holders = domain.store.equal(attribute, value)
    return any(other.guid != entry.guid and not other.deleted for other in holders)


# Values


def _set_values(domain: Domain, entry: Entry, name: str, values: Iterable[bytes]) -> None:
    """Set an attribute of a copy after checking its values; no values remove it."""
    checked = _checked(domain, name, list(values))
    if checked:
        entry.values[name.lower()] = checked
    else:
        entry.values.pop(name.lower(), None)


def _checked(domain: Domain, name: str, values: list[bytes]) -> list[bytes]:
    attribute = ATTRIBUTES.get(name.lower())
    if attribute is None:
        raise Refused(failures.NO_SUCH_ATTRIBUTE, "0000200A", "NO_ATTRIBUTE_OR_VAL")
    if attribute.computed:
        raise Refused(failures.UNWILLING, "00002035", "WILL_NOT_PERFORM")
    if len(values) > 1 and not attribute.multiple:
        raise Refused(failures.CONSTRAINT, "00002081", "ATT_SINGLE_VALUED")
    for value in values:
        if not _well_formed(value, attribute.syntax, attribute.limit):
            raise Refused(failures.INVALID_SYNTAX, "0000200B", "INVALID_ATTRIBUTE_SYNTAX")
    if name.lower() in _LINKS:
        return [_link_target(domain, value) for value in values]
    if name.lower() == "pwdlastset":
        return [_password_time(value) for value in values]
    return values


def _well_formed(value: bytes, syntax: Syntax, limit: int | None) -> bool:
    if not value:
        return False
    if syntax is Syntax.BINARY:
        return True
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    if syntax is Syntax.NUMBER:
        return text.removeprefix("-").isdecimal() and text.isascii()
    if syntax is Syntax.BOOLEAN:
        return text in ("TRUE", "FALSE")
    return limit is None or len(text.encode("utf-16-le")) // 2 <= limit


def _link_target(domain: Domain, value: bytes) -> bytes:
    target = domain.store.by_dn(value.decode())
    if target is None or target.deleted:
        raise Refused(failures.NO_SUCH_OBJECT, "00000525", "NO_SUCH_USER")
    return str(target.guid).encode()


def _password_time(value: bytes) -> bytes:
    """pwdLastSet takes 0 (must be changed) and -1 (as if changed now), nothing else."""
    if value not in (b"0", b"-1"):
        raise Refused(failures.UNWILLING, "00000057", "WILL_NOT_PERFORM")
    return str(now_ticks()).encode() if value == b"-1" else value


# Changing


def modify(domain: Domain, identity: UUID | None, operation: Modify, *, mind_history: bool = False) -> None:
    found = domain.store.by_dn(operation.dn)
    if found is None or found.deleted:
        raise missing()
    password = PasswordChange.of(operation.changes)
    # A password may be changed by whoever knows the old one; everything else needs the right.
    if identity is None or password is None or not password.proves_itself(operation.changes):
        domain.check_write(identity, found)
    entry = found.changed()
    touched = {change.attribute.lower() for change in operation.changes}
    for change in operation.changes:
        if change.attribute.lower() != _PASSWORD_ATTRIBUTE:
            _apply(domain, entry, change)
    if touched & {"samaccountname", "userprincipalname"}:
        _check_unique(domain, entry)
    if "lockouttime" in touched and entry.number("lockouttime") == 0:
        entry.values["badpwdcount"] = [b"0"]
    if password is not None:
        entry = apply_password(
            domain, entry, password, keep_time="pwdlastset" in touched, mind_history=mind_history
        )
    if entry.is_a("msds-passwordsettings"):
        _check_password_settings(entry)
    if "useraccountcontrol" in touched and not entry.passwords and not _may_lack_password(entry):
        raise policy_refused()
    domain.store.put(entry)


def _apply(domain: Domain, entry: Entry, change: Change) -> None:
    name = change.attribute.lower()
    if name in ("objectclass", "cn", "ou", "dc"):
        raise Refused(failures.UNWILLING, "00002016", "NOT_ON_RDN")
    if change.operation == MODIFY_REPLACE:
        _set_values(domain, entry, name, change.values)
    elif change.operation == MODIFY_ADD:
        _add_values(domain, entry, name, change.values)
    elif change.operation == MODIFY_DELETE:
        _delete_values(domain, entry, name, change.values)
    else:
        raise Refused(failures.PROTOCOL_ERROR, "", "unknown modification")


def _add_values(domain: Domain, entry: Entry, name: str, values: tuple[bytes, ...]) -> None:
    current = entry.values.get(name, [])
    added = _checked(domain, name, list(values))
    if current and not ATTRIBUTES[name].multiple:
        raise Refused(failures.VALUE_EXISTS, "00002081", "ATT_OR_VALUE_EXISTS")
    if set(added) & set(current):
        code = failures.ALREADY_EXISTS if name == "member" else failures.VALUE_EXISTS
        raise Refused(code, "00000562", "ATT_OR_VALUE_EXISTS")
    entry.values[name] = [*current, *added]


def _delete_values(domain: Domain, entry: Entry, name: str, values: tuple[bytes, ...]) -> None:
    current = entry.values.get(name, [])
    gone = list(values)
    if name in _LINKS:
        gone = [_link_target(domain, value) for value in values]
    if not current or not set(gone) <= set(current):
        code = failures.UNWILLING if name == "member" else failures.NO_SUCH_ATTRIBUTE
        raise Refused(code, "00000561", "NO_ATTRIBUTE_OR_VAL")
    remaining = [value for value in current if gone and value not in gone]
    if remaining:
        entry.values[name] = remaining
    else:
        del entry.values[name]


# Moving and deleting


def modify_dn(domain: Domain, identity: UUID | None, operation: ModifyDn) -> None:
    found = domain.store.by_dn(operation.dn)
    if found is None or found.deleted:
        raise missing()
    domain.check_write(identity, found)
    parent_dn = operation.new_superior if operation.new_superior is not None else names.parent(found.dn)
    parent = domain.store.by_dn(parent_dn)
    if parent is None or parent.deleted:
        # So answers Samba; Windows says no such object.
        raise Refused(failures.OTHER, "00002095", "the new parent does not exist")
    domain.check_create(identity, parent, [value.decode().lower() for value in found.values["objectclass"]])
    new_dn = f"{operation.new_rdn},{parent.dn}"
    holder = domain.store.by_dn(new_dn)
    if holder is not None and holder.guid != found.guid:
        raise Refused(failures.ALREADY_EXISTS, "00002071", "ENTRY_EXISTS")
    if names.is_below(names.key(new_dn), found.key):
        raise Refused(failures.UNWILLING, "00002089", "an object cannot move below itself")
    moved = [
        replace(entry.changed(), dn=entry.dn[: len(entry.dn) - len(found.dn)] + new_dn)
        for entry in domain.store.subtree(found.dn)
    ]
    attribute, value = names.parse_rdn(operation.new_rdn)
    next(entry for entry in moved if entry.guid == found.guid).values[attribute.lower()] = [value.encode()]
    domain.store.put(*moved)


def delete(domain: Domain, identity: UUID | None, operation: Delete, *, subtree: bool) -> None:
    found = domain.store.by_dn(operation.dn)
    if found is None or found.deleted:
        raise missing()
    domain.check_write(identity, found)
    doomed = domain.store.subtree(found.dn)
    if len(doomed) > 1 and not subtree:
        raise Refused(failures.NOT_LEAF, "00002015", "CANT_ON_NON_LEAF")
    gone = {str(entry.guid).encode() for entry in doomed}
    groups = {group.guid: group for entry in doomed for group in domain.store.groups_of(entry.guid)}
    settings = [
        found
        for found in domain.store.password_settings()
        if found not in doomed and gone & set(found.values.get("msds-psoappliesto", []))
    ]
    changed = [_without(group, "member", gone) for group in groups.values()] + [
        _without(found, "msds-psoappliesto", gone) for found in settings
    ]
    domain.store.put(*changed, *(_tombstone(domain, entry) for entry in doomed))


def _without(entry: Entry, link: str, gone: set[bytes]) -> Entry:
    """A copy whose link no longer names what is gone."""
    copy = entry.changed()
    copy.values[link] = [value for value in copy.values[link] if value not in gone]
    return copy


_KEPT_IN_TOMBSTONE = ("objectclass", "samaccountname", "objectsid", "useraccountcontrol", "whencreated")


def _tombstone(domain: Domain, entry: Entry) -> Entry:
    attribute, name = names.parse_rdn(names.first(entry.dn))
    values = {kept: entry.values[kept] for kept in _KEPT_IN_TOMBSTONE if kept in entry.values}
    values["isdeleted"] = [b"TRUE"]
    values["lastknownparent"] = [names.parent(entry.dn).encode()]
    values["usncreated"] = entry.values["usncreated"]
    dn = f"{attribute}={name}\\0ADEL:{entry.guid},CN=Deleted Objects,{domain.base_dn}"
    return Entry(entry.guid, dn, values)
