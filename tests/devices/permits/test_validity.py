"""How long a permit lasts, its reminders and its renewal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from devices.permits import services
from devices.permits.kinds import RENEW
from portal.fulfilment.models import Operation, OperationStatus
from portal.workflow.models import Status
from tests import journeys
from tests.devices import world
from tests.devices.permits.support import State, drain, errors_of, mails, soon
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


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
