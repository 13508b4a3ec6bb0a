"""Who gets mail about a report: who owes the next step. The mail names the month and the page, nothing of the findings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from audit.cycles.models import CycleStep
from audit.reports.models import OWED, AuditReport, ReportFile, ReportStatus
from portal.common.time import today
from portal.notices import messages, places
from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import (
    CONFIRM_AUDIT_REPORTS,
    CONFIRM_OWN_AUDIT_REPORTS,
    PRESENT_AUDIT_REPORTS,
    RUN_OPERATIONS,
    STORE_AUDIT_COPIES,
    OrganisationKind,
    Permission,
)
from portal.workflow import people

# Template and who it goes to, by the state that was reached. 中央会 has 47 of a month: one mail for each day says it.
_NEXT: dict[str, tuple[str, Permission]] = {
    ReportStatus.CREATED: ("audit_report_made", STORE_AUDIT_COPIES),
    ReportStatus.CENTRAL_CONFIRMED: ("audit_report_to_provide", CONFIRM_AUDIT_REPORTS),
    ReportStatus.PROVIDED: ("audit_report_provided", PRESENT_AUDIT_REPORTS),
    ReportStatus.FEDERATION_CONFIRMED: ("audit_report_to_return", CONFIRM_OWN_AUDIT_REPORTS),
    ReportStatus.RETURNED: ("audit_report_returned", STORE_AUDIT_COPIES),
    ReportStatus.COPY_STORED: ("audit_report_finished", PRESENT_AUDIT_REPORTS),
}
REVISED, FILE_CHANGED = "audit_report_revised", "audit_report_file_changed"
TEMPLATES = (*(template for template, _permission in _NEXT.values()), REVISED, FILE_CHANGED)
_TO_REPORT = frozenset(
    {"audit_report_provided", "audit_report_to_return", "audit_report_finished", FILE_CHANGED}
)


def tell_next(report: AuditReport, now: datetime) -> None:
    """Mail to those who owe the next step."""
    template, permission = _NEXT[report.status]
    if permission.kinds == frozenset({OrganisationKind.CENTRAL}):
        _tell_central(template, permission, report, now)
    else:
        found = people.members(report.organisation_id, permission.roles, today(now))
        _queue(template, report, found.values(), now)


def tell_revised(report: AuditReport, now: datetime) -> None:
    """A revision after step 3: the federation is told that what it has is no longer what counts."""
    found = people.members(report.organisation_id, PRESENT_AUDIT_REPORTS.roles, today(now))
    _queue(REVISED, report, found.values(), now)


def tell_file_changed(report: AuditReport, file: ReportFile, now: datetime) -> None:
    """To operations: a file is not as it was made. Once for each person, file and day, however often somebody asks for it."""
    operations = people.organisation_of(OrganisationKind.OPERATIONS).pk
    found = people.members(operations, RUN_OPERATIONS.roles, today(now))
    told = Notice.system.filter(template=FILE_CHANGED, context__file=file.pk, to_user__in=found)
    known = set(told.filter(context__told_on=today(now).isoformat()).values_list("to_user_id", flat=True))
    _queue(
        FILE_CHANGED, report, [person for pk, person in found.items() if pk not in known], now, file=file.pk
    )


def _tell_central(template: str, permission: Permission, report: AuditReport, now: datetime) -> None:
    """Once for each person, month and day."""
    found = people.members(people.organisation_of(OrganisationKind.CENTRAL).pk, permission.roles, today(now))
    told = Notice.system.filter(template=template, to_user__in=found, context__month=report.cycle.key)
    told = told.filter(context__told_on=today(now).isoformat())
    known = set(told.values_list("to_user_id", flat=True))
    _queue(template, report, [person for pk, person in found.items() if pk not in known], now)


def _queue(template: str, report: AuditReport, found: Iterable[User], now: datetime, **more: int) -> None:
    due = CycleStep.objects.filter(cycle_id=report.cycle_id, step=OWED.get(report.status)).first()  # type: ignore[call-overload]
    for person in found:
        notices.queue(
            template=template,
            now=now,
            organisation_id=person.organisation_id,
            to_user=person,
            context={
                "month": report.cycle.key,
                "code": report.organisation.code,
                "revision": report.revision,
                "told_on": today(now).isoformat(),
                "due_on": due.due_on.isoformat() if due else "",
                **more,
            },
        )


def _address(notice: Notice) -> str:
    """中央会 goes to its list of the month, a federation and whoever looks after a file to the report."""
    if notice.template in _TO_REPORT:
        context = notice.context
        return reverse("audit_report", args=[context["month"], context["code"], context["revision"]])
    return f"{reverse('audit_report_list')}?month={notice.context['month']}"


def _values(notice: Notice) -> dict[str, Any]:
    return {"url": f"{settings.PORTAL_URL}{_address(notice)}"}


def register_all() -> None:
    """Where the mails lead."""
    for template in TEMPLATES:
        messages.provide(template, _values)
        places.provide(template, _address)
