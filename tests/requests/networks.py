"""Applications for segments of 独自処理システム on their way (REQ-09)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import services as workflow
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.networks import services
from requests.networks.payloads import KIND, TARGET
from tests import factories, journeys


@dataclass
class Cast:
    code: str = "13"
    applicant: User = field(init=False)
    approver: User = field(init=False)
    central: User = field(default_factory=lambda: factories.user(Role.APPROVER, code="central"))

    def __post_init__(self) -> None:
        self.applicant = factories.applicant(self.code)
        self.approver = factories.approver(self.code)


def day(ahead: int = 0) -> str:
    found = timezone.localdate() + dt.timedelta(days=ahead)
    return f"{found:%Y/%m/%d}"


def take(**values: Any) -> dict[str, Any]:
    return {
        "action": "TAKE",
        "use": "INSURER",
        "size": "25",
        "purpose": "照会端末",
        "network": "",
        "on": day(),
    } | values


def back(network: str, **values: Any) -> dict[str, Any]:
    return {
        "action": "GIVE_BACK",
        "use": "",
        "size": "",
        "purpose": "",
        "network": network,
        "on": day(),
    } | values


def submitted(cast: Cast, *lines: dict[str, Any]) -> Application:
    now = timezone.now()
    draft = workflow.create_draft(
        kind=KIND,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=Content(reason="新しい独自処理システムのため。", lines=lines),
        now=now,
    )
    return workflow.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=now)


def approved(cast: Cast, *lines: dict[str, Any]) -> Application:
    application = submitted(cast, *lines)
    journeys.approve(application, cast.approver)
    journeys.approve(application, cast.central)
    return carry_out(application)


def carry_out(application: Application, now: dt.datetime | None = None) -> Application:
    fulfilment.drain(TARGET, now_fn=lambda: now or timezone.now())
    application.refresh_from_db()
    return application


def allotted(cast: Cast, network: str, **values: Any) -> Application:
    application = approved(cast, take(**values))
    line = application.lines.get()
    services.allot(
        line_id=line.pk, network=network, actor=User.objects.get(pk=cast.central.pk), now=timezone.now()
    )
    return carry_out(application)
