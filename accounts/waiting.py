"""What waits for a person in the account rooms, for the home page: dormant accounts, findings, initial passwords."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.delivery import pickup
from accounts.dormancy.models import DormantLine, DormantReview
from accounts.reconciliation.models import Finding, FindingState
from portal.common.pagination import limited_count
from portal.notices import places
from portal.notices.models import PICKUP_CODE
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_DORMANT, RUN_OPERATIONS
from portal.workflow import waiting
from portal.workflow.waiting import Waiting


def register_all() -> None:
    """Called once when the portal starts."""
    for source in (_dormant, _findings, _pickups):
        waiting.register(source)
    places.provide(PICKUP_CODE, lambda notice: reverse("pickup_list"))


def _dormant(user: User, now: datetime) -> Iterator[Waiting]:
    """Accounts that the person's organisations still have to answer for (ACC-14)."""
    organisations = user.organisations_where(ANSWER_DORMANT)
    if not organisations:
        return
    rows = DormantLine.objects.visible_to(user).filter(
        organisation__in=organisations, review__status=DormantReview.Status.OPEN, answer="", left=""
    )
    lists = rows.order_by().values_list("review__run__period", "organisation__code").annotate(n=Count("pk"))
    for period, code, count in lists.order_by("review__run__period", "organisation__code"):
        address = reverse("dormant_review", args=[period, code])
        yield Waiting(
            label=_("Dormant accounts to answer"), icon="clock", count=count, url=f"{address}?answer=open"
        )


def _findings(user: User, now: datetime) -> Iterator[Waiting]:
    """Findings that operations have to answer or to confirm."""
    if user.may(RUN_OPERATIONS):
        rows = Finding.objects.visible_to(user).filter(state__in=(FindingState.OPEN, FindingState.PROPOSED))
        count = limited_count(rows)
        yield Waiting(label=_("Findings in AD"), icon="eye", count=count, url=reverse("finding_list"))


def _pickups(user: User, now: datetime) -> Iterator[Waiting]:
    """Initial passwords whose code was mailed to the person (ACC-09)."""
    count = pickup.open_pickups(user).filter(taken_at=None).count()
    yield Waiting(
        label=_("Initial passwords to pick up"), icon="key", count=count, url=reverse("pickup_list")
    )
