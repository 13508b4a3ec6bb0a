"""Mail about new findings: one to each operator, and to each federation's security managers about their own (ACC-04)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.urls import reverse

from accounts.reconciliation.models import LIVE, Finding, ReconciliationRun
from portal.common.time import today
from portal.notices import places
from portal.notices import services as notices
from portal.notices.messages import link, provide
from portal.notices.models import Notice
from portal.orgs.models import Membership
from portal.orgs.permissions import Role
from portal.workflow import people

OPERATIONS_MAIL, OWN_MAIL = "reconciliation_findings", "reconciliation_own"


def tell(run: ReconciliationRun, now: datetime) -> None:
    """Queue the mails of a run that found something new, in the caller's transaction. Numbers only: nothing personal."""
    rows = Finding.system.filter(first_run=run, state__in=LIVE).order_by()
    counts = dict(rows.values_list("organisation_id").annotate(count=Count("pk")))
    if not counts:
        return
    for operator in people.operators(today(now)).values():
        notices.queue(
            template=OPERATIONS_MAIL,
            now=now,
            organisation_id=operator.organisation_id,
            to_user=operator,
            context={"count": sum(counts.values()), "organisations": len(counts)},
        )
    managers: Any = Membership.system.valid_on(today(now))
    rows_of_managers = managers.filter(
        role=Role.SECURITY_MANAGER, organisation_id__in=counts, user__is_active=True
    ).select_related("user")
    for membership in rows_of_managers:
        notices.queue(
            template=OWN_MAIL,
            now=now,
            organisation_id=membership.organisation_id,
            to_user=membership.user,
            context={"count": counts[membership.organisation_id]},
        )


def provide_links() -> None:
    """The link of both mails is made when they are sent."""

    def values(notice: Notice) -> dict[str, Any]:
        return {"findings_url": link("finding_list")}

    provide(OPERATIONS_MAIL, values)
    provide(OWN_MAIL, values)
    for template in (OPERATIONS_MAIL, OWN_MAIL):
        places.provide(template, lambda notice: reverse("finding_list"))
