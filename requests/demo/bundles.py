"""PCs that come, are exchanged or go in the demonstration: one bundle half done, one that waits for everybody."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.orgs import networks
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow.models import ApplicationLine, Status
from requests.bundles import services
from requests.bundles.composing import KINDS, REGISTER, RETIRE, WHITELIST
from requests.bundles.models import Action, Bundle
from requests.demo.people import approve, holder

_TARGETS = ("device_register", "directory", "dns")


def tell(*, federations: int) -> int:
    """Let so many federations apply; how many did. Each needs machines, a segment and the people who decide."""
    if Bundle.system.exists():
        return 0
    staffed = Organisation.objects.filter(
        kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER
    ).distinct()
    return sum(_tell(place) for place in staffed.order_by("sort_order")[:federations])


def _tell(organisation: Organisation) -> bool:
    applicant, approver, officer = (
        holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER, Role.SECURITY_OFFICER)
    )
    network = f"10.{int(organisation.code)}.20"
    if applicant is None or approver is None or officer is None:
        return False
    if not networks.holders([f"{network}.90"], timezone.localdate()):
        return False
    row = {
        "kind": "client",
        "operating_system": "win10_2016_ltsb",
        "business_system": "common",
        "segment": f"{network}.0/24",
        "agents": ["DEVICE_CONTROL", "QUARANTINE", "LOGS"],
        "department": "審査第二課",
        "place": "2階 執務室",
        "computer_object": True,
        "antivirus": True,
        "dns": True,
    }
    rows = [
        row
        | {
            "name": f"KK{organisation.code}-NEW{n}",
            "mac": f"00:1b:a9:{int(organisation.code):02x}:90:{n:02x}",
            "ip": f"{network}.{90 + n}",
        }
        for n in (1, 2)
    ]
    half = _opened(organisation, applicant, Action.INSTALL, "審査第二課の増員に伴うPCの設置。", rows)
    if half is None:
        return False
    _decide(half, REGISTER, officer)
    _decide(half, WHITELIST, approver)
    for target in _TARGETS:
        fulfilment.drain(target, now_fn=timezone.now)
    services.look(bundle_id=half.pk, now=timezone.now())
    going = _machine_in_use(organisation)
    if going:
        _opened(organisation, applicant, Action.REMOVE, "リース満了に伴うPCの撤去。", [{"name": going}])
    return True


def _opened(
    organisation: Organisation, applicant: User, action: str, reason: str, rows: list[dict[str, Any]]
) -> Bundle | None:
    """A bundle with its applications; what a demonstration of other servers refuses is left out of it."""
    now = timezone.now()
    draft = services.Draft(reason=reason, rows=rows)
    bundle = services.create(
        action=action, organisation_id=organisation.pk, actor=applicant, draft=draft, now=now
    )
    review = services.review(bundle=bundle, actor=applicant, left_out={}, now=now)
    left_out = {
        each.part.choice: "デモ環境では対象外。"
        for each in review.parts
        if each.errors and not each.part.is_base
    }
    bundle, review = services.submit(
        bundle_id=bundle.pk, actor=applicant, left_out=left_out, version=None, now=now
    )
    if bundle.state == Bundle.State.OPEN:
        return bundle
    services.discard(bundle_id=bundle.pk, actor=applicant, now=now)
    return None


def _decide(bundle: Bundle, kind: str, actor: User) -> None:
    part = bundle.parts.filter(kind=kind, application__status=Status.IN_REVIEW).first()
    if part is not None and part.application is not None:
        approve(part.application, actor)


def _machine_in_use(organisation: Organisation) -> str:
    """A client PC that an earlier story brought and that no open application names."""
    lines = ApplicationLine.system.filter(
        organisation=organisation,
        application__kind=REGISTER,
        application__status=Status.COMPLETED,
        payload__kind="client",
    )
    named = ApplicationLine.system.filter(
        organisation=organisation, is_open=True, application__kind__in=KINDS
    ).values_list("payload__computer", "payload__name")
    taken = {name for pair in named for name in pair if name}
    retired = ApplicationLine.system.filter(
        organisation=organisation, application__kind=RETIRE, application__status=Status.COMPLETED
    ).values_list("payload__name", flat=True)
    names = lines.order_by("-pk").values_list("payload__name", flat=True)
    return next((name for name in names if name not in taken | set(retired)), "")
