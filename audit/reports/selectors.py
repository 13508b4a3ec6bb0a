"""Reading audit reports within a person's scope. A federation sees its own, from the moment they were provided (ORG-02)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import (
    Case,
    DateField,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.cycles.models import AuditCycle, CycleStep
from audit.reconciliation.models import Side
from audit.reports import access, guards
from audit.reports.models import (
    OWED,
    AuditReport,
    FileOrder,
    ReportEnquiry,
    ReportEvent,
    ReportFile,
    ReportStatus,
)
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import (
    CONFIRM_AUDIT_REPORTS,
    CONFIRM_OWN_AUDIT_REPORTS,
    MAKE_AUDIT_REPORTS,
    PRESENT_AUDIT_REPORTS,
    STORE_AUDIT_COPIES,
    Permission,
)

Status = ReportStatus
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")

# Which states wait for whom; checking before confirming is work of the others of the party.
_WAITS_FOR: tuple[tuple[Permission, tuple[str, ...]], ...] = (
    (MAKE_AUDIT_REPORTS, (Status.PLANNED,)),
    (CONFIRM_AUDIT_REPORTS, (Status.CREATED, Status.CENTRAL_CONFIRMED)),
    (STORE_AUDIT_COPIES, (Status.CREATED, Status.RETURNED)),
    (PRESENT_AUDIT_REPORTS, (Status.PROVIDED,)),
    (CONFIRM_OWN_AUDIT_REPORTS, (Status.PROVIDED, Status.FEDERATION_CONFIRMED)),
)
# States in which it is another party's turn than before.
_HANDED_OVER = (Status.CREATED, Status.PROVIDED, Status.RETURNED)


def reports(
    user: User, *, month: str = "", status: str = "", whose: str = "", organisation: str = ""
) -> QuerySet[AuditReport]:
    """The revisions that count for this person, with the step that is owed and its day.

    `whose`: "mine" what waits for the person, "late" what is past the day of its step.
    """
    rows: Any = _with_owed(newest(user))
    day = first_day(month)
    if month:
        rows = rows.filter(cycle__month=day) if day else rows.none()
    if status:
        rows = rows.filter(status=status)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if whose == "mine":
        rows = _started(rows, waiting_states(user, timezone.now()))
    elif whose == "late":
        rows = rows.filter(owed_due__lt=today(timezone.now()))
    return rows.select_related("cycle", "organisation")  # type: ignore[no-any-return]


def visible(user: User) -> QuerySet[AuditReport]:
    """Every revision that the person may see."""
    reach = access.reach(user, timezone.now())
    rows: Any = AuditReport.objects.visible_to(user)
    if not reach:
        return rows.none()  # type: ignore[no-any-return]
    if not reach.everywhere:
        rows = rows.filter(organisation__in=reach.organisations, provided_at__isnull=False)
    return rows  # type: ignore[no-any-return]


def report(user: User, month: str, code: str, revision: int) -> AuditReport:
    """One revision. Raises AuditReport.DoesNotExist, also for another federation's and for one not provided yet."""
    rows = visible(user).select_related(
        "cycle", "organisation", "reconciliation", "created_by", "central_checked_by", "provided_by",
        "federation_checked_by", "presented_by", "returned_by", "stored_by",
    )  # fmt: skip
    day = first_day(month)
    if day is None:
        raise AuditReport.DoesNotExist
    return rows.get(cycle__month=day, organisation__code=code, revision=revision)


def first_day(month: str) -> date | None:
    """The first day of "2026-09"; None for what is no month."""
    return date.fromisoformat(f"{month}-01") if _MONTH.fullmatch(month) else None


def revisions(user: User, of: AuditReport) -> list[AuditReport]:
    """Every revision of the month and federation that the person may see, the newest first."""
    rows = visible(user).filter(cycle_id=of.cycle_id, organisation_id=of.organisation_id)
    return list(rows.select_related("cycle", "organisation", "reconciliation").order_by("-revision"))


def history(of: AuditReport) -> QuerySet[ReportEvent]:
    """What happened to a revision that the person may see, the oldest first."""
    return of.events.order_by("pk")


def files(user: User, of: AuditReport) -> list[ReportFile]:
    """The files of a revision without their contents."""
    rows: Any = ReportFile.objects.visible_to(user).filter(report=of).defer("content")
    return list(rows.order_by("stage", "log_kind", "format"))


def order_without_files(of: AuditReport) -> FileOrder | None:
    """The files of a revision that the person may see which are ordered and not made yet."""
    return of.file_orders.filter(done_at=None).first()


def file(user: User, of: AuditReport, pk: int) -> ReportFile:
    """One file with its content. Raises ReportFile.DoesNotExist."""
    found: ReportFile = ReportFile.objects.visible_to(user).get(report=of, pk=pk)
    return found


def enquiries(user: User, of: AuditReport) -> list[ReportEnquiry]:
    """Enquiries about the month, of any revision."""
    rows: Any = ReportEnquiry.objects.visible_to(user).filter(report__cycle_id=of.cycle_id)
    rows = rows.filter(organisation_id=of.organisation_id)
    return list(rows.select_related("enquiry", "carried_over_by", "report"))


def organisations(user: User) -> list[Organisation]:
    """Whose reports this person can read, for the filter."""
    reach = access.reach(user, timezone.now())
    if reach.everywhere:
        return list(Organisation.objects.filter(kind__in=("FEDERATION", "STAGING")))
    return list(reach.organisations)


def months() -> list[AuditCycle]:
    """The months that were opened, the newest first, for the filter."""
    return list(AuditCycle.objects.order_by("-month")[:60])


def waiting_for(user: User, now: datetime) -> QuerySet[AuditReport]:
    """The reports with a step that the person does, also as somebody's deputy; none for who does no step."""
    states = waiting_states(user, now)
    return _started(_with_owed(newest(user)), states) if states else AuditReport.system.none()


def waiting_states(user: User, now: datetime) -> set[str]:
    """The states in which a report waits for this person, also as somebody's deputy (ORG-04)."""
    doing = access.steps(user, now, [permission for permission, _states in _WAITS_FOR])
    return {state for permission, states in _WAITS_FOR if permission in doing for state in states}


def newest(user: User) -> QuerySet[AuditReport]:
    """The current revisions that the person may see; a federation has the last one that it was given until the next one is provided."""
    rows = visible(user)
    if access.reach(user, timezone.now()).everywhere:
        return rows.filter(is_current=True)
    later = AuditReport.system.filter(
        cycle=OuterRef("cycle"),
        organisation=OuterRef("organisation"),
        revision__gt=OuterRef("revision"),
        provided_at__isnull=False,
    )
    return rows.filter(~Exists(later))


def _with_owed(rows: QuerySet[AuditReport]) -> QuerySet[AuditReport]:
    step = Case(
        *(When(status=status, then=Value(int(step))) for status, step in OWED.items()),
        output_field=IntegerField(),
    )
    days = CycleStep.objects.filter(cycle=OuterRef("cycle"), step=OuterRef("owed_step"))
    return rows.annotate(owed_step=step).annotate(
        owed_due=Subquery(days.values("due_on")[:1], output_field=DateField()),
        owed_start=Subquery(days.values("starts_on")[:1], output_field=DateField()),
    )


def _started(rows: QuerySet[AuditReport], states: Iterable[str]) -> QuerySet[AuditReport]:
    """Current reports in one of these states. What another party handed over waits at once, the rest once its step has begun."""
    started = Q(owed_start=None) | Q(owed_start__lte=today(timezone.now())) | Q(status__in=_HANDED_OVER)
    return rows.filter(started, is_current=True, status__in=states)


def with_missing_reasons(rows: QuerySet[AuditReport]) -> QuerySet[AuditReport]:
    """How many mismatches lack the reason of the party whose turn it is; None when it is nobody's to give reasons."""
    return rows.annotate(
        missing_reasons=Case(
            When(status=Status.CREATED, then=_missing(Side.CENTRAL)),
            When(status=Status.PROVIDED, then=_missing(Side.FEDERATION)),
            default=None,
            output_field=IntegerField(),
        )
    )


def _missing(side: str) -> Coalesce:
    return Coalesce(Subquery(guards.missing_count(side), output_field=IntegerField()), 0)
