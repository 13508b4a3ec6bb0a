"""Which DNS records people may ask for, as checks that forms, the API, files and the adapters share (REQ-05).

Stricter than DNS itself: names as Windows' own tools take them, a wildcard only as the first part of a name, no international
names, and no value that could never work. What servers hold already is read without these rules.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.gateways.dns import InvalidRecord, Record, RecordType, is_below, reverse_address

LABEL_LENGTH, NAME_LENGTH = 63, 253
WILDCARD = "*"
MIN_TTL, MAX_TTL = 60, 7 * 24 * 3600
TXT_BYTES = 2000
"""More than the longest keys that anybody publishes; a larger answer no longer fits where it must."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_UNDERSCORED = re.compile(r"_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ESCAPE = re.compile(r"\\(\d{3})|(\\)")
_NUMBER = re.compile(r"[0-9]{1,5}")


class Reason(enum.StrEnum):
    """Why a record cannot be asked for."""

    EMPTY = "empty"
    NOT_ASCII = "not_ascii"
    INTERNATIONAL = "international"
    CHARACTER = "character"
    UNDERSCORE = "underscore"
    HYPHEN = "hyphen"
    EMPTY_LABEL = "empty_label"
    LABEL_TOO_LONG = "label_too_long"
    NAME_TOO_LONG = "name_too_long"
    ONE_LABEL = "one_label"
    WILDCARD = "wildcard"
    ADDRESS_AS_NAME = "address_as_name"
    OUTSIDE_ZONE = "outside_zone"
    APEX = "apex"
    NOT_REVERSE = "not_reverse"
    REVERSE = "reverse"
    SERVICE_NAME = "service_name"
    SELF = "self"
    NOT_IPV4 = "not_ipv4"
    NOT_IPV6 = "not_ipv6"
    ADDRESS_UNUSABLE = "address_unusable"
    SERVICE_VALUE = "service_value"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_ESCAPE = "text_escape"
    TYPE = "type"
    TTL = "ttl"


REASON_TEXTS: Mapping[Reason, Promise] = {
    Reason.EMPTY: _("Enter a value."),
    Reason.NOT_ASCII: _("Use half-width letters, digits and signs only."),
    Reason.INTERNATIONAL: _("International domain names (Japanese, or beginning with xn--) cannot be used."),
    Reason.CHARACTER: _(
        "Use only letters, digits and hyphens, with full stops between the parts of the name."
    ),
    Reason.UNDERSCORE: _("An underscore may only begin a part of the name of a TXT or SRV record."),
    Reason.HYPHEN: _("No part of the name may begin or end with a hyphen."),
    Reason.EMPTY_LABEL: _("The name has two full stops in a row, or begins with one."),
    Reason.LABEL_TOO_LONG: _("Each part of the name between full stops may have at most 63 characters."),
    Reason.NAME_TOO_LONG: _("The name may have at most 253 characters."),
    Reason.ONE_LABEL: _("Enter the full name, with its domain."),
    Reason.WILDCARD: _(
        "A wildcard (*) stands alone as the first part of a name, as in *.web.kokuho.pr, and in no value."
    ),
    Reason.ADDRESS_AS_NAME: _("This is an IP address. Enter a name."),
    Reason.OUTSIDE_ZONE: _("The name does not lie in this zone."),
    Reason.APEX: _("The zone's own name cannot be changed here."),
    Reason.NOT_REVERSE: _(
        "A PTR record stands at the whole reverse name of one address, such as 5.82.13.10.in-addr.arpa."
    ),
    Reason.REVERSE: _("In a zone for reverse lookup only PTR records can be used."),
    Reason.SERVICE_NAME: _("The name of an SRV record begins with service and protocol, such as _sip._tcp."),
    Reason.SELF: _("The record would point at itself."),
    Reason.NOT_IPV4: _("Enter an IPv4 address such as 10.13.82.5."),
    Reason.NOT_IPV6: _("Enter an IPv6 address such as 2001:db8::5."),
    Reason.ADDRESS_UNUSABLE: _(
        "No machine can have this address (loopback, multicast, link-local, reserved)."
    ),
    Reason.SERVICE_VALUE: _(
        "Enter priority, weight, port and target with spaces between them, such as: 10 0 5060 sip1.kokuho.pr"
    ),
    Reason.TEXT_TOO_LONG: _("The text may have at most 2,000 characters."),
    Reason.TEXT_ESCAPE: _(
        "Write a backslash as \\092, and other bytes as a backslash with three digits up to 255."
    ),
    Reason.TYPE: _("Choose one of the types A, AAAA, CNAME, PTR, TXT and SRV."),
    Reason.TTL: _("Enter a TTL between 60 seconds and 7 days (604,800 seconds)."),
}


class _Refusal(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def make_record(zone: str, name: str, record_type: str, ttl: int, value: str) -> Record:
    """The record that a person asked for, in canonical form. Raises InvalidRecord with every problem."""
    problems: dict[str, str] = {}

    def tried(field: str, make: Callable[[], str]) -> str:
        try:
            return make()
        except _Refusal as refusal:
            problems[field] = refusal.reason
            return ""

    if record_type not in RecordType.__members__:
        raise InvalidRecord(f"type {record_type}", problems={"type": Reason.TYPE})
    if isinstance(ttl, bool) or not MIN_TTL <= ttl <= MAX_TTL:
        problems["ttl"] = Reason.TTL
    kind = RecordType(record_type)
    owner = tried("name", lambda: _owner(name, kind, zone))
    target = tried("value", lambda: _VALUES[kind](value))
    if kind in (RecordType.CNAME, RecordType.PTR) and owner and owner == target:
        problems["value"] = Reason.SELF
    if problems:
        told = ", ".join(f"{field}: {reason}" for field, reason in problems.items())
        raise InvalidRecord(told, problems=problems)
    return Record(owner, kind.value, ttl, target)


def name_problem(name: str, *, underscore: bool = False) -> Reason | None:
    """Why this is no name that may be asked for; None when it is one."""
    return _problem(lambda: _name(name, underscore=underscore))


def value_problem(record_type: str, value: str) -> Reason | None:
    """Why this is no value for a record of the type; None when it is one."""
    return _problem(lambda: _VALUES[RecordType(record_type)](value))


def canonical_name(name: str) -> str:
    """As names are compared and kept: lower case, without the last dot. Checks nothing."""
    return name.removesuffix(".").lower()


def wildcard_parent(name: str) -> str:
    """The name below which a wildcard answers; "" for any other name."""
    label, _dot, parent = name.partition(".")
    return parent if label == WILDCARD else ""


def wildcard_beside(name: str) -> str:
    """The wildcard next to a name, or above it where it is one itself: who answers where the name is not there."""
    return f"{WILDCARD}.{(wildcard_parent(name) or name).partition('.')[2]}"


def _problem(make: Callable[[], str]) -> Reason | None:
    try:
        make()
    except _Refusal as refusal:
        return refusal.reason
    return None


def _owner(name: str, kind: RecordType, zone: str) -> str:
    below = wildcard_parent(name)
    owner = _name(below or name, underscore=kind in (RecordType.TXT, RecordType.SRV))
    if below:
        owner = f"{WILDCARD}.{owner}"
        if len(owner) > NAME_LENGTH:
            raise _Refusal(Reason.NAME_TOO_LONG)
    if not is_below(owner, zone):
        raise _Refusal(Reason.OUTSIDE_ZONE)
    if owner == zone:
        raise _Refusal(Reason.APEX)
    if kind is RecordType.PTR and reverse_address(owner) is None:
        raise _Refusal(Reason.NOT_REVERSE)
    if kind is not RecordType.PTR and _is_reverse(zone):
        raise _Refusal(Reason.REVERSE)
    labels = owner.split(".")
    if kind is RecordType.SRV and [label[:1] for label in labels[:2]] != ["_", "_"]:
        raise _Refusal(Reason.SERVICE_NAME)
    return owner


def _is_reverse(zone: str) -> bool:
    return is_below(zone, "in-addr.arpa") or is_below(zone, "ip6.arpa")


def _name(text: str, *, underscore: bool = False) -> str:
    if not text:
        raise _Refusal(Reason.EMPTY)
    if not text.isascii():
        raise _Refusal(Reason.INTERNATIONAL if _has_letters_beyond_ascii(text) else Reason.NOT_ASCII)
    name = canonical_name(text)
    if _is_address(name):
        raise _Refusal(Reason.ADDRESS_AS_NAME)
    labels = name.split(".")
    for label in labels:
        if reason := _label_problem(label, underscore=underscore):
            raise _Refusal(reason)
    if len(name) > NAME_LENGTH:
        raise _Refusal(Reason.NAME_TOO_LONG)
    if len(labels) == 1:
        raise _Refusal(Reason.ONE_LABEL)
    return name


def _has_letters_beyond_ascii(text: str) -> bool:
    """Full-width letters and dots are a slip of the keyboard; kana and kanji are an international name."""
    return any(not char.isascii() and not "\uff01" <= char <= "\uff5e" for char in text)


def _label_problem(label: str, *, underscore: bool) -> Reason | None:
    plain = label.replace("_", "")
    found: list[tuple[bool, Reason]] = [
        (not label, Reason.EMPTY_LABEL),
        (len(label) > LABEL_LENGTH, Reason.LABEL_TOO_LONG),
        (label == WILDCARD, Reason.WILDCARD),
        (label.startswith("xn--"), Reason.INTERNATIONAL),
        (not re.fullmatch(r"[a-z0-9-]*", plain), Reason.CHARACTER),
        ("_" in label and not (underscore and _UNDERSCORED.fullmatch(label)), Reason.UNDERSCORE),
        ("_" not in label and not _LABEL.fullmatch(label), Reason.HYPHEN),
    ]
    return next((reason for wrong, reason in found if wrong), None)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ipv4(text: str) -> str:
    if not text:
        raise _Refusal(Reason.EMPTY)
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise _Refusal(Reason.NOT_IPV4) from None
    if _unusable(address) or int(address) >> 24 == 0:
        raise _Refusal(Reason.ADDRESS_UNUSABLE)
    return str(address)


def _ipv6(text: str) -> str:
    if not text:
        raise _Refusal(Reason.EMPTY)
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise _Refusal(Reason.NOT_IPV6) from None
    if _unusable(address) or address.ipv4_mapped is not None:
        raise _Refusal(Reason.ADDRESS_UNUSABLE)
    if address.scope_id is not None:
        raise _Refusal(Reason.NOT_IPV6)
    return str(address)


def _unusable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address.is_unspecified
        or address.is_reserved
    )


def _service(text: str) -> str:
    parts = text.split()
    if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts[:3]):
        raise _Refusal(Reason.SERVICE_VALUE if text else Reason.EMPTY)
    numbers = [int(part) for part in parts[:3]]
    if max(numbers) > 0xFFFF or numbers[2] == 0:
        raise _Refusal(Reason.SERVICE_VALUE)
    return " ".join([*map(str, numbers), _name(parts[3])])


def _text(text: str) -> str:
    if not text:
        raise _Refusal(Reason.EMPTY)
    if any(not " " <= char <= "~" for char in text):
        raise _Refusal(Reason.NOT_ASCII)
    try:
        data = text_bytes(text)
    except ValueError:
        raise _Refusal(Reason.TEXT_ESCAPE) from None
    if len(data) > TXT_BYTES:
        raise _Refusal(Reason.TEXT_TOO_LONG)
    return text_value(data)


_VALUES: Mapping[RecordType, Callable[[str], str]] = {
    RecordType.A: _ipv4,
    RecordType.AAAA: _ipv6,
    RecordType.CNAME: _name,
    RecordType.PTR: _name,
    RecordType.TXT: _text,
    RecordType.SRV: _service,
}


def text_bytes(value: str) -> bytes:
    """The bytes of a TXT value. Raises ValueError for a backslash that is not \\DDD up to 255."""
    out = bytearray()
    position = 0
    for found in _ESCAPE.finditer(value):
        out += value[position : found.start()].encode("ascii")
        if found.group(2) or int(found.group(1)) > 255:
            raise ValueError("a backslash without three digits")
        out.append(int(found.group(1)))
        position = found.end()
    return bytes(out + value[position:].encode("ascii"))


def text_value(data: bytes) -> str:
    """The TXT value of these bytes: the inverse of text_bytes."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\{byte:03d}" for byte in data)


def text_strings(value: str) -> list[bytes]:
    """A TXT value in pieces of at most 255 bytes, as it goes over the wire."""
    data = text_bytes(value)
    return [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]


# What domain controllers register for themselves and expect to find.
_SERVICE_LABELS = frozenset({"_ldap", "_kerberos", "_gc", "_kpasswd", "_kerberos-adm", "_msdcs", "_sites"})
_APPLICATION_LABELS = frozenset({"domaindnszones", "forestdnszones", "_msdcs"})


def owned_by_directory(name: str, *, domain: str, controllers: Collection[str] = ()) -> bool:
    """Whether AD keeps this name up itself, so that no ticket may touch it (REQ-05).

    The domain's own name, its services and application partitions, and its domain controllers.
    """
    owner = canonical_name(name)
    labels = owner.split(".")
    if is_below(owner, domain):
        inside = labels[: -len(domain.split("."))]
        if not inside or inside[-1] in _APPLICATION_LABELS:
            return True
    return bool(_SERVICE_LABELS.intersection(labels)) or owner in map(canonical_name, controllers)
