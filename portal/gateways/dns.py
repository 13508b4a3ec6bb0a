"""The port to DNS (REQ-05): values, errors and the operations the portal may ask for.

Nothing here knows a DNS or LDAP library. Callers take a `Dns` from `portal.gateways.dns_factory` and handle the errors
below by class; the `code` is for operators and logs. What people type goes through `portal.gateways.dns_rules` first;
what servers hold is taken as it is, so that it can be shown, compared and put back.

Names are absolute, in lower case and without the last dot.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MESSAGE_LIMIT = 500


class DnsError(Exception):
    """DNS did not do what was asked. `message` is safe to store and to show to operators; it never holds a key."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        self.code = code
        self.message = _CONTROL.sub(" ", message).strip()[:_MESSAGE_LIMIT]
        super().__init__(f"{code} {self.message}".strip())


class DnsUnavailable(DnsError):
    """Nothing was applied: the server could not be reached, or refuses the portal itself. Safe to try again."""


class OutcomeUnknown(DnsError):
    """The change was sent and no answer came. It may have been applied: `look` before trying again."""


class AccessDenied(DnsError):
    """The server does not let the portal change this name or type. Nothing was changed."""


class ZoneMissing(DnsError):
    """No such zone on the server, or it does not answer for it."""


class ChangedMeanwhile(DnsError):
    """The record set is no longer what the change expects. Nothing was changed; `found` is what is there."""

    def __init__(self, message: str = "", *, code: str = "", found: RecordSet | None) -> None:
        super().__init__(message, code=code)
        self.found = found


class NameConflict(DnsError):
    """A CNAME may stand beside nothing else at its name. Nothing was changed; `beside` are the types in the way."""

    def __init__(self, message: str = "", *, code: str = "", beside: tuple[str, ...]) -> None:
        super().__init__(message, code=code)
        self.beside = beside


class NoEffect(DnsError):
    """The server confirmed the change, and what it holds afterwards is not what was wanted; `found` is what is there."""

    def __init__(self, message: str = "", *, code: str = "", found: RecordSet | None) -> None:
        super().__init__(message, code=code)
        self.found = found


class InvalidRecord(DnsError):
    """The record cannot be written. `problems` has a `dns_rules.Reason` by field: name, type, ttl, value; every one of them."""

    def __init__(self, message: str = "", *, code: str = "", problems: Mapping[str, str]) -> None:
        super().__init__(message, code=code or next(iter(problems.values()), ""))
        self.problems = problems


class RecordType(enum.StrEnum):
    """The types that the portal writes. Others are only shown."""

    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    PTR = "PTR"
    TXT = "TXT"
    SRV = "SRV"


WRITABLE_TYPES: frozenset[str] = frozenset(RecordType)


@dataclass(frozen=True, order=True)
class Record:
    """One record. `value` is canonical text, by type:

    A, AAAA the shortest form of the address; CNAME, PTR the target's name; SRV "priority weight port target"; TXT the
    text as one piece, in which a backslash and all bytes beyond printable ASCII stand as \\DDD (three decimal digits).
    """

    name: str
    type: str
    ttl: int
    value: str


@dataclass(frozen=True)
class RecordSet:
    """All records of one type at one name: what DNS answers, expects and replaces as a whole. Values are sorted."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a record set without records is None")
        object.__setattr__(self, "values", tuple(sorted(set(self.values))))

    @classmethod
    def of(cls, record: Record) -> RecordSet:
        """The set of one record."""
        return cls(record.name, record.type, record.ttl, (record.value,))

    @property
    def writable(self) -> bool:
        """Whether it is of a type that the portal writes."""
        return self.type in WRITABLE_TYPES

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(Record(self.name, self.type, self.ttl, value) for value in self.values)

    def with_record(self, record: Record) -> RecordSet:
        """With one more record; its TTL becomes that of all, as DNS wants it."""
        return replace(self, ttl=record.ttl, values=(*self.values, record.value))

    def without(self, value: str) -> RecordSet | None:
        """Without this record; None when nothing is left."""
        left = tuple(kept for kept in self.values if kept != value)
        return replace(self, values=left) if left else None


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A zone that the servers answer for."""

    name: str
    serial: int | None = None
    """Of the start-of-authority record, on the server that was read."""
    negative_ttl: int | None = None
    """Seconds for which others may remember that a name does not exist: how long a new name may stay unseen."""

    @property
    def is_reverse(self) -> bool:
        """Whether it leads from addresses to names."""
        return is_below(self.name, "in-addr.arpa") or is_below(self.name, "ip6.arpa")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One record set from what it is expected to be to what it shall be. None stands for "no such records"."""

    zone: str
    name: str
    type: str
    before: RecordSet | None
    after: RecordSet | None

    def __post_init__(self) -> None:
        for side in (self.before, self.after):
            if side is not None and (side.name, side.type) != (self.name, self.type):
                raise ValueError("a change is about one name and one type")
        if self.before == self.after:
            raise ValueError("a change changes something")
        if self.type not in WRITABLE_TYPES:
            raise ValueError(f"the portal writes no {self.type}")
        if not is_below(self.name, self.zone):
            raise ValueError(f"{self.name} is not in the zone {self.zone}")

    @classmethod
    def between(cls, zone: str, before: RecordSet | None, after: RecordSet | None) -> Change:
        """The change between two sets, of which one at least exists."""
        known = before or after
        if known is None:
            raise ValueError("a change changes something")
        return cls(zone=zone, name=known.name, type=known.type, before=before, after=after)

    @property
    def inverse(self) -> Change:
        """What takes it back."""
        return replace(self, before=self.after, after=self.before)


class Standing(enum.Enum):
    """How a record set stands in relation to a change."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


class Said(enum.Enum):
    """What one server said to a query."""

    ANSWER = "answer"
    NO_DATA = "no_data"
    """The name exists or may exist, without records of this type."""
    NO_NAME = "no_name"
    REFUSED = "refused"
    """It answers, but not for this zone, or with an error; `message` says which."""
    SILENT = "silent"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One server's answer to a query, asked of it alone."""

    server: str
    said: Said
    found: RecordSet | None = None
    serial: int | None = None
    behind: bool = False
    """Its copy of the zone is older than another server's. Never set where servers number for themselves (AD)."""
    message: str = ""

    @property
    def spoke(self) -> bool:
        """Whether it said what the zone holds."""
        return self.said in (Said.ANSWER, Said.NO_DATA, Said.NO_NAME)

    def shows(self, wanted: RecordSet | None) -> bool:
        """Whether this server holds exactly these records (the TTL aside, which may count down); silence shows nothing."""
        if not self.spoke:
            return False
        held = self.found.values if self.found else ()
        return held == (wanted.values if wanted else ())


class Dns(Protocol):
    """What the portal may do in DNS. Every operation may raise DnsUnavailable and ZoneMissing."""

    servers: tuple[str, ...]
    """The addresses that `query` asks, in the order in which clients use them (CNS ③: the domain controller first)."""

    def ping(self) -> None:
        """Prove that the server that takes changes answers the portal."""
        ...

    def zones(self) -> list[Zone]:
        """The zones that the portal may know, by name."""
        ...

    def read_zone(self, zone: str) -> Iterator[list[RecordSet]]:
        """All record sets of a zone in pages; those of one name stay together. Types that are not writable too."""
        ...

    def read(self, zone: str, name: str) -> list[RecordSet]:
        """All record sets at one name, by type; [] when there are none."""
        ...

    def read_many(self, zone: str, names: Collection[str]) -> dict[str, list[RecordSet]]:
        """`read` of many names in few questions; every name is a key."""
        ...

    def replace(self, change: Change) -> list[RecordSet]:
        """Carry out the change in one atomic step, and only while the set is as expected; what was read back at the name.

        Raises ChangedMeanwhile and NameConflict (nothing changed), AccessDenied, InvalidRecord; NoEffect when the reading
        back shows something else; OutcomeUnknown when no answer came or it could not be read back. Never repeats itself.
        """
        ...

    def query(self, zone: str, name: str, record_type: str) -> list[Answer]:
        """Ask every server, as clients do, but each alone and without recursion; in the order of `servers`.

        Raises nothing: what went wrong with a server is its answer.
        """
        ...

    def query_many(
        self, zone: str, questions: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], list[Answer]]:
        """`query` for many names and types of one zone. A server that falls silent is not waited for again."""
        ...

    def owned_by_directory(self, name: str) -> bool:
        """Whether AD itself keeps this name up (`dns_rules.owned_by_directory`, knowing the domain and its controllers)."""
        ...

    def close(self) -> None: ...


def set_of(sets: Iterable[RecordSet], record_type: str) -> RecordSet | None:
    """The set of one type among those of a name."""
    return next((found for found in sets if found.type == record_type), None)


def look(dns: Dns, change: Change) -> Standing:
    """Where the record set stands now: the way to find out after a lost reply. Only reads."""
    return standing(change, set_of(dns.read(change.zone, change.name), change.type))


def standing(change: Change, found: RecordSet | None) -> Standing:
    """How what was found relates to the change."""
    if found == change.after:
        return Standing.AFTER
    return Standing.BEFORE if found == change.before else Standing.OTHER


def conflicting_types(change: Change, sets: Iterable[RecordSet]) -> tuple[str, ...]:
    """The types at the name that the wanted set may not stand beside: all for a CNAME, a CNAME for all."""
    if change.after is None:
        return ()
    others = sorted(found.type for found in sets if found.type != change.type)
    return tuple(others) if change.type == RecordType.CNAME else tuple(t for t in others if t == "CNAME")


def check_possible(change: Change, sets: Collection[RecordSet]) -> None:
    """Raises ChangedMeanwhile or NameConflict when what is at the name does not allow the change."""
    found = set_of(sets, change.type)
    if found != change.before:
        raise ChangedMeanwhile(f"{change.name} {change.type} is not as expected", code="stale", found=found)
    if beside := conflicting_types(change, sets):
        raise NameConflict(f"{change.name} holds {', '.join(beside)}", code="cname", beside=beside)


def check_effect(change: Change, sets: Collection[RecordSet]) -> None:
    """Raises NoEffect when what was read back after the change is not what was wanted."""
    found = set_of(sets, change.type)
    if found != change.after:
        raise NoEffect(f"{change.name} {change.type} is not as written", code="no_effect", found=found)


def is_below(name: str, zone: str) -> bool:
    """Whether the name is the zone's own or lies below it."""
    return name == zone or name.endswith(f".{zone}")


def zone_of(name: str, zones: Iterable[str]) -> str | None:
    """The zone that holds a name: the longest that fits."""
    return max((zone for zone in zones if is_below(name, zone)), key=len, default=None)


def reverse_name(address: str) -> str:
    """Where the PTR of an address stands: "5.82.13.10.in-addr.arpa"."""
    return ipaddress.ip_address(address).reverse_pointer


def reverse_address(name: str) -> str | None:
    """The address that a whole reverse name stands for; None for any other name."""
    labels = name.split(".")
    if name.endswith(".in-addr.arpa") and len(labels) == 6:
        text = ".".join(reversed(labels[:4]))
    elif name.endswith(".ip6.arpa") and len(labels) == 34:
        nibbles = "".join(reversed(labels[:32]))
        text = ":".join(nibbles[start : start + 4] for start in range(0, 32, 4))
    else:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(address) if address.reverse_pointer == name else None


def mark_behind(answers: Iterable[Answer]) -> list[Answer]:
    """Mark the servers whose serial is older than the newest (RFC 1982: it may have wrapped)."""
    told = list(answers)
    serials = [answer.serial for answer in told if answer.serial is not None]
    return [
        replace(answer, behind=any(_is_older(answer.serial, other) for other in serials))
        if answer.serial is not None
        else answer
        for answer in told
    ]


def _is_older(serial: int, other: int) -> bool:
    return serial != other and (other - serial) % 2**32 < 2**31


def by_name(sets: Iterable[RecordSet], names: Collection[str]) -> dict[str, list[RecordSet]]:
    """Record sets by name; every name is a key."""
    found: dict[str, list[RecordSet]] = {name: [] for name in names}
    for each in sets:
        if each.name in found:
            found[each.name].append(each)
    return {name: sorted(at, key=lambda each: each.type) for name, at in found.items()}
