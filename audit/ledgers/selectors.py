"""Reading the ledgers within a person's scope (ORG-02, AUD-05)."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.ledgers.models import Ledger, WorkChange, WorkEntry, Worker, WorkImport, WorkType
from audit.ledgers.types import KnownTypes
from audit.reconciliation.engine import Work
from audit.reconciliation.names import account_key, name_key
from audit.reports.models import AuditReport
from portal.common.search import matching
from portal.common.time import JST
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, READ_LEDGERS

_MONTH = re.compile(r"(20\d\d)[-/](0?[1-9]|1[0-2])")
STATES = {
    "planned": pgettext_lazy("work", "planned"),
    "done": pgettext_lazy("work", "done"),
    "cancelled": pgettext_lazy("work", "cancelled"),
}
# What a list is asked for: a state, or the planned works of which the time is over and nobody has entered what was done.
SHOWN = STATES | {"unrecorded": pgettext_lazy("work", "planned time over, not entered what was done")}


def works(
    user: User,
    q: str = "",
    *,
    ledger: str = "",
    state: str = "",
    work_type: str = "",
    worker: str = "",
    month: str = "",
    organisation: str = "",
) -> QuerySet[WorkEntry]:
    """The works that this person may see; `month` such as 2026-11, none for another word."""
    rows = _readable(user)
    if ledger:
        rows = rows.filter(ledger=ledger)
    exact = {"work_type": work_type, "worker": worker, "organisation__code": organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if state:
        rows = rows.filter(_in_state(state))
    if month:
        limits = limits_of(month)
        rows = rows.filter(_within(*limits)) if limits else rows.none()
    return matching(rows, q)  # type: ignore[no-any-return]


def work(user: User, pk: int) -> WorkEntry:
    """One entry; raises WorkEntry.DoesNotExist also for what the person may not see."""
    found: WorkEntry = _readable(user).get(pk=pk)
    return found


def _readable(user: User) -> Any:
    """A federation reads its own ledger, and of 中央会's what a report that it was given is about (AUD-04)."""
    newest = WorkType.objects.filter(code=OuterRef("work_type")).order_by("-valid_from", "-id")
    rows: Any = WorkEntry.objects.visible_to(user).select_related("organisation")
    rows = rows.annotate(type_name=Subquery(newest.values("name")[:1]))
    if not user.may(READ_LEDGERS):
        return rows.none()
    if user.reads_everywhere(READ_LEDGERS):
        return rows
    rows = rows.filter(organisation__in=user.organisations_where(READ_LEDGERS))
    until = Coalesce(OuterRef("actual_until"), OuterRef("planned_until"), output_field=DateTimeField())
    begin = Coalesce(OuterRef("actual_from"), OuterRef("planned_from"), output_field=DateTimeField())
    provided = AuditReport.objects.visible_to(user).filter(
        organisation=OuterRef("organisation"),
        provided_at__isnull=False,
        cycle__covers_from__lte=TruncDate(until, tzinfo=JST),
        cycle__covers_until__gte=TruncDate(begin, tzinfo=JST),
    )
    return rows.filter(Q(ledger=Ledger.FEDERATION) | Exists(provided))


def _in_state(state: str) -> Q:
    if state == "cancelled":
        return Q(cancelled=True)
    if state == "unrecorded":
        return Q(cancelled=False, actual_from=None, planned_until__lt=timezone.now())
    if state in STATES:
        return Q(cancelled=False, actual_from__isnull=state == "planned")
    return Q(pk__in=[])


def limits_of(month: str) -> tuple[dt.datetime, dt.datetime] | None:
    """When a month such as 2026-11 begins and ends in Japan; None for what is no month."""
    found = _MONTH.fullmatch(unicodedata.normalize("NFKC", month).strip())
    if found is None:
        return None
    first = dt.datetime(int(found[1]), int(found[2]), 1, tzinfo=JST)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return first, following


def _within(begin: dt.datetime, end: dt.datetime) -> Q:
    """Planned or done between the two."""
    done = Q(actual_from__lt=end, actual_until__gte=begin)
    return Q(planned_from__lt=end, planned_until__gt=begin) | done


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Another work at the same time with the same account on the same machine: a log cannot tell the two apart."""

    work: WorkEntry
    accounts: list[str]
    hosts: list[str]


def overlapping(
    user: User,
    *,
    organisation_id: int,
    begin: dt.datetime,
    end: dt.datetime,
    accounts: Iterable[str],
    hosts: Iterable[str],
    besides: int | None = None,
) -> list[Overlap]:
    """The works, as far as the person may see them, that overlap; cancelled ones do not."""
    rows = _readable(user).filter(_within(begin, end), organisation_id=organisation_id, cancelled=False)
    return overlaps_with(rows.exclude(pk=besides)[:500], begin=begin, end=end, accounts=accounts, hosts=hosts)


def overlaps_with(
    rows: Iterable[WorkEntry],
    *,
    begin: dt.datetime,
    end: dt.datetime,
    accounts: Iterable[str],
    hosts: Iterable[str],
) -> list[Overlap]:
    """Those of `rows` that overlap."""
    own_accounts, own_hosts = set(map(account_key, accounts)), set(map(name_key, hosts))
    found = []
    for row in rows:
        starts, ends = row.actual_from or row.planned_from, row.actual_until or row.planned_until
        same_accounts = [name for name in row.accounts if account_key(name) in own_accounts]
        same_hosts = [name for name in row.hosts if name_key(name) in own_hosts]
        if starts < end and ends > begin and same_accounts and same_hosts:
            found.append(Overlap(work=row, accounts=same_accounts, hosts=same_hosts))
    return found


def near(user: User, organisation_id: int, begin: dt.datetime, end: dt.datetime) -> list[WorkEntry]:
    """The live works of a federation between two moments, to be compared with many rows of a file."""
    rows = _readable(user).filter(_within(begin, end), organisation_id=organisation_id, cancelled=False)
    return list(rows[:5000])


# A row this far from a work is still told to lie outside of its time (audit.reconciliation.engine.Rules.near).
_NEAR = dt.timedelta(days=2)
_RANKS = {Ledger.CENTRAL: 0, Ledger.FEDERATION: 1}


def works_of(
    organisation: Organisation, covers_from: dt.date, covers_until: dt.date, ledger: str | None = None
) -> list[Work]:
    """What the rows of a month are compared with: the works of a federation in the time around it, cancelled ones too.

    Both days are included. Tolerance and factor are those of the type on the day on which the work was planned.
    """
    begin = dt.datetime.combine(covers_from, dt.time(), JST) - _NEAR
    end = dt.datetime.combine(covers_until, dt.time(), JST) + dt.timedelta(days=1) + _NEAR
    rows = WorkEntry.system.filter(_within(begin, end), organisation=organisation)
    if ledger is not None:
        rows = rows.filter(ledger=ledger)
    known = KnownTypes()
    return [_for_engine(row, known) for row in rows.order_by("pk").iterator(chunk_size=500)]


def _for_engine(row: WorkEntry, known: KnownTypes) -> Work:
    found = known.on(row.work_type, row.planned_from.astimezone(JST).date())
    judged: dict[str, Any] = {}
    if found is not None:
        judged = {
            "tolerance": dt.timedelta(minutes=found.tolerance_minutes),
            "volume_factor": float(found.volume_factor),
        }
    return Work(
        id=row.pk,
        number=row.work_number,
        planned_from=row.planned_from,
        planned_until=row.planned_until,
        actual_from=row.actual_from,
        actual_until=row.actual_until,
        hosts=tuple(row.hosts),
        accounts=tuple(row.accounts),
        work_type=row.work_type,
        objects=tuple(row.objects_touched),
        medium_serial=row.medium_serial,
        expected_rows=row.expected_rows,
        expected_files=row.expected_files,
        cancelled=row.cancelled,
        rank=_RANKS[Ledger(row.ledger)],
        **judged,
    )


def organisations(user: User) -> list[Organisation]:
    """The federations whose ledgers this person can read, for the filter."""
    if user.reads_everywhere(READ_LEDGERS):
        return list(Organisation.objects.filter(kind__in=FEDERATIONS))
    return [place for place in user.organisations_where(READ_LEDGERS) if place.kind in FEDERATIONS]


def own_import(user: User, pk: int) -> WorkImport:
    """A file that this person brought; raises WorkImport.DoesNotExist also for somebody else's."""
    rows = WorkImport.objects.visible_to(user).select_related("organisation", "uploaded_by")
    found: WorkImport = rows.get(pk=pk, uploaded_by=user)
    return found


@dataclass(frozen=True)
class Difference:
    """What one change made of one field."""

    label: Any
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """One change with what it changed; the first one has no differences."""

    change: WorkChange
    differences: list[Difference]


LABELS: dict[str, Any] = {
    "application_number": _("Number of the work application"),
    "work_type": _("Type of work"),
    "worker": _("Done by"),
    "planned_from": _("Planned from"),
    "planned_until": _("Planned until"),
    "actual_from": _("Done from"),
    "actual_until": _("Done until"),
    "persons": _("Persons"),
    "accounts": _("Accounts"),
    "hosts": pgettext_lazy("work", "Machines"),
    "objects_touched": _("Tables and files"),
    "medium_serial": _("Medium (serial number)"),
    "text": _("Work"),
    "expected_rows": _("Expected rows"),
    "expected_files": _("Expected files"),
    "approved_by_name": pgettext_lazy("work", "Approved by"),
    "cancelled": pgettext_lazy("work", "Cancelled"),
    "cancel_reason": _("Reason of the cancellation"),
}


def history(entry: WorkEntry, type_names: dict[str, str]) -> list[Told]:
    """Every change of an entry that the person may see, the newest first."""
    found: list[Told] = []
    before: dict[str, Any] | None = None
    for change in entry.changes.order_by("id"):
        differences = [] if before is None else _differences(before, change.values, type_names)
        found.append(Told(change, differences))
        before = change.values
    return found[::-1]


def _differences(
    before: dict[str, Any], after: dict[str, Any], type_names: dict[str, str]
) -> list[Difference]:
    return [
        Difference(
            label, _in_words(name, before.get(name), type_names), _in_words(name, after.get(name), type_names)
        )
        for name, label in LABELS.items()
        if before.get(name) != after.get(name)
    ]


def _in_words(name: str, value: Any, type_names: dict[str, str]) -> str:
    if value in (None, "", [], False):
        return ""
    if value is True:
        return "○"
    if isinstance(value, list):
        return "、".join(value)
    if name == "work_type":
        return type_names.get(value, str(value))
    if name == "worker":
        return str(dict(Worker.choices).get(value, value))
    if name.endswith(("_from", "_until")):
        return f"{dt.datetime.fromisoformat(value).astimezone(JST):%Y-%m-%d %H:%M}"
    return str(value)
