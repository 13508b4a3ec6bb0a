"""Segments of 独自処理システム in the demonstration: one allotted, one that waits for the central association."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.models import Application, StageStatus
from requests.demo.enquiries import people_of
from requests.networks import pool
from requests.networks import services as networks
from requests.networks.models import Allotment
from requests.networks.payloads import KIND, TARGET


def tell() -> int:
    """How many applications were made; none where there are allotments already, or nobody to decide."""
    central = people_of(Role.APPROVER, Organisation.objects.get(kind=OrganisationKind.CENTRAL))
    if not central or Allotment.system.exists():
        return 0
    for place in Organisation.objects.filter(kind__in=FEDERATIONS).order_by("sort_order"):
        applicants, approvers = (people_of(role, place) for role in (Role.APPLICANT, Role.APPROVER))
        approvers = [person for person in approvers if person not in applicants[:1]]
        if applicants and approvers and pool.candidates(place, "INSURER", 25, timezone.localdate()):
            _tell(applicants[0], approvers[0], central[0])
            return 2
    return 0


def _tell(applicant: User, approver: User, central: User) -> None:
    for purpose, allots in (("保険者向け照会システム", True), ("保険者向け資料配信システム", False)):
        application = _submitted(applicant, purpose)
        for person in (approver, central):
            _approve(application, person)
        fulfilment.drain(TARGET, now_fn=timezone.now)
        line = application.lines.get()
        if allots:
            free = pool.candidates(line.organisation, "INSURER", 25, timezone.localdate())
            networks.allot(line_id=line.pk, network=free[0].network, actor=central, now=timezone.now())
            fulfilment.drain(TARGET, now_fn=timezone.now)


def _submitted(applicant: User, purpose: str) -> Application:
    now = timezone.now()
    line: dict[str, Any] = {
        "action": "TAKE",
        "use": "INSURER",
        "size": "25",
        "purpose": purpose,
        "network": "",
        "on": f"{timezone.localdate():%Y/%m/%d}",
    }
    draft = services.create_draft(
        kind=KIND,
        organisation_id=applicant.organisation_id,
        actor=applicant,
        content=Content(reason="新しいシステムを設置するため。", lines=(line,)),
        now=now,
    )
    return services.submit(application_id=draft.pk, actor=applicant, version=None, now=now)


def _approve(application: Application, actor: User) -> None:
    now = timezone.now()
    application.refresh_from_db()
    view = selectors.decision_view(actor, application, now)
    services.approve(
        application_id=application.pk,
        stage_id=application.stages.get(status=StageStatus.OPEN).pk,
        actor=actor,
        content_hash=application.content_hash,
        plan_digest=view.plan_digest,
        comment="",
        now=now,
    )
