"""Applications on their way, made with the portal's own services: for tests that start in the middle of the road."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.kinds import PASSWORD_RESET, REGISTER
from portal.fulfilment.models import Operation
from portal.orgs.models import PasswordRecipient, User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.decisions import live_plans
from portal.workflow.models import Application, StageStatus
from portal.workflow.plans import combined_digest
from tests import factories

_people = itertools.count(1)


@dataclass
class Crew:
    """The people of one federation and of operations who take an application all the way."""

    code: str = "13"
    applicant: User = field(init=False)
    approver: User = field(init=False)
    operator: User = field(init=False)

    def __post_init__(self) -> None:
        self.applicant = factories.applicant(self.code)
        self.approver = factories.approver(self.code)
        self.operator = factories.operator()


@dataclass
class Cast(Crew):
    """With somebody who receives initial passwords."""

    recipient: PasswordRecipient = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.recipient = factories.recipient(self.code)


def registration_line(recipient: PasswordRecipient, **values: Any) -> dict[str, Any]:
    """The raw form values of one new person, with a login name of its own."""
    n = next(_people)
    return {
        "family_name": "鈴木",
        "given_name": "美咲",
        "family_kana": "スズキ",
        "given_kana": "ミサキ",
        "login_name": f"tk{n:05}-suzuki",
        "department": "審査第二課",
        "recipient_id": recipient.pk,
        "description": "",
    } | values


def draft(
    cast: Cast, *lines: dict[str, Any], kind: str = REGISTER, now: datetime | None = None
) -> Application:
    """A draft of the applicant; one new person unless lines are given."""
    content = Content(
        reason="12月1日付けの人事異動で着任するため。",
        lines=lines or (registration_line(cast.recipient),),
    )
    return services.create_draft(
        kind=kind,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=content,
        now=now or timezone.now(),
    )


def submitted(cast: Cast, *lines: dict[str, Any], kind: str = REGISTER) -> Application:
    """An application that waits for its first decision."""
    made = draft(cast, *lines, kind=kind)
    return services.submit(
        application_id=made.pk, actor=cast.applicant, version=made.version, now=timezone.now()
    )


def approve(application: Application, by: User, comment: str = "") -> Application:
    """Approve the open stage as `by`, who sees the plan of this moment."""
    now = timezone.now()
    seen = Application.system.select_related("organisation", "applicant").get(pk=application.pk)
    stage = seen.stages.get(status=StageStatus.OPEN)
    plans = live_plans(seen, list(seen.lines.all()), now)
    return services.approve(
        application_id=seen.pk,
        stage_id=stage.pk,
        actor=User.objects.get(pk=by.pk),  # a new request reads the memberships again
        content_hash=seen.content_hash,
        plan_digest="" if plans is None else combined_digest(plans),
        comment=comment,
        now=now,
    )


def approved(cast: Cast, *lines: dict[str, Any]) -> Application:
    """A registration that waits to be written to the directory."""
    application = submitted(cast, *lines)
    approve(application, cast.approver)
    return approve(application, cast.operator)


def approved_reset(cast: Cast, login_name: str) -> Application:
    """A password reset that waits to be written to the directory."""
    line = {"login_name": login_name, "recipient_id": cast.recipient.pk}
    application = submitted(cast, line, kind=PASSWORD_RESET)
    return approve(application, cast.approver)


def operations(application: Application) -> list[Operation]:
    """The operations of an application, oldest first."""
    return list(Operation.system.filter(line__application=application).order_by("pk"))
