"""DEV-13: findings from list to list, and their answers. DEV-01 … DEV-05 hold on this way too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from devices.exchange import answers
from devices.exchange.errors import AnswerRefused, NotAllowed
from devices.exchange.models import SkyseaFinding
from devices.permits.models import Device, DevicePermit
from portal.trail.models import TrailEntry
from tests.devices import world
from tests.devices.exchange.support import Kind, State, answer, kinds, read, row
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def test_dev_13_what_is_gone_in_the_next_list_closes_itself_and_a_part_closes_nothing_else(
    cast: Cast,
) -> None:
    now = timezone.now()
    read(cast, row(serial="NEW1"), row(serial="NEW2"), now=now)

    part = read(cast, row(serial="NEW1"), complete=False, now=now + timedelta(hours=1))
    whole = read(cast, row(serial="NEW2"), now=now + timedelta(hours=2))

    assert (part.same_count, part.gone_count) == (1, 0)
    assert (whole.same_count, whole.gone_count) == (1, 1)
    assert SkyseaFinding.system.get(state="GONE").seen["serial"] == "NEW1"


def test_dev_13_what_was_said_to_be_corrected_opens_again_when_it_is_still_there(cast: Cast) -> None:
    now = timezone.now()
    read(cast, row(serial="NEW1"), now=now)
    answer(SkyseaFinding.system.get(), cast.officer, now=now + timedelta(hours=2))

    read(cast, row(serial="NEW1"), row(serial="N2"), as_of=now, now=now + timedelta(hours=3))
    assert SkyseaFinding.system.filter(seen__serial="NEW1").count() == 1  # taken before the correction
    read(cast, row(serial="NEW1"), now=now + timedelta(hours=4))

    assert SkyseaFinding.system.get(state="OPEN", seen__serial="NEW1").again


def test_dev_13_what_may_stay_is_not_asked_again_until_it_changes(cast: Cast) -> None:
    permit, now = world.registered(cast), timezone.now()
    read(cast, row(permit, model="RUF9"), now=now)
    finding = SkyseaFinding.system.get()
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, answer="KEPT")
    answer(finding, cast.officer, answer="KEPT", reason="SKYSEAの型番表記が異なるため。")

    again = read(cast, row(permit, model="RUF9"), now=now + timedelta(hours=1))
    other = read(cast, row(permit, model="RUF10"), now=now + timedelta(hours=2))

    assert (again.new_count, again.same_count, other.new_count) == (0, 1, 1)


def test_dev_13_an_older_list_tells_uses_only(cast: Cast) -> None:
    permit, now = world.registered(cast), timezone.now()
    read(cast, row(permit), now=now)

    late = read(
        cast, row(serial="NEW1"), row(permit, used="2026/01/05"), as_of=now - timedelta(days=1), now=now
    )

    assert late.outdated
    assert not kinds()
    assert Device.system.get(pk=permit.device_id).last_used_at is not None


@pytest.mark.parametrize("kind", [kind for kind in Kind.values if kind not in {Kind.MISSING, Kind.DETAILS}])
def test_dev_04_what_nobody_permitted_never_stays_whoever_writes(cast: Cast, kind: str) -> None:
    read(cast, row(serial="NEW1"))
    SkyseaFinding.system.update(kind=kind)
    finding = SkyseaFinding.system.get()

    assert "KEPT" not in answers.answers_to(finding)
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, answer="KEPT", reason="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        SkyseaFinding.system.update(answer="KEPT")


def test_dev_01_recording_from_a_finding_is_the_permits_own_step(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit = DevicePermit.system.get()
    read(cast, row(permit))
    finding = SkyseaFinding.system.get()
    DevicePermit.system.update(applicant=cast.officer)
    with pytest.raises(NotAllowed):
        answer(finding, cast.officer, answer="RECORDED")
    DevicePermit.system.update(applicant=cast.applicant)

    answer(finding, cast.officer, answer="RECORDED")

    permit.refresh_from_db()
    assert (permit.state, permit.registered_by) == (State.REGISTERED, cast.officer)
    assert TrailEntry.objects.filter(action__in=["device.registered", "skysea.answer"]).count() == 2


def test_dev_13_only_the_officer_answers_once_and_what_was_seen(cast: Cast) -> None:
    read(cast, row(serial="NEW1"))
    finding = SkyseaFinding.system.get()
    for actor in (cast.manager, cast.operator, Cast("27").officer):
        with pytest.raises(NotAllowed):
            answer(finding, actor)
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, digest="older")

    answer(finding, cast.officer)

    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer)
