"""PCs on their way through a bundle: the people, the zones and what workers do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.models import Application, Status
from requests.bundles import services, states
from requests.bundles.models import Bundle
from tests import factories, journeys
from tests.devices import world as devices
from tests.requests import managed, world

NETWORK, REVERSE = "10.13.20.0/24", "20.13.10.in-addr.arpa"
REGISTER, RETIRE, WHITELIST, DNS, PERMIT_REMOVE = (
    "devices.computer_register",
    "devices.computer_retire",
    "devices.whitelist",
    "requests.dns",
    "devices.permit_remove",
)
BY_HAND = ("antivirus", "monitoring")
TARGETS = ("device_register", "directory", "dns", "device_control", *BY_HAND)


@dataclass
class Cast(world.Cast):
    """Also the officers, who decide about machines and device permits."""

    officer: User = field(init=False)
    manager: User = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.officer = factories.user(Role.SECURITY_OFFICER)
        self.manager = factories.user(Role.SECURITY_MANAGER)


def country() -> Cast:
    """Zones of names and addresses, a segment of clients, and the people of federation 13."""
    world.country()
    world.zone(REVERSE)
    devices.segment(network=NETWORK)
    return Cast()


def row(**values: Any) -> dict[str, Any]:
    """One PC that comes."""
    return {
        "name": "KK13-PC01",
        "kind": "client",
        "operating_system": "win10_2016_ltsb",
        "business_system": "common",
        "segment": NETWORK,
        "agents": ["DEVICE_CONTROL", "QUARANTINE"],
        "mac": "00:1b:a9:3c:4d:5e",
        "ip": "10.13.20.5",
        "dns": True,
    } | values


def draft(cast: Cast, action: str, *rows: dict[str, Any], **more: Any) -> Bundle:
    """What the applicant wrote."""
    return services.create(
        action=action,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        draft=services.Draft(reason="端末の更改のため。", rows=rows, **more),
        now=timezone.now(),
    )


def submit(
    cast: Cast, bundle: Bundle, left_out: dict[str, str] | None = None
) -> tuple[Bundle, services.Review]:
    """All of it, or why not."""
    return services.submit(
        bundle_id=bundle.pk, actor=cast.applicant, left_out=left_out or {}, version=None, now=timezone.now()
    )


def opened(cast: Cast, action: str, *rows: dict[str, Any]) -> Bundle:
    """A bundle whose applications wait to be decided."""
    bundle, review = submit(cast, draft(cast, action, *rows))
    assert bundle.state == Bundle.State.OPEN, [p.errors for p in review.parts] + [review.header]
    return bundle


def done(cast: Cast, action: str, *rows: dict[str, Any]) -> Bundle:
    """All the way."""
    bundle = opened(cast, action, *rows)
    decide_all(cast, bundle)
    carry_out(bundle)
    return bundle


def application_of(bundle: Bundle, kind: str) -> Application:
    """The linked application of a kind."""
    part = bundle.parts.filter(kind=kind, application__isnull=False).select_related("application").last()
    assert part is not None
    return part.application


def decide_all(cast: Any, bundle: Bundle) -> None:
    """Everybody whose turn it is approves, until nobody is left."""
    people = (cast.approver, cast.officer, cast.manager, cast.operator)
    for _round in range(4):
        parts = bundle.parts.filter(application__status=Status.IN_REVIEW)
        for pk in sorted(set(parts.values_list("application_id", flat=True))):
            application = Application.system.get(pk=pk)
            stage = application.stages.get(status="OPEN")
            person = next(p for p in people if stage.role in {m.role for m in p.current_memberships})
            journeys.approve(application, person)


def carry_out(bundle: Bundle, operator: User | None = None, now: datetime | None = None) -> None:
    """What workers do, with the bell that tells the bundle; and what an operator does by hand, where one is named."""
    moment = now or timezone.now()
    for _round in range(6):
        for target in TARGETS:
            fulfilment.drain(target, now_fn=lambda: moment)
        if operator is not None:
            _by_hand(operator, moment)
        bundle.refresh_from_db()
        if bundle.state != Bundle.State.OPEN or services.look(bundle_id=bundle.pk, now=moment):
            break
        services.follow(bundle_id=bundle.pk, now=moment)
    bundle.refresh_from_db()


def _by_hand(operator: User, now: datetime) -> None:
    waiting = Operation.system.filter(target__in=BY_HAND, status__in=("ATTENTION", "MANUAL"))
    for operation in waiting.order_by("pk"):
        if operation.status == OperationStatus.ATTENTION:
            fulfilment.take_by_hand(operation_id=operation.pk, actor=operator, now=now)
        managed.record(operation, operator)


def states_of(bundle: Bundle) -> dict[str, str]:
    """Where each kind stands."""
    return {view.part.kind: view.state.value for view in states.board(bundle).parts}
