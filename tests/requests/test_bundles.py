"""設置, 交換 and 撤去 of PCs: one form, linked applications, one board, done when all are (REQ-13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.utils import timezone

from devices.computers.models import Computer
from devices.whitelist.models import WhitelistEntry
from portal.fulfilment import services as fulfilment
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import services as workflow
from portal.workflow.models import Application, Status
from requests.bundles import linking, services, states
from requests.bundles.models import Action, Bundle
from requests.bundles.states import PartState
from tests import factories, journeys
from tests.devices import world as devices
from tests.fake_dns import FakeDns
from tests.requests import world

pytestmark = pytest.mark.django_db

NETWORK, REVERSE = "10.13.20.0/24", "20.13.10.in-addr.arpa"
REGISTER, RETIRE, WHITELIST, DNS = (
    "devices.computer_register",
    "devices.computer_retire",
    "devices.whitelist",
    "requests.dns",
)


@dataclass
class Cast(world.Cast):
    """Also the officers, who decide about machines and device permits."""

    officer: User = field(init=False)
    manager: User = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.officer = factories.user(Role.SECURITY_OFFICER)
        self.manager = factories.user(Role.SECURITY_MANAGER)


@pytest.fixture
def cast(db: None) -> Cast:
    """The people of federation 13, zones of names and addresses, a segment of clients."""
    world.country()
    world.zone(REVERSE)
    devices.segment(network=NETWORK)
    return Cast()


@pytest.fixture(autouse=True)
def client_zone(dns: FakeDns) -> None:
    dns.zone_names = (*dns.zone_names, REVERSE)
    dns.serials[REVERSE] = 1


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
    return services.create(
        action=action,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        draft=services.Draft(reason="端末の更改のため。", rows=rows, **more),
        now=timezone.now(),
    )


def submit(cast: Cast, bundle: Bundle, **left_out: str) -> tuple[Bundle, services.Review]:
    return services.submit(
        bundle_id=bundle.pk, actor=cast.applicant, left_out=left_out, version=None, now=timezone.now()
    )


def opened(cast: Cast, action: str, *rows: dict[str, Any]) -> Bundle:
    bundle, review = submit(cast, draft(cast, action, *rows))
    assert bundle.state == Bundle.State.OPEN, [p.errors for p in review.parts] + [review.header]
    return bundle


def application_of(bundle: Bundle, kind: str) -> Application:
    part = bundle.parts.filter(kind=kind, application__isnull=False).select_related("application").last()
    assert part is not None
    return part.application


def decide_all(cast: Cast, bundle: Bundle) -> None:
    """Everybody whose turn it is approves, until nobody is left."""
    people = (cast.approver, cast.officer, cast.manager, cast.operator)
    for _round in range(4):
        parts = bundle.parts.filter(application__status=Status.IN_REVIEW)
        for pk in sorted(set(parts.values_list("application_id", flat=True))):
            application = Application.system.get(pk=pk)
            stage = application.stages.get(status="OPEN")
            person = next(p for p in people if stage.role in {m.role for m in p.current_memberships})
            journeys.approve(application, person)


def carry_out(bundle: Bundle) -> None:
    """What workers do, with the bell that tells the bundle."""
    for _round in range(6):
        for target in ("device_register", "dns", "device_control"):
            fulfilment.drain(target, now_fn=timezone.now)
        if services.look(bundle_id=bundle.pk, now=timezone.now()):
            break
    bundle.refresh_from_db()


def states_of(bundle: Bundle) -> dict[str, str]:
    return {view.part.kind: view.state.value for view in states.board(bundle).parts}


def test_req_13_a_pc_comes_by_one_form_and_its_applications_wait_for_each_other(
    cast: Cast, dns: FakeDns
) -> None:
    bundle = opened(cast, Action.INSTALL, row())

    assert set(states_of(bundle)) == {REGISTER, WHITELIST, DNS}
    assert set(states_of(bundle).values()) == {PartState.DECIDING}
    for kind in (WHITELIST, DNS):  # decided before the machine is in the register
        application = application_of(bundle, kind)
        journeys.approve(application, cast.approver)
        journeys.approve(application, cast.operator)
    carry_out(bundle)
    assert states_of(bundle)[WHITELIST] == PartState.WAITING
    assert not WhitelistEntry.system.exists()
    decide_all(cast, bundle)
    carry_out(bundle)

    assert set(states_of(bundle).values()) == {PartState.DONE}
    assert bundle.state == Bundle.State.DONE
    assert WhitelistEntry.system.get().computer.name == "KK13-PC01"
    found = dns.read("kokuho.pr", "kk13-pc01.kokuho.pr")
    assert [(s.type, s.values) for s in found] == [("A", ("10.13.20.5",))]


def test_req_13_a_removal_finds_everything_and_ends_when_all_of_it_is_done(cast: Cast, dns: FakeDns) -> None:
    bundle = opened(cast, Action.INSTALL, row())
    decide_all(cast, bundle)
    carry_out(bundle)
    permit = devices.registered(devices.Cast(), Computer.system.get())

    removal = opened(cast, Action.REMOVE, {"name": "KK13-PC01"})

    assert set(states_of(removal)) == {RETIRE, WHITELIST, DNS, "devices.permit_remove"}
    decide_all(cast, removal)
    carry_out(removal)
    assert removal.state == Bundle.State.OPEN  # the officer has not taken the device out of SKYSEA yet
    assert states_of(removal)[RETIRE] == PartState.WAITING
    assert Computer.system.get().state == Computer.State.IN_USE
    devices.permits.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    carry_out(removal)
    assert Computer.system.get().state == Computer.State.RETIRED
    assert removal.state == Bundle.State.DONE
    assert not WhitelistEntry.system.filter(state="APPROVED").exists()
    assert dns.read("kokuho.pr", "kk13-pc01.kokuho.pr") == []
    assert dns.read(REVERSE, "5.20.13.10.in-addr.arpa") == []


def test_req_13_an_exchange_takes_over_place_address_and_name(cast: Cast, dns: FakeDns) -> None:
    bundle = opened(cast, Action.INSTALL, row())
    decide_all(cast, bundle)
    carry_out(bundle)

    exchange = opened(
        cast,
        Action.REPLACE,
        {"old_name": "KK13-PC01", "name": "KK13-PC02", "mac": "00:1b:a9:3c:4d:60", "dns": True},
    )
    decide_all(cast, exchange)
    carry_out(exchange)

    assert exchange.state == Bundle.State.DONE, [
        (v.part.label, v.state, v.detail) for v in states.board(exchange).parts
    ]
    old, new = Computer.system.get(name="KK13-PC01"), Computer.system.get(name="KK13-PC02")
    assert (old.state, old.replaced_by, new.segment.network) == ("RETIRED", new, NETWORK)
    entry = WhitelistEntry.system.get(state="APPROVED")
    assert (entry.computer, entry.ip, entry.mac) == (new, "10.13.20.5", "00:1b:a9:3c:4d:60")
    assert dns.read("kokuho.pr", "kk13-pc01.kokuho.pr") == []
    assert dns.read("kokuho.pr", "kk13-pc02.kokuho.pr")[0].values == ("10.13.20.5",)
    assert dns.read(REVERSE, "5.20.13.10.in-addr.arpa")[0].values == ("kk13-pc02.kokuho.pr",)
