"""What mails about steps say and where they lead. No name of a person stands in them (ACC-04)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from audit.cycles.models import CycleStep, Step
from audit.reports.models import OWED, AuditReport
from portal.notices import messages, places
from portal.notices import services as notices
from portal.notices.errors import NothingToSay
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import OrganisationKind

DUE, LATE = "audit_step_due", "audit_step_late"
_STATUS_OF = {step: status for status, step in OWED.items()}


def queue(
    step: CycleStep, organisation_id: int, person: User, *, late: bool, count: int, now: datetime
) -> None:
    """Queue one mail. `count` is how many reports owe the step."""
    notices.queue(
        template=LATE if late else DUE,
        now=now,
        organisation_id=organisation_id,
        to_user=person,
        context={
            "cycle": step.cycle.key,
            "step": step.step,
            "count": count,
            "month_on": step.cycle.month.isoformat(),
            "due_on": step.due_on.isoformat(),
        },
    )


def _values(notice: Notice) -> dict[str, Any]:
    step = Step(notice.context["step"])
    owing = AuditReport.system.filter(
        cycle__month=notice.context["month_on"], is_current=True, status=_STATUS_OF[step]
    )
    if notice.organisation.kind == OrganisationKind.FEDERATION:
        owing = owing.filter(organisation=notice.organisation_id)
    count = owing.count()
    if not count:
        raise NothingToSay
    return {
        "step_label": step.label,
        "count": count,
        "many": notice.organisation.kind != OrganisationKind.FEDERATION,
        "url": messages.link("audit_cycle", notice.context["cycle"]),
    }


def register_all() -> None:
    """Where the mails lead, and what is worked out when they are sent."""
    for template in (DUE, LATE):
        messages.provide(template, _values)
        places.provide(template, lambda notice: reverse("audit_cycle", args=[notice.context["cycle"]]))
