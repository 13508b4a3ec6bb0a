"""The calendar as iCalendar (RFC 5545), for programs that show it beside a person's own appointments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings

from portal.common import ical
from portal.notices.relay import sender_domain
from portal.workflow.calendar.entries import CLOSED, FREEZE, PLANNED, Entry

_STATUS = {PLANNED: "TENTATIVE", CLOSED: "CANCELLED"}


def calendar_of(entries: Iterable[Entry], now: datetime) -> str:
    """The whole file. Entries are whole days: the day counts, not the minute at which a worker came to it."""
    return ical.calendar_file(line for entry in entries for line in _event(entry, now))


def _event(entry: Entry, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{ical.text(entry.uid)}@{sender_domain()}"
    yield f"DTSTAMP:{ical.moment(now)}"
    yield f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.last + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{ical.text(' '.join(filter(None, (f'[{entry.state_label}]', entry.kind, entry.title))))}"
    yield f"DESCRIPTION:{ical.text(' '.join(filter(None, (entry.number, entry.organisation, entry.detail))))}"
    yield f"STATUS:{_STATUS.get(entry.state, 'CONFIRMED')}"
    yield f"TRANSP:{'OPAQUE' if entry.state == FREEZE else 'TRANSPARENT'}"
    if entry.url:
        yield f"URL:{settings.PORTAL_URL}{entry.url}"
    yield "END:VEVENT"
