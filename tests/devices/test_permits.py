"""Device permits: three people, two states, two notices, reasons, serial numbers, validity (DEV-01 … DEV-06, DEV-11, DEV-12)."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.utils import InternalError, ProgrammingError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.computers.kinds import CHANGE, RETIRE
from devices.permits import register, services
from devices.permits.errors import MoveNotAllowed, NotAllowed, ReasonNotConfirmed
from devices.permits.handlers import payload_of
from devices.permits.kinds import PERMIT, REMOVE, RENEW
from devices.permits.models import Device, DeviceEvent, DevicePermit
from devices.reference import OperatingSystem
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow import services as workflow
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.errors import NotAllowed as WorkflowNotAllowed
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine, Status
from tests import factories, journeys
from tests.devices import world
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db

State = DevicePermit.State


def errors_of(cast: Cast, kind: str, *lines: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, kind, *lines)
    return refused.value.errors


def mails(template: str) -> list[str]:
    return sorted(Notice.system.filter(template=template).values_list("to_address", flat=True))


def permit_of(application: Any) -> DevicePermit:
    return DevicePermit.system.select_related("device").get(line__application=application)


def drain() -> None:
    for target in ("device_control", "device_register"):
        fulfilment.drain(target, now_fn=timezone.now)


# --- The whole way -----------------------------------------------------------------------------------------------------------
def test_approved_and_registered_are_two_states_with_two_notices(
    cast: Cast,
) -> None:  # DEV-01, DEV-02, DEV-12
    line = world.permit_line(world.computer("KK13-PC01"), end_user_mail="riyo@kokuho13.example.jp")

    application = world.approved(cast, line)

    permit = permit_of(application)
    told = sorted([cast.applicant.email, "riyo@kokuho13.example.jp"])
    assert (permit.state, application.status) == (State.APPROVED, Status.FULFILLING)
    assert (mails("device_approved"), mails("device_registered")) == (told, [])
    assert mails("device_to_register") == [cast.officer.email]
    assert Operation.system.get(line__application=application).status == OperationStatus.WAITING

    services.record_registered(permit_id=permit.pk, actor=cast.officer, note="SKY-0001", now=timezone.now())
    drain()

    permit.refresh_from_db()
    application.refresh_from_db()
    assert (permit.state, application.status) == (State.REGISTERED, Status.COMPLETED)
    assert mails("device_registered") == told
    assert [event.verb for event in permit.device.events.all()] == ["APPROVED", "REGISTERED"]
    assert permit.device.events.last().note == "SKY-0001"
    assert [computer.name for computer in permit.computers.all()] == ["KK13-PC01"]
    assert permit.device.number.startswith("DV-")


def test_a_rejection_is_told_and_enters_nothing(cast: Cast) -> None:  # DEV-01
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    journeys.approve(application, cast.officer)
    stage = application.stages.get(status="OPEN")
    workflow.reject(
        application_id=application.pk,
        stage_id=stage.pk,
        actor=cast.manager,
        content_hash=type(application).system.get(pk=application.pk).content_hash,
        plan_digest="",
        comment="私物のため。",
        now=timezone.now(),
    )

    assert mails("application_rejected") == [cast.applicant.email]
    assert not DevicePermit.system.exists()


def test_dev_12_is_in_the_mail(cast: Cast) -> None:
    from portal.notices import messages

    world.registered(cast)

    notice = Notice.system.get(template="device_registered")
    body = messages.build(notice, now=timezone.now()).get_content()
    assert "一度接続してください" in body
    assert f"/devices/{Device.system.get().number}/" in body


# --- Three people -------------------------------------------------------------------------------------------------------------
def test_the_manager_who_filed_nothing_else_approves_and_a_third_person_registers(
    cast: Cast,
) -> None:  # DEV-01
    permit = permit_of(world.approved(cast, world.permit_line(world.computer())))
    for person in (cast.applicant, cast.manager):
        factories.membership(person, Role.SECURITY_OFFICER)
        with pytest.raises(NotAllowed):
            services.record_registered(permit_id=permit.pk, actor=person, now=timezone.now())

    assert DevicePermit.system.get().state == State.APPROVED


def test_the_officer_who_filed_does_not_approve(cast: Cast) -> None:  # DEV-01
    factories.membership(cast.officer, Role.SECURITY_MANAGER)
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    journeys.approve(application, cast.officer)

    with pytest.raises(WorkflowNotAllowed):
        journeys.approve(application, cast.officer)


def test_whose_deputy_approved_does_not_register(cast: Cast) -> None:  # DEV-01, also through a deputy
    stand_in = factories.user(Role.USER)
    factories.deputy(cast.manager, stand_in, Role.SECURITY_MANAGER)
    factories.membership(cast.manager, Role.SECURITY_OFFICER)
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    journeys.approve(application, cast.officer)
    journeys.approve(application, stand_in)
    drain()

    with pytest.raises(NotAllowed):
        services.record_registered(
            permit_id=permit_of(application).pk, actor=cast.manager, now=timezone.now()
        )


def test_the_database_refuses_two_duties_in_one_person(cast: Cast) -> None:  # DEV-01
    permit = permit_of(world.approved(cast, world.permit_line(world.computer())))

    for person in (cast.applicant, cast.manager):
        with pytest.raises(IntegrityError), transaction.atomic():
            DevicePermit.system.filter(pk=permit.pk).update(
                registered_by=person, registered_at=timezone.now()
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        DevicePermit.system.filter(pk=permit.pk).update(approved_by=cast.applicant)


def test_only_the_officer_of_the_organisation_records(cast: Cast) -> None:  # ORG-02
    permit = permit_of(world.approved(cast, world.permit_line(world.computer())))

    for person in (factories.user(Role.SECURITY_OFFICER, code="27"), factories.approver()):
        with pytest.raises(NotAllowed):
            services.record_registered(permit_id=permit.pk, actor=person, now=timezone.now())


def test_operations_may_register_by_hand_as_any_operation(cast: Cast) -> None:  # ACC-12
    application = world.approved(cast, world.permit_line(world.computer()))
    operation = Operation.system.get(line__application=application)
    fulfilment.take_by_hand(operation_id=operation.pk, actor=cast.operator, now=timezone.now())

    done = fulfilment.record_done(
        operation_id=operation.pk, actor=cast.operator, note="電話で依頼", now=timezone.now()
    )

    permit = permit_of(application)
    assert done.status == OperationStatus.DONE
    assert (permit.state, permit.registered_by) == (State.REGISTERED, cast.operator)
    assert mails("device_registered") == [cast.applicant.email]


def test_registering_twice_is_told_and_done_once(cast: Cast) -> None:
    permit = world.registered(cast)

    with pytest.raises(MoveNotAllowed):
        services.record_registered(
            permit_id=permit.pk, actor=factories.user(Role.SECURITY_OFFICER), now=timezone.now()
        )
    assert len(mails("device_registered")) == 1


# --- Reasons and serial numbers -------------------------------------------------------------------------------------------------
def test_the_officers_decision_confirms_the_reason_for_writing(cast: Cast) -> None:  # DEV-03
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    plan = application.lines.get().plan
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    drain()

    permit = permit_of(application)
    assert [check["code"] for check in plan["checks"] if check["level"] == "warning"] == ["write_reason"]
    assert permit.reason_confirmed_by == cast.officer


def test_without_the_officers_stage_the_reason_is_confirmed_at_the_registration(cast: Cast) -> None:  # DEV-03
    from portal.workflow.models import RouteStage

    RouteStage.objects.create(
        kind=PERMIT, position=1, label="Approval", role=Role.SECURITY_MANAGER, decided_in="OWN"
    )
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    journeys.approve(application, cast.manager)
    drain()
    permit = permit_of(application)

    with pytest.raises(ReasonNotConfirmed):
        services.record_registered(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    services.record_registered(
        permit_id=permit.pk, actor=cast.officer, confirms_reason=True, now=timezone.now()
    )

    permit.refresh_from_db()
    assert permit.reason_confirmed_by == cast.officer


@pytest.mark.parametrize(
    "kind", ["USB_STORAGE", "OPTICAL_DRIVE", "FLOPPY_DRIVE", "CARD_READER", "CARD_MEDIA"]
)
def test_every_write_grant_needs_its_reason(cast: Cast, kind: str) -> None:  # DEV-03
    line = world.permit_line(world.computer(), device_kind=kind, grant="", write_reason="")

    assert errors_of(cast, PERMIT, line).keys() == {"lines.0.write_reason"}


def test_a_scanner_needs_no_reason_for_writing(cast: Cast) -> None:  # DEV-03
    line = world.permit_line(world.computer(), device_kind="IMAGE_SCANNER", grant="USE", write_reason="")

    permit = permit_of(world.approved(cast, line))

    assert (permit.grant, permit.write_reason, permit.needs_confirmation) == ("USE", "", False)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"maker": ""}, "maker"),
        ({"model": ""}, "model"),
        ({"serial": ""}, "serial"),
        ({"serial": "なし"}, "serial"),
        ({"serial": "N/A"}, "serial"),
        ({"serial": "0000000"}, "serial"),
        ({"serial": "-"}, "serial"),
        ({"serial": "不明"}, "serial"),
        ({"no_serial_reason": "刻印がない"}, "no_serial_reason"),
        ({"end_user": ""}, "end_user"),
        ({"end_user_mail": "x"}, "end_user_mail"),
        ({"computers": []}, "computers"),
        ({"computers": ["NO-SUCH-PC"]}, "computers"),
        ({"computers": ["ABCDEFGHIJKLMNOP"]}, "computers"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
        ({"valid_until": "2099-01-01"}, "valid_until"),
        ({"valid_until": ""}, "valid_until"),
        ({"valid_until": "2026-02-30"}, "valid_until"),
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_field(
    cast: Cast, values: dict[str, Any], field: str
) -> None:
    assert errors_of(cast, PERMIT, world.permit_line(world.computer(), **values)).keys() == {
        f"lines.0.{field}"
    }


def test_no_serial_number_only_with_a_reason_that_the_approver_sees(cast: Cast) -> None:
    machine = world.computer()
    values = {"serial": "", "no_serial_reason": "刻印がなく、OSからも読み取れない"}

    first = world.approved(cast, world.permit_line(machine, **values))
    second = world.approved(cast, world.permit_line(machine, **values))  # not the same device for sure

    assert Device.system.count() == 2
    warnings = [c for c in first.lines.get().plan["checks"] if c["code"] == "no_serial"]
    assert warnings[0]["values"]["reason"] == values["no_serial_reason"]
    assert second.status == Status.FULFILLING


@pytest.mark.parametrize("spelling", ["ab-123 456", "ＡＢ１２３４５６", "AB123456", "ab_123-456"])
@pytest.mark.parametrize("code", ["13", "27"])
def test_a_device_that_has_a_permit_is_told_at_entry_however_it_is_written(
    cast: Cast, spelling: str, code: str
) -> None:
    other = cast if code == "13" else Cast("27")
    world.registered(other, serial="AB123456", model="RUF3 K32GB")

    errors = errors_of(cast, PERMIT, world.permit_line(world.computer(), serial=spelling, model="RUF3-K32GB"))

    assert errors.keys() == {"lines.0.serial"}  # ORG-02: the same sentence, wherever it is
    assert "27" not in str(errors)


def test_a_device_in_an_open_application_is_told_at_entry(cast: Cast) -> None:
    world.submitted(
        Cast("27"), PERMIT, world.permit_line(world.computer("KK27-PC1", code="27"), serial="X1Y2")
    )

    assert errors_of(cast, PERMIT, world.permit_line(world.computer(), serial="X1Y2")).keys() == {
        "lines.0.serial"
    }


def test_the_same_device_twice_in_one_application_is_told(cast: Cast) -> None:
    machine = world.computer()
    lines = [world.permit_line(machine, serial="X1Y2"), world.permit_line(machine, serial="x1-y2")]

    assert errors_of(cast, PERMIT, *lines).keys() == {"lines.1.serial"}


def test_the_same_serial_number_of_another_model_is_a_hint(cast: Cast) -> None:
    world.registered(cast, serial="X1Y2", model="OTHER")

    application = world.submitted(cast, PERMIT, world.permit_line(world.computer(), serial="X1Y2"))

    assert "same_serial" in [check["code"] for check in application.lines.get().plan["checks"]]


# --- Machines (DEV-11) ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "machine",
    [
        {"kind": "virtual_server", "system": "winserver_2016"},
        {"kind": "printer", "system": ""},
        {"system": "other"},
        {"business": "own", "has_own_skysea": True},
        {"state": "RETIRED"},
        {"code": "27"},
    ],
)
def test_devices_are_not_attached_where_device_control_does_not_reach(
    cast: Cast, machine: dict[str, Any]
) -> None:  # DEV-11, ORG-02
    computer = world.computer("KK-PC01", **machine)

    errors = errors_of(cast, PERMIT, world.permit_line(computer))

    assert errors.keys() == {"lines.0.computers"}
    assert "KK-PC01: " in errors["lines.0.computers"][0]


def test_an_own_system_without_its_own_skysea_is_covered(cast: Cast) -> None:  # DEV-11
    line = world.permit_line(world.computer(business="own"))

    assert world.submitted(cast, PERMIT, line).status == Status.IN_REVIEW


def test_a_system_that_is_no_longer_supported_gets_no_new_permit(cast: Cast) -> None:  # DEV-11
    computer = world.computer()
    OperatingSystem.objects.filter(code="win10_2016_ltsb").update(
        valid_until=timezone.localdate() - timedelta(days=1)
    )

    assert errors_of(cast, PERMIT, world.permit_line(computer)).keys() == {"lines.0.computers"}


def test_several_machines_in_any_usual_form_are_one_permit(cast: Cast) -> None:
    for name in ("KK13-A", "KK13-B"):
        world.computer(name)

    permit = permit_of(world.approved(cast, world.permit_line("", computers="ｋｋ１３－ａ、KK13-B\nkk13-a")))

    assert sorted(computer.name for computer in permit.computers.all()) == ["KK13-A", "KK13-B"]


def test_a_machine_with_permits_is_neither_taken_away_nor_made_unfit(
    cast: Cast,
) -> None:  # DEV-11: no way round
    computer = world.computer("KK13-PC01")
    world.registered(cast, computer)
    unfit = world.computer_line(
        name="KK13-PC01", kind="virtual_server", operating_system="winserver_2016", agents=[]
    )

    assert "lines.0.name" in errors_of(cast, RETIRE, {"name": "KK13-PC01"})
    assert "lines.0.name" in errors_of(cast, CHANGE, unfit)
    moved = world.computer_line(name="KK13-PC01", place="3階")
    assert world.submitted(cast, CHANGE, moved).status == Status.IN_REVIEW


def test_machines_are_looked_at_again_when_the_permit_is_entered(cast: Cast) -> None:  # DEV-11
    for change in ({"state": "RETIRED"}, {"operating_system": None}):
        computer = world.computer()
        application = world.submitted(cast, PERMIT, world.permit_line(computer))
        journeys.approve(application, cast.officer)
        journeys.approve(application, cast.manager)
        type(computer).system.filter(pk=computer.pk).update(**change)

        drain()

        operation = Operation.system.get(line__application=application)
        assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "machines_unfit")
    assert not DevicePermit.system.exists()


def test_a_permit_whose_days_passed_before_it_was_entered_is_none(cast: Cast) -> None:
    line = world.permit_line(world.computer())
    application = world.submitted(cast, PERMIT, line)
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    stored = application.lines.get()
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    ApplicationLine.system.filter(pk=stored.pk).update(payload=stored.payload | {"valid_until": yesterday})

    drain()

    application.refresh_from_db()
    assert application.status == Status.NOT_DONE
    assert not DevicePermit.system.exists()


# --- Removal (DEV-06) -------------------------------------------------------------------------------------------------------------
def removed(cast: Cast, permit: DevicePermit) -> Any:
    application = world.submitted(cast, REMOVE, {"number": permit.device.number})
    journeys.approve(application, cast.officer)
    drain()
    permit.refresh_from_db()
    application.refresh_from_db()
    return application


def test_a_removal_ends_the_permit_at_once_and_tells_the_manager(cast: Cast) -> None:  # DEV-06
    permit = world.registered(cast)

    application = removed(cast, permit)

    assert (permit.state, permit.end_reason) == (State.ENDING, "REMOVAL")
    assert mails("device_removal") == [cast.manager.email]
    assert mails("device_to_remove") == [cast.officer.email]
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    drain()
    permit.refresh_from_db()
    application.refresh_from_db()
    assert (permit.state, application.status) == (State.REMOVED, Status.COMPLETED)
    assert mails("device_removed") == [cast.applicant.email]


def test_a_removed_device_comes_again_with_its_whole_history(cast: Cast) -> None:
    permit = world.registered(cast, serial="X1Y2")
    removed(cast, permit)
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())

    again = world.registered(cast, serial="x1-y2")

    assert again.device == permit.device
    assert [event.verb for event in DeviceEvent.system.filter(device=permit.device)] == [
        "APPROVED",
        "REGISTERED",
        "REMOVAL",
        "REMOVED",
        "APPROVED",
        "REGISTERED",
    ]
    permit.device.refresh_from_db()
    assert permit.device.permit == again


def test_a_removal_that_is_carried_out_again_leaves_a_newer_permit_alone(cast: Cast) -> None:
    permit = world.registered(cast, serial="X1Y2")
    line = removed(cast, permit).lines.get()
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    newer = permit_of(world.approved(cast, world.permit_line(world.computer(), serial="X1Y2")))

    again = register.order_removal(line=line, payload=payload_of(line), now=timezone.now())

    newer.refresh_from_db()
    assert (again, newer.state) == (permit, State.APPROVED)


def test_what_was_never_registered_is_gone_at_once(cast: Cast) -> None:
    application = world.approved(cast, world.permit_line(world.computer()))
    permit = permit_of(application)

    removal = removed(cast, permit)

    application.refresh_from_db()
    assert (permit.state, removal.status, application.status) == (
        State.REMOVED,
        Status.COMPLETED,
        Status.NOT_DONE,
    )
    with pytest.raises(MoveNotAllowed):
        services.record_registered(permit_id=permit.pk, actor=cast.officer, now=timezone.now())


@pytest.mark.parametrize("kind", [RENEW, REMOVE])
def test_another_federations_device_is_unknown(cast: Cast, kind: str) -> None:  # ORG-02
    number = world.registered(Cast("27")).device.number
    line = {"number": number} | ({"valid_until": soon(60)} if kind == RENEW else {})

    assert errors_of(cast, kind, line).keys() == {"lines.0.number"}


# --- Validity and renewal -----------------------------------------------------------------------------------------------------------
def soon(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def test_a_renewal_before_the_end_makes_it_last_longer(cast: Cast) -> None:
    permit = world.registered(cast, valid_until=soon(20))
    line = {"number": permit.device.number.lower(), "valid_until": soon(300)}

    application = world.submitted(cast, RENEW, line)
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    drain()

    permit.refresh_from_db()
    application.refresh_from_db()
    assert (permit.valid_until.isoformat(), permit.state) == (soon(300), State.REGISTERED)
    assert application.status == Status.COMPLETED
    assert permit.device.events.last().changes == [
        {"label": "Valid until", "before": [soon(20)], "after": [soon(300)]}
    ]


@pytest.mark.parametrize(
    ("ends", "until", "field"),
    [(180, 200, "number"), (20, 20, "valid_until"), (20, 10, "valid_until"), (20, 400, "valid_until")],
)
def test_a_renewal_too_early_or_without_gain_is_refused(
    cast: Cast, ends: int, until: int, field: str
) -> None:
    permit = world.registered(cast, valid_until=soon(ends))

    errors = errors_of(cast, RENEW, {"number": permit.device.number, "valid_until": soon(until)})

    assert errors.keys() == {f"lines.0.{field}"}


def test_a_permit_lasts_through_its_last_day_and_ends_the_day_after(cast: Cast) -> None:
    permit = world.registered(cast, valid_until=soon(3))
    last_day = timezone.now() + timedelta(days=3)

    assert services.end_permits(now=last_day) == 0
    assert services.end_permits(now=last_day + timedelta(days=1)) == 1
    assert services.end_permits(now=last_day + timedelta(days=1)) == 0  # the scheduler may ring twice

    permit.refresh_from_db()
    assert (permit.state, permit.end_reason) == (State.ENDING, "EXPIRED")
    assert mails("device_expired") == [cast.applicant.email]
    operation = Operation.system.get(step="expire")
    Operation.system.update(not_before=timezone.now())
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    drain()
    operation.refresh_from_db()
    assert operation.status == OperationStatus.DONE


def test_reminders_go_out_once_for_30_7_and_1_days(cast: Cast) -> None:
    permit = world.registered(cast, valid_until=soon(40))
    start = timezone.now()

    sent = {
        day: services.remind_of_ends(now=start + timedelta(days=day))
        + services.remind_of_ends(now=start + timedelta(days=day))
        for day in range(41)
    }

    assert {day for day, count in sent.items() if count} == {10, 33, 39}
    assert max(sent.values()) == 1
    assert len(mails("device_renewal_due")) == 6  # applicant and officer
    permit.refresh_from_db()
    assert permit.reminded_days == 1


def test_after_an_outage_one_reminder_goes_out_not_three(cast: Cast) -> None:
    world.registered(cast, valid_until=soon(40))

    assert services.remind_of_ends(now=timezone.now() + timedelta(days=39)) == 1
    assert services.remind_of_ends(now=timezone.now() + timedelta(days=40)) == 0


# --- Many lines, threads, history ---------------------------------------------------------------------------------------------------
def statements(cast: Cast, kind: str, lines: list[dict[str, Any]]) -> int:
    context = LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )
    with CaptureQueriesContext(connection) as captured:
        checked, errors = check_lines(kinds.get(kind), context, lines)
    assert errors == {}
    assert all(line is not None and line.plan.changes for line in checked)
    return len(captured)


def test_many_devices_cost_the_statements_of_one(cast: Cast) -> None:  # ACC-13
    machines = [world.computer() for _ in range(10)]
    lines = [world.permit_line(machines[n % 10]) for n in range(100)]

    assert statements(cast, PERMIT, lines[:1]) == statements(cast, PERMIT, lines)


def test_many_removals_cost_the_statements_of_one(cast: Cast) -> None:  # ACC-13
    machine = world.computer()
    world.approved(cast, *(world.permit_line(machine) for _ in range(12)))
    lines = [{"number": number} for number in Device.system.values_list("number", flat=True)]

    assert statements(cast, REMOVE, lines[:1]) == statements(cast, REMOVE, lines)


def test_nobody_changes_the_history_of_a_device(cast: Cast) -> None:  # SEC-02
    world.registered(cast)

    for statement in ("UPDATE devices_deviceevent SET verb = 'X'", "DELETE FROM devices_deviceevent"):
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.django_db(transaction=True)
def test_of_two_federations_that_submit_one_device_at_once_one_gets_it() -> None:
    casts = [Cast("13"), Cast("27")]
    drafts = [
        world.draft(cast, PERMIT, world.permit_line(world.computer(code=cast.code), serial="X1Y2"))
        for cast in casts
    ]
    start, outcomes = threading.Barrier(2), []

    def submit(cast: Cast, draft: Any) -> None:
        try:
            start.wait()
            workflow.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())
            outcomes.append("submitted")
        except InvalidApplication as error:
            outcomes.append(next(iter(error.errors)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit, args=pair) for pair in zip(casts, drafts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["lines.0.serial", "submitted"]
    assert ApplicationLine.system.filter(is_open=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_officers_who_record_at_once_one_is_told() -> None:
    cast = Cast()
    permit = permit_of(world.approved(cast, world.permit_line(world.computer())))
    officers = [cast.officer, factories.user(Role.SECURITY_OFFICER)]
    start, outcomes = threading.Barrier(2), []

    def record(officer: Any) -> None:
        try:
            start.wait()
            services.record_registered(permit_id=permit.pk, actor=officer, now=timezone.now())
            outcomes.append("recorded")
        except MoveNotAllowed:
            outcomes.append("too late")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=record, args=(officer,)) for officer in officers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["recorded", "too late"]
    assert len(mails("device_registered")) == 1
