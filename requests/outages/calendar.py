"""An outage in calendars: among the changes, and as iCalendar (RFC 5545) for other programs (REQ-10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.common import ical
from portal.common.time import JST, plain_moment
from portal.workflow.calendar.entries import CLOSED, DONE, PLANNED, RUNNING, Entry, Look
from requests.outages import selectors
from requests.outages.models import Outage, Shown

_STATES = {
    Shown.PLANNED: PLANNED,
    Shown.RUNNING: RUNNING,
    Shown.OVERDUE: RUNNING,
    Shown.CONFIRMED: DONE,
    Shown.CANCELLED: CLOSED,
}


def entries(look: Look) -> Iterator[Entry]:
    """The outages that concern the person and touch these days."""
    if look.kind:  # of applications
        return
    begin = datetime.combine(look.first, time(), tzinfo=JST)
    end = datetime.combine(look.last + timedelta(days=1), time(), tzinfo=JST)
    rows = selectors.outages(look.user, organisation=look.organisation)
    for outage in look.most_of(rows.filter(stops_at__lt=end, starts_at__gt=begin).order_by("stops_at")):
        yield Entry(
            uid=outage.number.lower(),
            day=outage.stops_at.astimezone(JST).date(),
            until=outage.starts_at.astimezone(JST).date(),
            at=outage.stops_at,
            state=_STATES[outage.shown(look.now)],
            kind=_("Planned outage"),
            title=outage.title,
            number=outage.number,
            url=reverse("outage", args=[outage.number]),
            detail=f"{outage.system_labels} {plain_moment(outage.stops_at)}～{plain_moment(outage.starts_at)}",
        )


def icalendar(outage: Outage, url: str, host: str) -> str:
    """One event with its minutes; a cancelled one says so, so that calendars take it out."""
    return ical.calendar_file(
        [
            "BEGIN:VEVENT",
            f"UID:{outage.number.lower()}@{host}",
            f"SEQUENCE:{outage.version - 1}",
            f"DTSTAMP:{ical.moment(outage.updated_at)}",
            f"DTSTART:{ical.moment(outage.stops_at)}",
            f"DTEND:{ical.moment(outage.starts_at)}",
            f"SUMMARY:{ical.text(f'計画停止 {outage.title}')}",
            f"DESCRIPTION:{ical.text(f'{outage.system_labels} {outage.detail}')}",
            f"URL:{url}",
            f"STATUS:{'CANCELLED' if outage.state == Outage.State.CANCELLED else 'CONFIRMED'}",
            "END:VEVENT",
        ]
    )
