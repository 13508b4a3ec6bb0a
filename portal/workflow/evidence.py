"""What this room gives to the evidence log: the history of applications, decisions, result reports (SEC-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS
from portal.trail import sealing
from portal.trail.sources import register_source
from portal.workflow import banners


def register() -> None:
    """Called once at start."""
    banners.register(not_sealed)
    register_source(
        name="workflow.application_event",
        label=_("history of applications"),
        table="workflow_applicationevent",
        columns="id application_id organisation_id at actor_id actor_name acted_for_id verb from_status to_status"
        " revision comment data",
        time="at",
    )
    register_source(
        name="workflow.decision",
        label=_("decisions"),
        table="workflow_approvalstage",
        columns="id application_id revision position role organisation_id applicant_id status is_fallback decided_by_id"
        " acted_for_id decided_at comment content_hash plan_digest",
        when="t.decided_at IS NOT NULL",
        settled="decided_at",
    )
    register_source(
        name="workflow.result_report",
        label=_("result reports"),
        table="workflow_resultreport",
        columns="id uid application_number organisation_id recipient_id issued_at content digest",
        time="issued_at",
    )
    register_source(
        name="workflow.removed_attachment",
        label=_("attachments that were taken off"),
        table="workflow_removedattachment",
        columns="id application_id organisation_id name content_type sha256 data added_by_id added_at removed_by_id removed_at",
    )


def not_sealed(user: User, now: datetime) -> Iterable[banners.Banner]:
    """Operations read first that the evidence is not being sealed: reports wait for it."""
    if not user.may(READ_OPERATIONS) or sealing.seal_is_fresh(now):
        return
    minutes = {"minutes": settings.EVIDENCE["fresh_minutes"]}
    yield banners.Banner(
        title=gettext("The evidence is not being sealed"),
        text=gettext(
            "Since %(minutes)s minutes or longer. Steps of reports are refused; everything else goes on."
        )
        % minutes,
        url=reverse("evidence"),
        state="err",
    )
