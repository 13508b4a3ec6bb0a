"""What is compared of an account, as JSON values, and how two of them differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_noop

from accounts.reconciliation.models import FindingKind
from portal.gateways.directory import DirectoryEntry
from portal.gateways.directory_names import parent_dn

Snapshot = dict[str, Any]

# Field of DirectoryEntry: (name that people know, attribute of AD). "container" and "enabled" are derived.
FIELDS: Mapping[str, tuple[str, str]] = {
    "login_name": (gettext_noop("Login name"), "sAMAccountName"),
    "common_name": (gettext_noop("Object name"), "cn"),
    "container": (gettext_noop("Container"), "distinguishedName"),
    "enabled": (gettext_noop("Enabled"), "userAccountControl"),
    "display_name": (gettext_noop("Display name"), "displayName"),
    "family_name": (gettext_noop("Family name"), "sn"),
    "given_name": (gettext_noop("Given name"), "givenName"),
    "kana": (gettext_noop("Display name (kana)"), "msDS-PhoneticDisplayName"),
    "department": (gettext_noop("Department"), "department"),
    "staff_number": (gettext_noop("Staff number"), "employeeID"),
    "company": (gettext_noop("Company"), "company"),
    "mail": (gettext_noop("Mail address"), "mail"),
    "description": (gettext_noop("Description"), "description"),
    "account_expires": (gettext_noop("Last day of use"), "accountExpires"),
    "groups": (gettext_noop("Groups"), "memberOf"),
    "marker": (gettext_noop("Marker"), "employeeNumber"),
}
_TEXTS = (
    "display_name",
    "family_name",
    "given_name",
    "kana",
    "department",
    "company",
    "description",
    "marker",
)
# What update_account may set back; the others have operations of their own.
WRITABLE = frozenset({*_TEXTS, "mail", "account_expires"} - {"marker"})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that is not what was written."""

    kind: str
    field: str
    written: Any
    found: Any

    def as_json(self) -> dict[str, Any]:
        """For Finding.differences."""
        return {"field": self.field, "written": self.written, "found": self.found}


def snapshot_of(entry: DirectoryEntry) -> Snapshot:
    """An account as AD holds it, reduced to what the portal writes or watches."""
    container = parent_dn(entry.dn)
    values: Snapshot = {name: getattr(entry, name) for name in _TEXTS}
    values |= {
        "login_name": entry.login_name,
        "common_name": entry.dn[: -len(container) - 1] if container else entry.dn,
        "container": container,
        "enabled": entry.enabled,
        "mail": entry.mail or "",
        "account_expires": entry.account_expires.isoformat() if entry.account_expires else "",
        "groups": sorted(entry.groups),
    }
    return values


def digest_of(values: Snapshot | None) -> str:
    """Names a state, so that an answer can say which one its person saw."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def compare(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
    """Where the found values are not the expected ones; a field that nobody expected anything of is left out."""
    return [
        Difference(kind=_kind(field, value), field=field, written=value, found=found.get(field))
        for field, value in expected.items()
        if field in FIELDS and value != found.get(field) and not _same(field, value, found.get(field))
    ]


def as_field_value(field: str, value: Any) -> str | date | None:
    """A JSON value of a WRITABLE field as update_account takes it."""
    if field == "account_expires":
        return date.fromisoformat(value) if value else None
    return str(value) if value else None


def fold_dn(dn: str) -> str:
    """The form in which two spellings of one DN are equal, as AD compares them."""
    return _folded(dn)


@lru_cache(maxsize=4096)  # a few hundred containers and groups serve all accounts
def _folded(dn: str) -> str:
    return ",".join(part.strip() for part in dn.split(",")).casefold()


def _same(field: str, expected: Any, found: Any) -> bool:
    """Values that differ in spelling only."""
    if field == "container":
        return _folded(expected or "") == _folded(found or "")
    if field == "groups":
        return _fold_all(expected) == _fold_all(found)
    if field == "common_name":
        return str(expected).casefold() == str(found).casefold()
    return (expected or "") == (found or "") and field != "enabled"


def _fold_all(dns: Iterable[str]) -> set[str]:
    return {_folded(dn) for dn in dns or ()}


def _kind(field: str, expected: Any) -> str:
    if field == "container":
        return FindingKind.MOVED
    if field in ("login_name", "common_name"):
        return FindingKind.RENAMED
    if field == "enabled":
        return FindingKind.DISABLED if expected else FindingKind.RE_ENABLED
    return FindingKind.CHANGED
