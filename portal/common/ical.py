"""Writing iCalendar (RFC 5545): the file around its events, texts, lines that are not too long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

_FOLD = 75  # octets of a line


def calendar_file(events: Iterable[str]) -> str:
    """The whole file from the lines of its events."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//kokuho portal//calendar of changes//JA",
        "CALSCALE:GREGORIAN",
        *events,
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def moment(value: datetime) -> str:
    """A moment in UTC."""
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def text(value: str) -> str:
    """A text without the signs that mean something."""
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
