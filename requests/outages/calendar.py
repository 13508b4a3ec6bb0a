"""An outage as an entry of other calendars: a month for the screen, and iCalendar (RFC 5545)."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from portal.common.time import JST
from requests.outages.models import Outage, Shown

_LONGEST_LINE = 74  # octets, without the line end


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An outage on the page, with how it stands now."""

    outage: Outage
    shown: Shown


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day of the month and what touches it."""

    day: date
    inside: bool
    entries: list[Entry]


def weeks(first: date, outages: Iterable[Outage], now: datetime) -> list[list[Day]]:
    """The weeks that touch the month of `first`, from Sunday on."""
    found = [(Entry(outage=each, shown=each.shown(now)), *_span(each)) for each in outages]
    return [
        [
            Day(
                day=day,
                inside=day.month == first.month,
                entries=[entry for entry, begin, end in found if begin <= day <= end],
            )
            for day in week
        ]
        for week in Calendar(firstweekday=6).monthdatescalendar(first.year, first.month)
    ]


def _span(outage: Outage) -> tuple[date, date]:
    return outage.stops_at.astimezone(JST).date(), outage.starts_at.astimezone(JST).date()


def icalendar(outage: Outage, url: str, host: str) -> str:
    """One event; a cancelled one says so, so that calendars take it out."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Network Operations Portal//Outages//JA",
        "BEGIN:VEVENT",
        f"UID:{outage.number.lower()}@{host}",
        f"SEQUENCE:{outage.version - 1}",
        f"DTSTAMP:{_utc(outage.updated_at)}",
        f"DTSTART:{_utc(outage.stops_at)}",
        f"DTEND:{_utc(outage.starts_at)}",
        f"SUMMARY:{_escaped(f'計画停止 {outage.title}')}",
        f"DESCRIPTION:{_escaped(f'{outage.system_labels} {outage.detail}')}",
        f"URL:{url}",
        f"STATUS:{'CANCELLED' if outage.state == Outage.State.CANCELLED else 'CONFIRMED'}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for sign in "\\;,":
        text = text.replace(sign, f"\\{sign}")
    return "\\n".join(text.splitlines())


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never cut inside a character."""
    parts, rest = [""], ""
    for character in line:
        rest = parts[-1] + character
        if len(rest.encode()) > _LONGEST_LINE:
            parts.append(f" {character}")
        else:
            parts[-1] = rest
    return "\r\n".join(parts)
