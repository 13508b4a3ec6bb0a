"""The calendar as iCalendar (RFC 5545), for programs that show it beside a person's own appointments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings

from portal.notices.relay import sender_domain
from portal.workflow.calendar.entries import CLOSED, FREEZE, PLANNED, Entry

_FOLD = 75  # octets of a line
_STATUS = {PLANNED: "TENTATIVE", CLOSED: "CANCELLED"}


def calendar_of(entries: Iterable[Entry], now: datetime) -> str:
    """The whole file. Entries are whole days: the day counts, not the minute at which a worker came to it."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//kokuho portal//calendar of changes//JA",
        "CALSCALE:GREGORIAN",
        *(line for entry in entries for line in _event(entry, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(entry: Entry, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(entry.uid)}@{sender_domain()}"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.last + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(' '.join(filter(None, (f'[{entry.state_label}]', entry.kind, entry.title))))}"
    yield f"DESCRIPTION:{_text(' '.join(filter(None, (entry.number, entry.organisation, entry.detail))))}"
    yield f"STATUS:{_STATUS.get(entry.state, 'CONFIRMED')}"
    yield f"TRANSP:{'OPAQUE' if entry.state == FREEZE else 'TRANSPARENT'}"
    if entry.url:
        yield f"URL:{settings.PORTAL_URL}{entry.url}"
    yield "END:VEVENT"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never broken within a character."""
    parts, part, length = [], "", 0
    for character in line:
        size = len(character.encode())
        if length + size > _FOLD:
            parts.append(part)
            part, length = "", 1  # the blank that begins the next line
        part, length = part + character, length + size
    return "\r\n ".join([*parts, part])
