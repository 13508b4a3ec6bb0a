"""What a list of SKYSEA says against the register: which device each row is, and how the two differ (DEV-04, DEV-13)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from devices.exchange.layout import Layout
from devices.exchange.models import SkyseaFinding
from devices.exchange.reading import Line, Lines
from devices.fields import folded, listed
from devices.permits.keys import device_key, is_placeholder, serial_key
from devices.permits.models import Device, DevicePermit
from devices.permits.source import forbidden_row
from portal.common.computer_names import computer_name

Kind, State = SkyseaFinding.Kind, DevicePermit.State
_AHEAD = 600  # seconds by which the clock of a list may be ahead


@dataclass(frozen=True)
class Difference:
    """One way in which a row, or a device without one, does not fit."""

    kind: str
    key: str
    device: Device | None = None
    seen: dict[str, str] = field(default_factory=dict)
    differences: tuple[tuple[str, str, str], ...] = ()  # field, here, there

    @property
    def digest(self) -> str:
        """Changes when the difference does."""
        text = json.dumps([self.kind, self.seen.get("serial", ""), *self.differences], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def permit(self) -> DevicePermit | None:
        """The newest permit of the device."""
        return self.device.permit if self.device else None


@dataclass
class Comparison:
    """All that a list says."""

    found: dict[str, Difference] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)  # devices ("12") and unknown rows (their key) with a row
    unread: set[str] = field(
        default_factory=set
    )  # the same, of rows that could not be used: nothing is known
    usage: dict[int, datetime | None] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    matched: int = 0

    def add(self, kind: str, subject: str, **values: Any) -> None:
        """One more difference; `subject` says of what."""
        made = Difference(kind=kind, key=f"{kind}:{subject}", **values)
        self.found.setdefault(made.key, made)


class Register:
    """The devices of a federation, ready to be recognised in a list."""

    def __init__(self, organisation_id: int) -> None:
        rows = Device.system.filter(organisation_id=organisation_id)
        rows = rows.select_related("permit").prefetch_related("permit__computers").order_by("pk")
        self.devices = list(rows)
        self.organisation_id = organisation_id
        self._numbers = {device.number.upper(): device for device in self.devices}
        self._keys = {device.key: device for device in self.devices if device.key}
        self._serials: dict[str, list[Device]] = {}
        for device in self.devices:
            if device.key:
                self._serials.setdefault(serial_key(device.serial), []).append(device)

    def find(self, line: Line, kind: str) -> Device | None:
        """The device of a row: by its number, else by kind, model and serial number, else by a serial number of its own."""
        serial = "" if is_placeholder(line.get("serial")) else line.get("serial")
        by_number = self._numbers.get(computer_name(line.get("number")))
        # A number of the vendor's that happens to be there decides nothing against the serial number.
        if by_number is not None and (
            not serial or not by_number.key or serial_key(by_number.serial) == serial_key(serial)
        ):
            return by_number
        if not serial:
            return None
        if exact := self._keys.get(device_key(kind, line.get("model"), serial)):
            return exact
        alike = self._serials.get(serial_key(serial), [])
        return alike[0] if len(alike) == 1 else None


def compare(
    *, read: Lines, register: Register, layout: Layout, as_of: datetime, complete: bool, code: str
) -> Comparison:
    """Judge every row of a list, and with a complete one every device that it does not name."""
    result = Comparison()
    elsewhere = _elsewhere(read.lines, layout, register.organisation_id)
    for line in read.lines:
        reasons = list(_problems(line, as_of, code))
        if reasons:
            result.unread.add(_subject(line, register, layout))
        else:
            reasons = _judge(result, line, register, layout, read.fields, as_of, elsewhere)
        if reasons:
            result.problems.append({"row": line.number, "reasons": reasons})
    if complete:
        for device in register.devices:
            if str(device.pk) not in result.named | result.unread:
                _judge_absent(result, device, read.fields, as_of)
    return result


def _problems(line: Line, as_of: datetime, code: str) -> Iterator[str]:
    """Why a row cannot be used at all."""
    yield from line.problems
    if line.get("organisation") and folded(line.get("organisation")) != folded(code):
        yield _("This row is of another organisation.")
    if is_placeholder(line.get("serial")) and not line.get("number"):
        yield _("Neither a serial number nor a device number: nobody can tell which device it is.")
    used = line.moments.get("used")
    if used is not None and (used - as_of).total_seconds() > _AHEAD:
        yield _("It was last used after the list was taken. Look at the time of the list.")


def _subject(line: Line, register: Register, layout: Layout) -> str:
    """Which device a row is about, as the keys of findings say it."""
    device = register.find(line, layout.code("kind", line.get("kind")))
    return str(device.pk) if device else _row_key(line)


def _judge(
    result: Comparison,
    line: Line,
    register: Register,
    layout: Layout,
    fields: Iterable[str],
    as_of: datetime,
    elsewhere: set[str],
) -> list[str]:
    kind = layout.code("kind", line.get("kind"))
    device = register.find(line, kind)
    subject = str(device.pk) if device else _row_key(line)
    if subject in result.named:
        return [_("The same device stands in an earlier row.")]
    result.named.add(subject)
    if device is None:
        _judge_unknown(result, line, kind, subject, elsewhere)
        return []
    result.matched += 1
    if "used" in fields:
        result.usage[device.pk] = line.moments.get("used")
    _judge_state(result, device, line, as_of)
    _judge_content(result, device, line, kind, layout)
    return _unknown_words(line, kind, layout)


def _unknown_words(line: Line, kind: str, layout: Layout) -> list[str]:
    """Words that the mapping does not have: the rest of the row counts."""
    text = _("The mapping does not know the word “%(word)s”. Network operations can add it.")
    grant = line.get("grant")
    unknown = [line.get("kind")] if line.get("kind") and not kind else []
    unknown += [grant] if grant and not layout.code("grant", grant) else []
    return [text % {"word": word} for word in unknown]


def _judge_unknown(result: Comparison, line: Line, kind: str, subject: str, elsewhere: set[str]) -> None:
    key = device_key(kind, line.get("model"), line.get("serial"))
    if not kind and forbidden_row(line.get("kind")):  # DEV-05
        result.add(Kind.FORBIDDEN, subject, seen=line.values)
    elif key in elsewhere:
        result.add(Kind.ELSEWHERE, subject, seen=line.values)
    else:
        result.add(Kind.UNKNOWN, subject, seen=line.values)


def _judge_state(result: Comparison, device: Device, line: Line, as_of: datetime) -> None:
    permit, subject = device.permit, str(device.pk)
    values = {"device": device, "seen": line.values}
    if permit is None or (permit.state == State.REMOVED and permit.registered_at is None):
        result.add(Kind.NOT_PERMITTED, subject, **values)
    elif permit.state == State.REMOVED and permit.removed_at and permit.removed_at <= as_of:
        result.add(Kind.STILL_THERE, subject, **values)
    elif permit.state == State.APPROVED:
        result.add(Kind.NOT_RECORDED, subject, **values)


def _judge_content(result: Comparison, device: Device, line: Line, kind: str, layout: Layout) -> None:
    permit, subject = device.permit, str(device.pk)
    details = [
        ("kind", str(device.get_kind_display()), line.get("kind"), bool(kind) and kind != device.kind),
        ("maker", device.maker, line.get("maker"), False),  # spelled in too many ways (ADR 0021)
        ("model", device.model, line.get("model"), folded(line.get("model")) != folded(device.model)),
    ]
    if differ := tuple((name, here, there) for name, here, there, differs in details if there and differs):
        result.add(Kind.DETAILS, subject, device=device, seen=line.values, differences=differ)
    if permit is None or permit.state == State.REMOVED:
        return
    grant = layout.code("grant", line.get("grant"))
    if grant and grant != permit.grant:  # DEV-04
        change = ("grant", str(permit.get_grant_display()), line.get("grant"))
        result.add(Kind.GRANT, subject, device=device, seen=line.values, differences=(change,))
    there = {computer_name(name) for name in listed(line.get("computers").replace(layout.separator, "、"))}
    here = {computer.name for computer in permit.computers.all()}
    if there and there != here:
        change = ("computers", "、".join(sorted(here)), "、".join(sorted(there)))
        result.add(Kind.COMPUTERS, subject, device=device, seen=line.values, differences=(change,))


def _judge_absent(result: Comparison, device: Device, fields: frozenset[str], as_of: datetime) -> None:
    permit = device.permit
    if permit is None or (not device.key and "number" not in fields):
        return  # without a serial number only its number tells it, and this file has none
    if permit.state == State.REGISTERED and permit.registered_at and permit.registered_at <= as_of:
        result.add(Kind.MISSING, str(device.pk), device=device)
    elif permit.state == State.ENDING and permit.ended_at and permit.ended_at <= as_of:
        result.add(Kind.REMOVAL_NOT_RECORDED, str(device.pk), device=device)


def _row_key(line: Line) -> str:
    """What makes two rows about devices that the register does not have the same."""
    parts = (line.get("kind"), line.get("model"), line.get("serial") or line.get("number"))
    return ":".join(folded(part)[:90] for part in parts)


def _elsewhere(lines: Iterable[Line], layout: Layout, organisation_id: int) -> set[str]:
    """The keys of rows that are devices of other federations; nothing more is said of them (ORG-02)."""
    keys = {
        device_key(layout.code("kind", line.get("kind")), line.get("model"), line.get("serial"))
        for line in lines
        if line.get("serial") and not is_placeholder(line.get("serial"))
    }
    rows = Device.system.filter(key__in=keys).exclude(key="").exclude(organisation_id=organisation_id)
    return set(rows.values_list("key", flat=True))
