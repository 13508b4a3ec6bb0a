"""What the stories of this app share: who applies, who approves."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.orgs.models import Membership, Organisation, User
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.models import Application, StageStatus


def submitted(
    kind: str, organisation: Organisation, applicant: User, reason: str, *lines: dict[str, Any]
) -> Application:
    """An application that waits for its first decision."""
    now = timezone.now()
    draft = services.create_draft(
        kind=kind,
        organisation_id=organisation.pk,
        actor=applicant,
        content=Content(reason=reason, lines=lines),
        now=now,
    )
    return services.submit(application_id=draft.pk, actor=applicant, version=None, now=now)


def approve(application: Application, actor: User) -> Application:
    """The open stage, by whoever sees the plan of this moment."""
    now = timezone.now()
    view = selectors.decision_view(actor, application, now)
    return services.approve(
        application_id=application.pk,
        stage_id=application.stages.get(status=StageStatus.OPEN).pk,
        actor=actor,
        content_hash=application.content_hash,
        plan_digest=view.plan_digest,
        comment="",
        now=now,
    )


def holder(role: str, organisation: Organisation) -> User | None:
    """Somebody who holds the role there."""
    row = Membership.system.filter(organisation=organisation, role=role, ended_at=None).order_by("pk").first()
    return row.user if row else None
