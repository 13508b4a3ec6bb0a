"""The due days of the audit in calendars: among the changes, as a file, and as a feed for each party (AUD-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from audit.cycles import dates, pages, selectors
from audit.cycles.models import first_of_month
from audit.cycles.pages import Cell, Row
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import READ_AUDIT_CYCLES, OrganisationKind
from portal.workflow.calendar.entries import DONE, NOTE, PLANNED, RUNNING, Entry, Look
from portal.workflow.calendar.pages import month_label

MINE, ALL = "MINE", "ALL"
OWNERS = (OrganisationKind.OPERATIONS, OrganisationKind.CENTRAL, OrganisationKind.FEDERATION)
_STATES = {
    pages.DONE: DONE,
    pages.LATE: RUNNING,
    pages.RUNNING: RUNNING,
    pages.PLANNED: PLANNED,
    pages.BLOCKED: RUNNING,
    pages.PAST: NOTE,
}
_LONGEST = 3  # months from the opening of a month to its last due day, holidays included


def entries(look: Look) -> Iterator[Entry]:
    """In the calendar of changes: the due days that the person's own party owes."""
    if look.kind or not look.user.may(READ_AUDIT_CYCLES):  # a kind of application
        return
    yield from due_entries(look.user, look.first, look.last, owner=MINE, now=look.now)


def due_entries(user: User, first: date, last: date, *, owner: str, now: datetime) -> Iterator[Entry]:
    """One entry for each due day from `first` to `last`, of the party that `owner` names; MINE, ALL or an OrganisationKind.

    The uid of a day stays the same when its month is opened, or planned anew by another version of the deadlines.
    """
    wanted = selectors.parties(user) if owner == MINE else OWNERS if owner == ALL else (owner,)
    begin = dates.add_months(first_of_month(first), -_LONGEST)
    months = selectors.months(begin, first_of_month(last), user=user)
    for row in pages.rows_of(months, today(now)):
        for cell in row.cells:
            if cell.step.owner in wanted and first <= cell.step.due_on <= last:
                yield _entry(row, cell)


def _entry(row: Row, cell: Cell) -> Entry:
    cycle, step = row.month.cycle, cell.step
    month = month_label(cycle.month)
    return Entry(
        uid=f"audit-{cycle.key}-{step.step}",
        day=step.due_on,
        state=_STATES[cell.state],
        kind=_("Audit report"),
        title=_("%(month)s, step %(number)d: %(step)s (due)")
        % {"month": month, "number": step.step, "step": step.get_step_display()},
        url=reverse("audit_cycle", args=[cycle.key]) if row.month.is_open else reverse("audit_calendar"),
        detail=" ".join(filter(None, (str(step.get_owner_display()), cell.label, step.moved))),
    )
