"""Computer objects from the approval to the proof, and states that are true (REQ-02, REQ-12)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.fulfilment import by_hand
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import clock
from portal.gateways.directory import AccessDenied, ContainerMissing, DirectoryUnavailable, OutcomeUnknown
from portal.workflow.models import Status
from requests.computers import refresh, removing
from requests.computers.models import ComputerObject
from tests import fakes, journeys
from tests.devices import world as devices
from tests.requests import computers
from tests.requests.computers import ADD, REMOVE_KIND, RESTORE, Cast, unit

pytestmark = pytest.mark.django_db
PC = "KK13-PC1"


@pytest.fixture
def crew(db: None) -> Cast:
    return Cast()


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> fakes.FakeDirectory:
    return fakes.use_directory(monkeypatch)


def in_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Move every clock."""
    later = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setattr(timezone, "now", lambda: later)


def removal_of(application_number: str) -> Operation:
    return Operation.system.get(application_number=application_number, step=removing.REMOVE)


# --- Adding -------------------------------------------------------------------------------------------------------------
def test_req_02_several_objects_are_made_in_advance_read_back_and_entered(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    application = computers.approved(crew, ADD, PC, "kk13-pc2", description="審査課")

    operation = computers.carry_out(application)

    assert application.status == Status.COMPLETED
    made = {each.name: each for each in directory.computers.values()}
    assert set(made) == {PC, "KK13-PC2"}
    assert (made[PC].container_dn, made[PC].enabled) == (unit("Computers"), True)
    assert made[PC].marker == str(operation.marker)
    assert operation.evidence["distinguished_name"] == made[PC].dn
    entered = computers.row()
    assert (entered.state, entered.made_by_portal, entered.organisation.code) == ("ENABLED", True, "13")
    assert [(e.verb, e.application_number) for e in entered.events.all()] == [("MADE", application.number)]


def test_req_02_after_a_lost_reply_the_portal_looks_for_its_marker_and_makes_nothing_twice(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    application = computers.approved(crew, ADD, PC)
    directory.after["create_computer"] = [OutcomeUnknown]

    operation = computers.carry_out(application)
    assert operation.status == OperationStatus.OUTCOME_UNKNOWN
    operation = computers.carry_out(application, timezone.now() + timedelta(hours=1))

    assert operation.status == OperationStatus.DONE
    assert directory.calls.count("create_computer") == 1
    assert computers.row().events.count() == 1


def test_req_02_an_object_made_by_hand_meanwhile_is_never_adopted_by_itself(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    application = computers.approved(crew, ADD, PC)
    directory.add_computer(PC)

    operation = computers.carry_out(application)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "name_taken")
    assert "手作業" in operation.error_message
    assert not ComputerObject.system.exists()
    # A person says that it was made for this application.
    fulfilment.take_by_hand(operation_id=operation.pk, actor=crew.operator, now=timezone.now())
    done = fulfilment.record_done(
        operation_id=operation.pk, actor=crew.operator, note="作成した", now=timezone.now()
    )

    assert done.status == OperationStatus.DONE
    assert not computers.row().made_by_portal


def test_req_02_what_was_made_by_hand_in_another_organisation_is_not_taken_for_done(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    application = computers.approved(crew, ADD, PC)
    operation = journeys.operations(application)[0]
    directory.add_computer(PC, unit("Computers", "14"))
    fulfilment.take_by_hand(operation_id=operation.pk, actor=crew.operator, now=timezone.now())

    refused = fulfilment.record_done(
        operation_id=operation.pk, actor=crew.operator, note="作成した", now=timezone.now()
    )

    assert (refused.status, refused.error_code) == (OperationStatus.MANUAL, "moved")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (DirectoryUnavailable(code="down"), OperationStatus.WAITING, "down"),
        (AccessDenied(code="50"), OperationStatus.ATTENTION, "access_denied"),
        (ContainerMissing(dn="OU=Computers"), OperationStatus.ATTENTION, "container_missing"),
    ],
)
def test_req_02_each_refusal_has_a_state_that_is_true(
    crew: Cast, directory: fakes.FakeDirectory, fault: Exception, status: str, code: str
) -> None:
    application = computers.approved(crew, ADD, PC)
    directory.faults["create_computer"] = [fault]

    operation = computers.carry_out(application)

    assert (operation.status, operation.error_code) == (status, code)
    assert directory.computers == {}


# --- Removing -----------------------------------------------------------------------------------------------------------
def test_req_02_a_removal_disables_and_moves_at_once_and_removes_after_the_days(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = directory.add_computer(PC, operating_system="Windows 10")
    application = computers.approved(crew, REMOVE_KIND, PC)

    operation = computers.carry_out(application)

    assert application.status == Status.COMPLETED
    now = directory.computers[old.guid]
    assert (now.enabled, now.container_dn) == (False, unit("Deleted"))
    waiting = computers.row()
    assert waiting.state == "DELETED"
    assert operation.evidence["remove_on"] == str(waiting.remove_on)
    assert removing.enqueue_removals(now=timezone.now()) == 0
    directory.below[old.guid] = 2
    in_days(monkeypatch, 31)
    assert removing.enqueue_removals(now=timezone.now()) == 1
    assert removing.enqueue_removals(now=timezone.now()) == 0
    computers.carry_out(application)

    assert directory.computers == {}
    assert computers.row().state == "REMOVED"
    assert removal_of(application.number).evidence["removed_below"] == 2
    assert [event.verb for event in waiting.events.all()] == ["DELETED", "REMOVED"]


def test_req_02_a_removal_is_taken_back_by_one_application_until_it_began(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = directory.add_computer(PC, unit("Floor 3,OU=Computers"))
    computers.done(crew, REMOVE_KIND, PC)
    in_days(monkeypatch, 31)
    restoration = computers.approved(crew, RESTORE, PC)
    assert removing.enqueue_removals(now=timezone.now()) == 0  # it waits for the restoration

    operation = computers.carry_out(restoration)

    assert operation.status == OperationStatus.DONE
    now = directory.computers[old.guid]
    assert (now.enabled, now.container_dn) == (True, unit("Floor 3,OU=Computers"))
    back = computers.row()
    assert (back.state, back.remove_on, back.before_deletion) == ("ENABLED", None, {})
    assert removing.enqueue_removals(now=timezone.now()) == 0


def test_req_02_the_final_removal_waits_while_permits_or_whitelist_entries_need_the_machine(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.add_computer(PC)
    machine = devices.computer(PC)
    needed = {machine.pk: "持出し許可が残っています。"}
    monkeypatch.setattr("devices.computers.checks.in_the_way", [lambda pks, _context: needed])
    application = computers.approved(crew, REMOVE_KIND, PC)
    plan = application.lines.get().plan
    assert "持出し許可が残っています。" in str(plan["checks"])
    computers.carry_out(application)
    in_days(monkeypatch, 31)
    assert removing.enqueue_removals(now=timezone.now()) == 0
    needed.clear()
    assert removing.enqueue_removals(now=timezone.now()) == 1
    needed[machine.pk] = "持出し許可が残っています。"  # in the moment before

    computers.carry_out(application)

    operation = removal_of(application.number)
    assert operation.status == OperationStatus.WAITING
    assert "持出し許可が残っています。" in operation.waits_for
    assert len(directory.computers) == 1


def test_req_02_an_object_that_was_deleted_by_hand_meanwhile_is_done_and_another_one_is_left_alone(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    gone, replaced = directory.add_computer(PC), directory.add_computer("KK13-PC2")
    application = computers.approved(crew, REMOVE_KIND, PC, "KK13-PC2")
    directory.delete_computer(gone.guid)
    directory.delete_computer(replaced.guid)
    new = directory.add_computer("KK13-PC2")

    computers.carry_out(application)

    first, second = journeys.operations(application)
    assert first.status == OperationStatus.DONE
    assert first.evidence["removed_by_hand"] is True
    assert (second.status, second.error_code) == (OperationStatus.ATTENTION, "another_object")
    assert directory.computers[new.guid].enabled


@pytest.mark.parametrize("path", ["Floor 3,OU=Computers", "Computers,OU=14"])
def test_req_02_an_object_that_was_moved_meanwhile_is_not_lost(
    crew: Cast, directory: fakes.FakeDirectory, path: str
) -> None:
    old = directory.add_computer(PC)
    application = computers.approved(crew, REMOVE_KIND, PC)
    directory.faults["move_computer"] = [DirectoryUnavailable]
    computers.carry_out(application)
    container = unit(path) if "14" not in path else unit("Computers", "14")
    directory.put_computer(old, dn=f"CN={PC},{container}")

    operation = computers.carry_out(application, timezone.now() + timedelta(hours=1))

    assert operation.status == OperationStatus.ATTENTION
    assert operation.error_code in ("differs", "moved")
    assert directory.computers[old.guid].container_dn == container


def test_req_02_an_object_that_was_renamed_meanwhile_is_left_to_a_person(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    old = directory.add_computer(PC)
    application = computers.approved(crew, REMOVE_KIND, PC)
    directory.put_computer(old, name="KK13-OTHER")

    operation = computers.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "renamed")
    assert "KK13-OTHER" in operation.error_message
    assert directory.computers[old.guid].enabled


def test_req_02_an_object_in_use_again_is_not_removed_for_good(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = directory.add_computer(PC)
    application = computers.approved(crew, REMOVE_KIND, PC)
    computers.carry_out(application)
    directory.put_computer(old, enabled=True)
    in_days(monkeypatch, 31)
    removing.enqueue_removals(now=timezone.now())

    computers.carry_out(application)

    operation = removal_of(application.number)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "not_as_deleted")
    assert old.guid in directory.computers

    # Once it is closed, the register says again what Active Directory says, and the machine can be applied for.
    assert refresh.refresh_all(now=timezone.now()) == "1"
    assert computers.row().state == "DELETED", "a removal that began is not disturbed"
    by_hand.close(
        operation_id=operation.pk, actor=crew.operator, reason="再び使用中のため。", now=timezone.now()
    )
    assert computers.row().removal_began_at is None
    refresh.refresh_all(now=timezone.now())
    assert (computers.row().state, computers.row().remove_on) == ("ENABLED", None)


def test_req_02_a_final_removal_that_was_closed_is_tried_again_on_another_day(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.add_computer(PC)
    application = computers.approved(crew, REMOVE_KIND, PC)
    computers.carry_out(application)
    for step in ("remove", "remove#2"):
        in_days(monkeypatch, 31)
        assert removing.enqueue_removals(now=timezone.now()) == 1
        operation = Operation.system.get(application_number=application.number, step=step)
        by_hand.take_by_hand(operation_id=operation.pk, actor=crew.operator, now=timezone.now())
        by_hand.close(
            operation_id=operation.pk,
            actor=crew.operator,
            reason="監査が終わるまで残す。",
            now=timezone.now(),
        )
        assert removing.enqueue_removals(now=timezone.now()) == 0
    assert [event.verb for event in computers.row().events.all()] == ["DELETED", "POSTPONED", "POSTPONED"]

    in_days(monkeypatch, 31)
    assert removing.enqueue_removals(now=timezone.now()) == 1
    computers.carry_out(application)

    assert directory.computers == {}
    assert computers.row().state == "REMOVED"


def test_acc_12_nothing_is_removed_that_nobody_saw_unless_the_register_knows_it(
    crew: Cast, directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    computers.done(crew, ADD, PC)
    directory.faults["find_computers"] = [DirectoryUnavailable] * 20
    application = computers.approved(crew, REMOVE_KIND, PC)
    assert application.lines.get().plan["unavailable"]
    directory.faults.clear()

    operation = computers.carry_out(application)

    assert operation.status == OperationStatus.DONE
    assert computers.row().state == "DELETED"


def test_req_02_a_restoration_whose_object_went_by_hand_says_so(
    crew: Cast, directory: fakes.FakeDirectory
) -> None:
    old = directory.add_computer(PC)
    computers.done(crew, REMOVE_KIND, PC)
    restoration = computers.approved(crew, RESTORE, PC)
    directory.delete_computer(old.guid)

    operation = computers.carry_out(restoration)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "removed")
