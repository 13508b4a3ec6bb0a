"""The whole way of a permit by three people: two states, two notices (DEV-01, DEV-02, DEV-12)."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from devices.permits import services
from devices.permits.errors import MoveNotAllowed, NotAllowed
from devices.permits.kinds import PERMIT
from devices.permits.models import Device, DevicePermit
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow import services as workflow
from portal.workflow.errors import NotAllowed as WorkflowNotAllowed
from portal.workflow.models import Status
from tests import factories, journeys
from tests.devices import world
from tests.devices.permits.support import State, drain, mails, permit_of
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


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
