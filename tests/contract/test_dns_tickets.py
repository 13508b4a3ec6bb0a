"""DNS tickets from the application to the record on real servers, seen by queries from outside of the portal (REQ-05, REQ-12)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial
from secrets import randbelow
from typing import Any

import pytest
from django.utils import timezone, translation

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import dns_factory
from portal.gateways.dns import Change, Record, RecordSet, reverse_name
from portal.workflow import services
from requests.dns import rollback
from requests.zones.models import DnsRecord
from requests.zones.owners import TARGET
from tests import journeys
from tests.contract.dns_places import REVERSE, ZONE, BindPlace, Place, host
from tests.devices import world as devices
from tests.requests import world
from tests.requests.world import Cast, line

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Federation 14 with its segment; the portal's DNS is the place."""
    made = place.connect()
    monkeypatch.setattr(dns_factory, "get_dns", lambda: made)
    world.zone(ZONE)
    world.zone(REVERSE)
    devices.segment("14", network="10.14.0.0/16", purpose="OWN_SYSTEM")
    with translation.override("ja"):
        yield Cast("14")


def carried_out(place: Place, cast: Cast, *lines: dict[str, Any]) -> Operation:
    """A ticket that was approved and carried out, with every server's proof."""
    return proven(place, world.carry_out(world.approved(cast, *lines)))


def proven(place: Place, operation: Operation) -> Operation:
    """A secondary that is behind is waited for, and the state says so; here it is told to look."""
    if isinstance(place, BindPlace) and operation.status == OperationStatus.WAITING:
        assert "古い内容のまま" in operation.waits_for
        place.server.refresh()
        moment = timezone.now()
        end = time.monotonic() + 10
        while operation.status == OperationStatus.WAITING and time.monotonic() < end:
            moment += timedelta(minutes=2)
            fulfilment.drain(TARGET, now_fn=partial(_at, moment))
            operation.refresh_from_db()
    return operation


def free_address() -> str:
    """An address that no earlier run has used: the servers may be older than this one."""
    return f"10.14.{100 + randbelow(150)}.{1 + randbelow(250)}"


def _at(moment: datetime) -> datetime:
    return moment


def test_req_05_a_record_comes_changes_goes_and_comes_back(place: Place, cast: Cast) -> None:
    name, old, new = host(), free_address(), free_address()
    first, second = reverse_name(old), reverse_name(new)

    added = carried_out(place, cast, line(name=name, value=old, ttl=600, with_ptr=True))
    assert added.status == OperationStatus.DONE, added.error_message
    assert place.asked(name, "A") == RecordSet(name, "A", 600, (old,))
    assert place.asked(first, "PTR") == RecordSet(first, "PTR", 600, (name,))
    assert DnsRecord.system.filter(name__in=[name, first], organisation__code="14").count() == 2

    change = line("CHANGE", name=name, old_value=old, value=new, ttl=300, with_ptr=True)
    changed = carried_out(place, cast, change)
    assert changed.status == OperationStatus.DONE, changed.error_message
    assert place.asked(name, "A") == RecordSet(name, "A", 300, (new,))
    assert (place.asked(first, "PTR"), place.asked(second, "PTR")) == (
        None,
        RecordSet(second, "PTR", 300, (name,)),
    )

    deleted = carried_out(place, cast, line("DELETE", name=name, value=new, with_ptr=True))
    assert deleted.status == OperationStatus.DONE, deleted.error_message
    assert (place.asked(name, "A"), place.asked(second, "PTR")) == (None, None)

    application = deleted.line.application
    draft = rollback.draft_rollback(application=application, actor=cast.applicant, now=timezone.now())
    services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())
    journeys.approve(draft, cast.approver)
    for operation in journeys.operations(journeys.approve(draft, cast.operator)):
        fulfilment.drain(TARGET, now_fn=timezone.now)
        operation.refresh_from_db()
        assert proven(place, operation).status == OperationStatus.DONE
    assert place.asked(name, "A") == RecordSet(name, "A", 300, (new,))
    assert place.asked(second, "PTR") == RecordSet(second, "PTR", 300, (name,))
    for there in (place.asked(name, "A"), place.asked(second, "PTR")):  # the servers outlive the run
        zone = REVERSE if there and there.type == "PTR" else ZONE
        dns_factory.get_dns().replace(Change.between(zone, there, None))


def test_req_05_a_plan_that_does_not_hold_any_more_changes_nothing(place: Place, cast: Cast) -> None:
    name = host()
    application = world.approved(cast, line(name=name, value=free_address()))
    place.put(Record(name, "A", 600, "10.14.250.250"))

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "changed_meanwhile")
    assert place.asked(name, "A") == RecordSet(name, "A", 600, ("10.14.250.250",))


def test_req_05_a_cname_is_never_lost_beside_an_address(place: Place, cast: Cast) -> None:
    name = host()
    application = world.approved(cast, line(name=name, kind="CNAME", value=f"target.{ZONE}"))
    place.put(Record(name, "A", 600, "10.14.250.251"))

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "cname")
    assert place.asked(name, "CNAME") is None
    assert place.asked(name, "A") == RecordSet(name, "A", 600, ("10.14.250.251",))
