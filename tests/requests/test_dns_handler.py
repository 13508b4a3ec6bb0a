"""From the approval to the proof: the approved plan or nothing, and states that are true (REQ-05, REQ-12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import OperationStatus
from portal.gateways import clock
from portal.gateways.dns import DnsUnavailable, OutcomeUnknown
from portal.workflow.errors import ContentChanged
from portal.workflow.models import Status
from requests.dns import rollback
from requests.zones.models import DnsRecord, DnsZone
from requests.zones.owners import TARGET
from requests.zones.settings_check import settings_of_dns
from tests import journeys
from tests.fake_dns import FakeDns
from tests.requests import world
from tests.requests.world import Cast, line, record_set, records

pytestmark = pytest.mark.django_db

WEB, PTR = ("web1.kokuho.pr", "A"), (f"5.{world.REVERSE}", "PTR")


def test_req_12_a_ticket_is_done_with_what_both_servers_answered(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line(with_ptr=True))

    operation = world.carry_out(application)

    assert application.status == Status.COMPLETED
    assert dns.sets[WEB] == record_set("web1", "A", "10.13.82.5", ttl=3600)
    assert dns.sets[PTR].values == ("web1.kokuho.pr",)
    answers = [(a["server"], a["name"], a["found"]) for a in operation.evidence["answers"]]
    assert answers == [
        (server, name, [f"{value} (TTL 3600)"])
        for name, value in ((WEB[0], "10.13.82.5"), (PTR[0], "web1.kokuho.pr"))
        for server in dns.servers
    ]
    assert DnsRecord.system.get(name=WEB[0]).organisation.code == "13"


def test_req_05_a_record_that_changed_since_the_approval_is_left_alone(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line(with_ptr=True))
    dns.put(*records("web1", "A", "10.13.82.99"))

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "changed_meanwhile")
    assert "10.13.82.99 (TTL 600)" in operation.error_message
    assert "反映済み" not in operation.error_message
    assert dns.sets[WEB].values == ("10.13.82.99",)
    assert application.status == Status.NEEDS_ATTENTION


def test_req_05_the_message_says_what_is_written_when_only_the_ptr_changed_meanwhile(
    cast: Cast, dns: FakeDns
) -> None:
    application = world.approved(cast, line(with_ptr=True))
    dns.put(*records(PTR[0], "PTR", "other.kokuho.pr"))

    operation = world.carry_out(application)

    assert operation.error_code == "changed_meanwhile"
    assert "反映済み：web1.kokuho.pr A" in operation.error_message


def test_req_05_a_plan_that_changed_meanwhile_voids_the_approval_and_says_what(
    cast: Cast, dns: FakeDns
) -> None:
    from portal.workflow import selectors, services

    application = world.submitted(cast, line())
    seen = selectors.decision_view(cast.approver, application, timezone.now())
    dns.put(*records("web1", "A", "10.13.82.7"))
    stage = seen.stage
    assert stage is not None

    with pytest.raises(ContentChanged) as voided:
        services.approve(
            application_id=application.pk,
            stage_id=stage.pk,
            actor=cast.approver,
            content_hash=application.content_hash,
            plan_digest=seen.plan_digest,
            comment="",
            now=timezone.now(),
        )

    assert [change.before for change in voided.value.changes] == [("10.13.82.7 (TTL 600)",)]


def test_req_05_what_is_carried_out_is_the_plan_that_was_approved_last(cast: Cast, dns: FakeDns) -> None:
    application = world.submitted(cast, line())
    dns.put(*records("web1", "A", "10.13.82.7"))  # seen by both who approve, not by the applicant
    journeys.approve(application, cast.approver)
    application = journeys.approve(application, cast.operator)

    operation = world.carry_out(application)

    assert operation.status == OperationStatus.DONE
    assert dns.sets[WEB].values == ("10.13.82.5", "10.13.82.7")


def test_acc_12_nothing_is_written_that_nobody_saw(
    cast: Cast, dns: FakeDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns, "read_many", lambda zone, names: dns._raise({"x": [DnsUnavailable]}, "x"))
    application = world.approved(cast, line())
    monkeypatch.undo()

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "no_plan")


def test_req_05_after_a_lost_reply_the_portal_looks_before_it_writes(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line())
    serial = dns.serials[world.ZONE]
    dns.after["replace"] = [OutcomeUnknown]

    operation = world.carry_out(application)
    assert operation.status == OperationStatus.OUTCOME_UNKNOWN
    fulfilment.drain(TARGET, now_fn=lambda: timezone.now() + timedelta(hours=1))
    operation.refresh_from_db()

    assert operation.status == OperationStatus.DONE
    assert dns.serials[world.ZONE] == serial + 1


def test_req_05_a_server_that_is_away_is_tried_later(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line())
    dns.faults["replace"] = [DnsUnavailable]

    operation = world.carry_out(application)

    assert operation.status == OperationStatus.WAITING
    assert WEB not in dns.sets


@pytest.mark.parametrize("state", ["stale", "silent"])
def test_req_05_a_copy_that_is_behind_is_waited_for_and_then_told(
    cast: Cast, dns: FakeDns, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = world.approved(cast, line())
    if state == "stale":
        dns.hold_back("10.0.0.2")
    else:
        dns.silent.add("10.0.0.2")

    operation = world.carry_out(application)
    assert operation.status == OperationStatus.WAITING
    assert "反映済みです" in operation.waits_for
    assert "10.0.0.2" in operation.waits_for
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    fulfilment.drain(TARGET, now_fn=lambda: later)
    operation.refresh_from_db()

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "copy_behind")


def test_req_05_a_zone_that_was_closed_stops_what_is_on_its_way(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line())
    DnsZone.objects.filter(name=world.ZONE).update(is_open=False)
    world.zone("pr")  # the zone above, which does not hold the name

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "zone_closed")
    assert WEB not in dns.sets


def test_req_12_what_was_done_by_hand_is_proven_by_asking(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line())
    operation = journeys.operations(application)[0]
    fulfilment.take_by_hand(operation_id=operation.pk, actor=cast.operator, now=timezone.now())

    refused = fulfilment.record_done(
        operation_id=operation.pk, actor=cast.operator, note="登録した", now=timezone.now()
    )
    assert (refused.status, refused.error_code) == (OperationStatus.MANUAL, "not_as_approved")
    dns.put(*records("web1", "A", "10.13.82.5", ttl=3600))
    done = fulfilment.record_done(
        operation_id=operation.pk, actor=cast.operator, note="登録した", now=timezone.now()
    )

    assert done.status == OperationStatus.DONE
    assert len(done.evidence["answers"]) == len(dns.servers)


BEFORE = [
    (line(ttl=900, with_ptr=True), {WEB: record_set("web1", "A", "10.13.82.4")}),
    (
        line("CHANGE", old_value="10.13.82.4", ttl=900, with_ptr=True),
        {
            WEB: record_set("web1", "A", "10.13.82.4"),
            (f"4.{world.REVERSE}", "PTR"): record_set(
                f"4.{world.REVERSE}", "PTR", "web1.kokuho.pr", "b.kokuho.pr", ttl=1200
            ),
        },
    ),
    (
        line("DELETE", with_ptr=True),
        {WEB: record_set("web1", "A", "10.13.82.5"), PTR: record_set(PTR[0], "PTR", "web1.kokuho.pr")},
    ),
    (line("CHANGE", value="", old_value="10.13.82.5", ttl=300), {WEB: record_set("web1", "A", "10.13.82.5")}),
]


@pytest.mark.parametrize(("wanted", "before"), BEFORE)
def test_req_05_the_prepared_inverse_restores_every_record_exactly(
    cast: Cast, dns: FakeDns, wanted: dict[str, object], before: dict[tuple[str, str], object]
) -> None:
    dns.sets.update(before)  # type: ignore[arg-type]
    application = world.approved(cast, wanted)
    world.carry_out(application)
    assert application.status == Status.COMPLETED
    assert dns.sets != before

    draft = rollback.draft_rollback(application=application, actor=cast.applicant, now=timezone.now())
    again = rollback.draft_rollback(application=application, actor=cast.applicant, now=timezone.now())
    assert again == draft  # a second click
    from portal.workflow import services

    back = services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())
    journeys.approve(back, cast.approver)
    world.carry_out(journeys.approve(back, cast.operator))

    assert application.number in back.reason
    assert dns.sets == before


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"backend": "windows"}, "change_requests.E001"),
        ({"servers": ["dns1.kokuho.pr"]}, "change_requests.E001"),
        ({"backend": "rfc2136", "servers": ["10.0.0.1"], "key_name": ""}, "change_requests.E001"),
        ({"timeout": 0}, "change_requests.E002"),
        ({"servers": ["10.0.0.1:5353", "[2001:db8::1]:53"]}, None),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(
    settings: Any, wrong: dict[str, Any], found: str | None
) -> None:
    settings.DNS = settings.DNS | wrong

    assert [error.id for error in settings_of_dns(None)] == ([found] if found else [])


def test_req_05_a_name_that_goes_is_proven_gone_where_a_wildcard_answers_in_its_place(
    cast: Cast, dns: FakeDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.put(*records("*.web1.kokuho.pr", "A", "10.13.82.1"), *records("a.web1.kokuho.pr", "A", "10.13.82.5"))
    application = world.approved(cast, line("DELETE", name="a.web1.kokuho.pr"))
    dns.hold_back(dns.servers[1])

    operation = world.carry_out(application)
    assert operation.status == OperationStatus.WAITING  # a copy that still has the name itself is waited for
    dns.stale.clear()
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    fulfilment.drain(TARGET, now_fn=lambda: later)
    operation.refresh_from_db()

    assert operation.status == OperationStatus.DONE
    assert {tuple(answer["found"]) for answer in operation.evidence["answers"]} == {("10.13.82.1 (TTL 600)",)}
