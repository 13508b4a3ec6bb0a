"""Directory values in both directions: timestamps, passwords, DNs, filters, entries. Private to the adapter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from portal.gateways.directory import DirectoryEntry, DirectoryGroup

ACCOUNT_DISABLED = 0x2
NORMAL_ACCOUNT = 0x200
LOCKED_OUT = 0x10
_GLOBAL_GROUP = 0x2
_SECURITY_GROUP = 0x80000000
GROUP_ATTRIBUTES = ["distinguishedName", "sAMAccountName", "description", "groupType", "adminCount"]
BIT_AND = "1.2.840.113556.1.4.803"
NEVER = 0x7FFFFFFFFFFFFFFF
NEVER_INTERVAL = -(2**63)
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_JAPAN = ZoneInfo("Asia/Tokyo")

# The port's field names and the attributes that hold them.
FIELD_ATTRIBUTES: Mapping[str, str] = {
    "display_name": "displayName",
    "family_name": "sn",
    "given_name": "givenName",
    "kana": "msDS-PhoneticDisplayName",
    "department": "department",
    "company": "company",
    "mail": "mail",
    "description": "description",
    "account_expires": "accountExpires",
    "staff_number": "employeeID",
}

_READ_ATTRIBUTES = (
    "objectGUID",
    "distinguishedName",
    "sAMAccountName",
    "displayName",
    "sn",
    "givenName",
    "msDS-PhoneticDisplayName",
    "department",
    "company",
    "mail",
    "description",
    "userAccountControl",
    "pwdLastSet",
    "lockoutTime",
    "msDS-User-Account-Control-Computed",
    "msDS-UserPasswordExpiryTimeComputed",
    "accountExpires",
    "memberOf",
    "lastLogonTimestamp",
    "whenCreated",
    "adminCount",
    "uSNChanged",
    "employeeID",
)


def read_attributes(marker_attribute: str) -> list[str]:
    """All attributes that parse_entry needs."""
    return [*_READ_ATTRIBUTES, marker_attribute]


# The directory works these out for each account, which takes longer than reading all the others.
_COMPUTED = frozenset({"msDS-User-Account-Control-Computed", "msDS-UserPasswordExpiryTimeComputed"})


def scan_attributes(marker_attribute: str) -> list[str]:
    """What is read of thousands of accounts to compare them."""
    return [name for name in read_attributes(marker_attribute) if name not in _COMPUTED]


def parse_entry(response: Mapping[str, Any], marker_attribute: str) -> DirectoryEntry:
    """One search result as the port's value."""
    raw = {name.lower(): values for name, values in response["raw_attributes"].items()}

    def text(name: str) -> str:
        values = raw.get(name.lower()) or [b""]
        return bytes(values[0]).decode("utf-8", "replace")

    def number(name: str) -> int:
        return int(text(name) or 0)

    control = number("userAccountControl")
    set_at = number("pwdLastSet")
    return DirectoryEntry(
        guid=UUID(bytes_le=bytes(raw["objectguid"][0])),
        dn=text("distinguishedName") or str(response["dn"]),
        login_name=text("sAMAccountName"),
        display_name=text("displayName"),
        family_name=text("sn"),
        given_name=text("givenName"),
        kana=text("msDS-PhoneticDisplayName"),
        department=text("department"),
        company=text("company"),
        mail=text("mail") or None,
        description=text("description"),
        marker=text(marker_attribute),
        enabled=not control & ACCOUNT_DISABLED,
        must_change_password=set_at == 0,
        password_last_set=from_filetime(set_at),
        # lockoutTime keeps its old value after the lock has run out; the computed flag tells the truth now.
        locked=number("lockoutTime") > 0 and bool(number("msDS-User-Account-Control-Computed") & LOCKED_OUT),
        account_expires=last_day(number("accountExpires")),
        password_expires_at=from_filetime(number("msDS-UserPasswordExpiryTimeComputed")),
        groups=tuple(bytes(value).decode("utf-8", "replace") for value in raw.get("memberof", [])),
        last_logon=from_filetime(number("lastLogonTimestamp")),
        created_at=from_generalized_time(text("whenCreated")),
        privileged=number("adminCount") == 1,
        usn_changed=number("uSNChanged"),
        staff_number=text("employeeID"),
    )


def text_of(response: Mapping[str, Any], name: str) -> str:
    """The first value of one attribute of a search result; "" without one."""
    raw = {key.lower(): values for key, values in response["raw_attributes"].items()}
    return bytes((raw.get(name.lower()) or [b""])[0]).decode("utf-8", "replace")


def parse_group(response: Mapping[str, Any]) -> DirectoryGroup:
    """One found group as the port's value; asked for with GROUP_ATTRIBUTES."""
    return DirectoryGroup(
        dn=text_of(response, "distinguishedName") or str(response["dn"]),
        name=text_of(response, "sAMAccountName"),
        description=text_of(response, "description"),
        is_global=bool(int(text_of(response, "groupType") or 0) & _GLOBAL_GROUP),
        privileged=text_of(response, "adminCount") == "1",
        is_security=bool(int(text_of(response, "groupType") or 0) & _SECURITY_GROUP),
    )


def encode_password(password: str) -> bytes:
    """The form in which AD takes a password: in double quotes, UTF-16, little endian."""
    return f'"{password}"'.encode("utf-16-le")


def to_filetime(moment: datetime) -> int:
    """Windows' count of 100 ns since 1601."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 10


def from_filetime(ticks: int) -> datetime | None:
    """None for 0 and for "never"."""
    if ticks <= 0 or ticks >= NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def to_interval(span: timedelta | None) -> int:
    """Windows' spans: 100 ns counted downwards; None is "never". Raises ValueError below zero."""
    if span is None:
        return NEVER_INTERVAL
    if span < timedelta():
        raise ValueError(f"{span} is no span of a policy")
    return -(span // timedelta(microseconds=1)) * 10


def from_interval(ticks: int) -> timedelta | None:
    """The inverse; what is finer than a microsecond is left out. Raises ValueError for one that counts upwards."""
    if ticks > 0:
        raise ValueError(f"{ticks} is no span of a policy")
    return None if ticks <= NEVER_INTERVAL else timedelta(microseconds=-ticks // 10)


def from_generalized_time(value: str) -> datetime:
    """whenCreated and its kind: 20261120031500.0Z."""
    return datetime.strptime(value[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def to_generalized_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S.0Z")


def end_of_day(day: date | None) -> int:
    """accountExpires for a last working day in Japan: the midnight that ends it. None never expires."""
    if day is None:
        return NEVER
    return to_filetime(datetime.combine(day + timedelta(days=1), time(), tzinfo=_JAPAN))


def last_day(ticks: int) -> date | None:
    """The last whole day in Japan before accountExpires; the inverse of end_of_day."""
    moment = from_filetime(ticks)
    if moment is None:
        return None
    return (moment - timedelta(microseconds=1)).astimezone(_JAPAN).date()


def guid_dn(guid: UUID) -> str:
    """The DN form that finds an object by objectGUID wherever it was moved."""
    return f"<GUID={guid}>"


def child_dn(common_name: str, container_dn: str) -> str:
    return f"{common_name_rdn(common_name)},{container_dn}"


def common_name_rdn(common_name: str) -> str:
    return f"CN={escape_rdn(common_name)}"


def equals(attribute: str, value: str) -> str:
    """A filter term that no value can break out of."""
    return f"({attribute}={escape_filter_chars(value)})"


def contains(attribute: str, value: str) -> str:
    return f"({attribute}=*{escape_filter_chars(value)}*)"


def account_filter(*terms: str) -> str:
    """Accounts of people (computers are objectClass user as well) that meet all terms."""
    return f"(&(objectCategory=person)(objectClass=user){''.join(terms)})"


def dormant_term(since: datetime) -> str:
    """No logon since then; or never any, and made before then (ACC-14)."""
    return (
        f"(|(lastLogonTimestamp<={to_filetime(since)})"
        f"(&(!(lastLogonTimestamp=*))(whenCreated<={to_generalized_time(since)})))"
    )


def attribute_bytes(field: str, value: str | date | None) -> bytes | None:
    """A field's value as the directory stores it; None where the attribute is to be absent."""
    if field == "account_expires":
        if isinstance(value, str):
            raise TypeError("account_expires takes a date")
        return str(end_of_day(value)).encode()
    return str(value).encode() if value else None
