"""The map of coverage: federations × days of a month, so that a silent machine is seen (AUD-10)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from audit.cycles.models import AuditCycle
from audit.imports.models import Host, LogCoverage
from audit.imports.selectors import expected_days, without_machine
from audit.reconciliation.models import LogKind
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind

WHOLE, PART, NONE, FREE, AHEAD = "whole", "part", "none", "free", "ahead"
STATES = {
    WHOLE: ("●", _("every expected log is there")),
    PART: ("△", _("some machines sent nothing")),
    NONE: ("×", _("no machine sent anything")),
    FREE: ("・", _("nothing expected")),
    AHEAD: ("", _("still to come")),
}


@dataclass(frozen=True)
class Cell:
    """A federation and a day."""

    day: dt.date
    state: str
    missing: tuple[str, ...]

    @property
    def sign(self) -> str:
        """What is shown beside the colour."""
        return STATES[self.state][0]

    @property
    def text(self) -> Any:
        """In words."""
        return STATES[self.state][1]


@dataclass
class Line:
    """A federation with its days."""

    organisation: Organisation
    cells: list[Cell] = field(default_factory=list)

    @property
    def gaps(self) -> int:
        """Days on which something is missing."""
        return sum(cell.state in (PART, NONE) for cell in self.cells)


def coverage_map(user: User, cycle: AuditCycle, log_kind: str, now: dt.datetime) -> list[Line]:
    """A line for each federation that has machines which send this log; three statements whatever their number."""
    start, end = cycle.covers_from, cycle.covers_until
    over = today(now) - dt.timedelta(days=1)
    expected: dict[int, dict[dt.date, list[Host]]] = defaultdict(lambda: defaultdict(list))
    places: dict[int, Organisation] = {}
    for host in Host.objects.visible_to(user).select_related("organisation").order_by("name"):
        if not host.sends(log_kind):
            continue
        places[host.organisation_id] = host.organisation
        for day in expected_days(host, log_kind, start, end):
            expected[host.organisation_id][day].append(host)
    rows = LogCoverage.objects.visible_to(user).filter(log_kind=log_kind, day__range=(start, end))
    sent = set(rows.values_list("host_id", "day").distinct())
    days = days_of(cycle)
    return [
        Line(place, [_cell(day, expected[place.pk][day], sent, over) for day in days])
        for place in sorted(places.values(), key=lambda place: (place.sort_order, place.code))
    ]


def unwatched(cycle: AuditCycle, log_kind: str) -> list[Organisation]:
    """Federations without a machine that sends this log: no line of the map, and yet not “no access” (AUD-10)."""
    places = Organisation.objects.filter(kind=OrganisationKind.FEDERATION)
    return without_machine(cycle, list(places))[log_kind]


def days_of(cycle: AuditCycle) -> list[dt.date]:
    """The days that a month covers."""
    count = (cycle.covers_until - cycle.covers_from).days + 1
    return [cycle.covers_from + dt.timedelta(days=n) for n in range(count)]


def _cell(day: dt.date, hosts: list[Host], sent: set[tuple[int, dt.date]], over: dt.date) -> Cell:
    missing = tuple(host.name for host in hosts if (host.pk, day) not in sent)
    if not hosts:
        state = FREE
    elif not missing:
        state = WHOLE
    elif day > over:
        state = AHEAD
    else:
        state = NONE if len(missing) == len(hosts) else PART
    return Cell(day, state, missing if state in (PART, NONE) else ())


def log_kinds() -> list[tuple[str, Any]]:
    """The logs that have a map."""
    return list(LogKind.choices)
