"""The columns of the two ledgers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from audit.ledgers.models import Ledger, WorkEntry
from audit.ledgers.selectors import LABELS, STATES
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_moment, status_chip


def state_of(entry: WorkEntry) -> str:
    """One of selectors.STATES."""
    return "cancelled" if entry.cancelled else "done" if entry.actual_from else "planned"


def state_chip(entry: WorkEntry) -> Any:
    """The state as the screens show it."""
    state = state_of(entry)
    return status_chip({"cancelled": "CANCELLED", "done": "DONE", "planned": "PENDING"}[state], STATES[state])


def _words(name: str, *, default: bool = True, css: str = "") -> Column[WorkEntry]:
    return Column(
        name=name,
        label=LABELS[name],
        text=lambda e: "、".join(getattr(e, name)),
        css=css,
        default=default,
        reads=(name,),
    )


def _plain(name: str, *, default: bool = False) -> Column[WorkEntry]:
    return Column(
        name=name, label=LABELS[name], text=lambda e: getattr(e, name), default=default, reads=(name,)
    )


_COLUMNS: tuple[Column[WorkEntry], ...] = (
    Column(
        name="work_number",
        label=_("Work number"),
        text=lambda e: e.work_number,
        cell=lambda e: link("work", e.pk, e.work_number),
        reads=("work_number",),
    ),
    Column(
        name="state",
        label=_("State"),
        text=lambda e: str(STATES[state_of(e)]),
        cell=state_chip,
        css="st",
        reads=("cancelled", "actual_from"),
    ),
    columns.organisation(),
    Column(
        name="work_type",
        label=LABELS["work_type"],
        text=lambda e: e.type_name or e.work_type,  # type: ignore[attr-defined]
        reads=("work_type",),
    ),
    Column(
        name="worker",
        label=LABELS["worker"],
        text=lambda e: str(e.get_worker_display()),
        default=False,
        reads=("worker",),
    ),
    columns.moment("planned_from", LABELS["planned_from"], short=short_moment),
    columns.moment("planned_until", LABELS["planned_until"], short=short_moment),
    columns.moment("actual_from", LABELS["actual_from"], short=short_moment, default=False),
    columns.moment("actual_until", LABELS["actual_until"], short=short_moment, default=False),
    _words("persons", default=False),
    _words("accounts", css="u-mono"),
    _words("hosts", css="u-mono"),
    _words("objects_touched", default=False),
    _plain("text", default=True),
    _plain("application_number"),
    _plain("medium_serial"),
    _plain("expected_rows"),
    _plain("expected_files"),
    _plain("approved_by_name"),
    _plain("cancel_reason"),
)

WORKS: dict[str, Table[WorkEntry]] = {
    ledger.value: tables.register(Table(name=name, url_name=f"{name}_list", columns=_COLUMNS))
    for ledger, name in ((Ledger.CENTRAL, "ledger_central"), (Ledger.FEDERATION, "ledger_federation"))
}
