"""DEV-13: a list of SKYSEA is read, and what does not fit the register is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from devices.exchange import imports
from devices.exchange.errors import AlreadyImported, ImportRefused, NotAllowed
from devices.exchange.models import SkyseaFinding
from devices.permits.models import Device, DevicePermit
from portal.common.time import JST
from portal.notices.models import Notice
from portal.workflow.bulk.errors import FileRefused
from tests import factories
from tests.devices import world
from tests.devices.exchange.support import Kind, State, kinds, put, read, row
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def test_dev_13_a_list_that_fits_tells_when_a_device_was_used_and_nothing_else(cast: Cast) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used="2026/11/20 09:30"))

    device = Device.system.get(pk=permit.device_id)
    assert device.last_used_at is not None
    assert device.last_used_at.isoformat() == "2026-11-20T00:30:00+00:00"
    assert device.usage_as_of == made.as_of
    assert (made.matched_count, made.usage_count, made.new_count, made.problems) == (1, 1, 0, [])
    assert not kinds()


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig", "utf-16"])
def test_dev_13_every_encoding_of_an_office_is_read(cast: Cast, encoding: str) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used="20261120"), encoding=encoding)

    assert made.matched_count == 1
    assert not made.problems


def test_dev_13_each_way_not_to_fit_is_its_own_finding(cast: Cast) -> None:
    pc = world.computer(code="13")
    waiting, plain, ending, removed, grant, machine, detail = world.approved(
        cast, *(world.permit_line(pc, serial=f"S{n}00{n}") for n in range(7))
    ) and DevicePermit.system.select_related("device").order_by("pk")
    before = timezone.now() - timedelta(days=2)
    third = {"registered_by": cast.officer, "registered_at": before}
    for permit in (plain, grant, machine, detail):
        put(permit, state=State.REGISTERED, **third)
    put(ending, state=State.ENDING, ended_at=before, **third)
    put(removed, state=State.REMOVED, removed_at=before, **third)
    other = world.registered(Cast("27"), serial="ELSE1")

    made = read(
        cast,
        row(waiting),
        row(removed),
        row(grant, grant="読み取り専用"),
        row(machine, computers="KK13-OTHER"),
        row(detail, model="RUF9", number=""),
        row(model=other.device.model, serial="ELSE1"),
        row(kind="Bluetoothアダプタ", serial="BT1"),
        row(serial="NEW1"),
    )

    assert kinds() == {
        Kind.NOT_RECORDED: waiting.device.serial,
        Kind.MISSING: plain.device.serial,
        Kind.REMOVAL_NOT_RECORDED: ending.device.serial,
        Kind.STILL_THERE: removed.device.serial,
        Kind.GRANT: grant.device.serial,
        Kind.COMPUTERS: machine.device.serial,
        Kind.DETAILS: detail.device.serial,
        Kind.ELSEWHERE: "ELSE1",
        Kind.FORBIDDEN: "BT1",
        Kind.UNKNOWN: "NEW1",
    }
    assert made.new_count == 10
    found = SkyseaFinding.system.get(kind=Kind.GRANT)
    assert [(d["field"], d["there"]) for d in found.differences] == [("grant", "読み取り専用")]
    assert "27" not in str(SkyseaFinding.system.get(kind=Kind.ELSEWHERE).seen)  # ORG-02


def test_dev_13_a_device_whose_permit_ended_before_it_was_registered_must_not_be_there(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit = DevicePermit.system.get()
    put(permit, state=State.REMOVED, ended_at=timezone.now())

    read(cast, row(permit))

    assert kinds() == {Kind.NOT_PERMITTED: "S1"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"serial": "なし"}, "どのデバイスか分かりません"),
        ({"used": "きのう"}, "日付ではありません"),
        ({"used": "2099/01/01"}, "一覧の取得日時"),
        ({"serial": "=1+1"}, "数式"),
        ({"serial": "x" * 201}, "200文字"),
    ],
)
def test_dev_13_a_row_that_cannot_be_used_is_reported_with_its_number(
    cast: Cast, values: dict[str, str], says: str
) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit), row(**values))

    assert [problem["row"] for problem in made.problems] == [3]
    assert says in made.problems[0]["reasons"][0]
    assert not SkyseaFinding.system.exists()


def test_dev_13_of_a_device_whose_row_cannot_be_used_nothing_is_said(cast: Cast) -> None:
    now, before = timezone.now(), timezone.now() - timedelta(days=2)
    missing, ending = world.registered(cast, serial="S1"), world.registered(cast, serial="S2")
    put(missing, registered_at=before)
    put(ending, state=State.ENDING, registered_at=before, ended_at=before)
    read(cast, row(missing), row(ending), row(serial="NEW1"), now=now)
    assert kinds() == {Kind.UNKNOWN: "NEW1"}

    made = read(
        cast,
        *(row(permit, used="きのう") for permit in (missing, ending)),
        row(serial="NEW1", used="きのう"),
        now=now + timedelta(hours=1),
    )

    assert (len(made.problems), made.new_count, made.gone_count) == (3, 0, 0)
    assert kinds() == {Kind.UNKNOWN: "NEW1"}


@pytest.mark.parametrize(
    ("used", "problems"), [("0001/01/01 0:00:00", 0), ("0001-01-01", 0), ("1899/12/30", 1)]
)
def test_dev_13_the_zero_of_a_program_is_no_moment(cast: Cast, used: str, problems: int) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used=used))

    device = Device.system.get(pk=permit.device_id)  # a moment before the year 1 cannot be read back
    assert (device.last_used_at, len(made.problems)) == (None, problems)
    with pytest.raises(ImportRefused):
        read(cast, row(permit), as_of=datetime(1, 1, 1, tzinfo=JST))


def test_dev_13_a_double_row_and_unknown_words_are_reported_and_the_rest_counts(cast: Cast) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, grant="なんでも可", used="2026/11/20"), row(permit))

    assert [problem["row"] for problem in made.problems] == [2, 3]
    assert "なんでも可" in made.problems[0]["reasons"][0]
    assert made.usage_count == 1
    assert not kinds()


def test_dev_13_rows_of_another_federation_are_not_taken(cast: Cast) -> None:
    made = read(cast, "27,S1", header="連合会コード,シリアル番号")

    assert "別の組織" in made.problems[0]["reasons"][0]
    assert not SkyseaFinding.system.exists()


@pytest.mark.parametrize(
    ("text", "says"), [("", "空"), ("a,b\r\n1,2", "見出し"), ("型番\r\nX", "シリアル番号")]
)
def test_dev_13_a_file_that_is_no_list_is_refused_whole(cast: Cast, text: str, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        imports.import_register(
            organisation=factories.organisation("13"),
            name="x.csv",
            data=text.encode("cp932"),
            as_of=timezone.now(),
            complete=True,
            actor=cast.officer,
            now=timezone.now(),
        )

    assert says in " ".join(refused.value.reasons)


def test_dev_13_the_same_file_is_read_once(cast: Cast) -> None:
    now = timezone.now()
    made = read(cast, row(serial="NEW1"), now=now)

    with pytest.raises(AlreadyImported) as refused:
        read(cast, row(serial="NEW1"), now=now)

    assert refused.value.earlier == made
    assert SkyseaFinding.system.count() == 1


def test_dev_13_only_officers_and_operations_read_and_no_list_is_of_tomorrow(cast: Cast) -> None:
    for actor in (cast.applicant, cast.manager, Cast("27").officer):
        with pytest.raises(NotAllowed):
            read(cast, row(), actor=actor)
    with pytest.raises(ImportRefused):
        read(cast, row(), as_of=timezone.now() + timedelta(days=1))

    assert read(cast, row(), actor=cast.operator).new_count == 1
    assert Notice.system.filter(template="skysea_findings", to_user=cast.officer).count() == 1
