"""Many lines, two people at once, and the history that nobody changes (ACC-13, SEC-02)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError, ProgrammingError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.permits import services
from devices.permits.errors import MoveNotAllowed
from devices.permits.kinds import PERMIT, REMOVE
from devices.permits.models import Device
from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow import services as workflow
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from tests import factories
from tests.devices import world
from tests.devices.permits.support import mails, permit_of
from tests.devices.world import Cast
from tests.threads import at_once

pytestmark = pytest.mark.django_db


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

    def submit(cast: Cast, draft: Any) -> str:
        try:
            workflow.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())
        except InvalidApplication as error:
            return next(iter(error.errors))
        return "submitted"

    outcomes = at_once(*(partial(submit, *pair) for pair in zip(casts, drafts, strict=True)))

    assert sorted(outcomes) == ["lines.0.serial", "submitted"]
    assert ApplicationLine.system.filter(is_open=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_officers_who_record_at_once_one_is_told() -> None:
    cast = Cast()
    permit = permit_of(world.approved(cast, world.permit_line(world.computer())))
    officers = [cast.officer, factories.user(Role.SECURITY_OFFICER)]

    def record(officer: Any) -> str:
        try:
            services.record_registered(permit_id=permit.pk, actor=officer, now=timezone.now())
        except MoveNotAllowed:
            return "too late"
        return "recorded"

    outcomes = at_once(*(partial(record, officer) for officer in officers))

    assert sorted(outcomes) == ["recorded", "too late"]
    assert len(mails("device_registered")) == 1
