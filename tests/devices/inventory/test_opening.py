"""A campaign is opened once each quarter, with a line for every registered device (DEV-07)."""

from __future__ import annotations

import datetime as dt

import pytest

from devices.inventory import opening, tidying
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.inventory.quarters import first_of_quarter
from devices.permits.models import Device
from portal.common.time import JST
from portal.notices.models import Notice
from portal.schedule import JOBS
from tests.devices import world
from tests.devices.inventory.conftest import AS_OF, NOW, RECENTLY, device, line_of, open_for
from tests.devices.world import Cast
from tests.threads import at_once

DAY = dt.timedelta(days=1)


def jst(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=JST)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        (jst(2027, 1, 1, 0, 0), dt.date(2027, 1, 1)),
        (jst(2026, 12, 31, 23, 59), dt.date(2026, 10, 1)),
        (dt.datetime(2026, 12, 31, 15, 0, tzinfo=dt.UTC), dt.date(2027, 1, 1)),
        (jst(2027, 6, 30), dt.date(2027, 4, 1)),
        (jst(2027, 9, 1), dt.date(2027, 7, 1)),
    ],
)
def test_quarters_begin_in_japan(moment: dt.datetime, first: dt.date) -> None:
    assert first_of_quarter(moment) == first


def test_the_scheduler_opens_it_on_the_first_day_of_each_quarter() -> None:
    (job,) = [job for job in JOBS if job.name == "open_inventory"]

    due = [f"{moment:%m-%d}" for moment in job.times.between(jst(2026, 11, 1), jst(2027, 10, 31))]

    assert due == ["01-01", "04-01", "07-01", "10-01"]
    assert job.every_period


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("used", "as_of", "usage"),
    [
        (RECENTLY, AS_OF, "RECENT"),
        (jst(2026, 10, 3, 23, 59), AS_OF, "UNUSED"),  # the 90th day before
        (jst(2026, 10, 4, 0, 0), AS_OF, "RECENT"),
        (None, AS_OF, "NEVER"),
        (None, None, "UNKNOWN"),
        (None, jst(2026, 9, 1), "UNKNOWN"),  # an import from before says nothing about these days
        (jst(2026, 8, 1), jst(2026, 9, 1), "UNKNOWN"),
    ],
)
def test_rows_are_sorted_out_by_the_usage_import(
    cast: Cast, used: dt.datetime | None, as_of: dt.datetime | None, usage: str
) -> None:
    found = device(cast, used, as_of)

    open_for()

    assert line_of(found).usage == usage


@pytest.mark.django_db
def test_the_snapshot_holds_registered_devices_only_and_stays_as_it_was(cast: Cast) -> None:
    machine = world.computer("KK13-PC01")
    used = world.registered(cast, machine, model="RUF3").device
    world.approved(cast, world.permit_line(machine))  # not registered yet

    sheet = open_for()
    Device.system.filter(pk=used.pk).update(model="OTHER")

    (line,) = sheet.lines.all()
    assert (line.number, line.computers, line.end_user) == (used.number, "KK13-PC01", "鈴木 美咲")
    assert "RUF3" in line.name
    assert InventorySheet.system.exclude(pk=sheet.pk).exclude(status="ANSWERED").count() == 0
    notice = Notice.system.get(template="inventory_opened")
    assert (notice.to_user, notice.context["count"]) == (cast.officer, 1)


@pytest.mark.django_db
def test_fired_twice_it_is_one_and_the_next_quarter_closes_it(cast: Cast) -> None:
    found = device(cast)

    first, again = (
        opening.open_campaign(now=NOW, period=NOW),
        opening.open_campaign(now=NOW + DAY, period=NOW),
    )

    assert first != again
    assert InventoryCampaign.objects.count() == InventoryLine.system.count() == 1
    april = jst(2027, 4, 1, 4, 0)
    opening.open_campaign(now=april, period=april)
    january, now_open = InventoryCampaign.objects.order_by("starts_on")
    assert (january.status, now_open.status) == ("CLOSED", "OPEN")
    assert InventorySheet.system.get(campaign=january, organisation__code="13").status == "CLOSED"
    assert line_of(found).sheet.campaign == now_open
    # A quarter that an outage swallowed is not opened after the next one.
    opening.open_campaign(now=april, period=jst(2026, 10, 1))
    assert InventoryCampaign.objects.count() == 2


@pytest.mark.django_db
def test_newer_usage_comes_into_rows_that_nobody_decided(cast: Cast) -> None:
    found = device(cast, None, None)
    sheet = open_for()
    Device.system.filter(pk=found.pk).update(last_used_at=jst(2027, 1, 10), usage_as_of=jst(2027, 1, 12))

    assert tidying.refresh_usage(sheet.campaign) == 1
    assert tidying.refresh_usage(sheet.campaign) == 0

    assert line_of(found).usage == "RECENT"


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_open_it_once(cast: Cast) -> None:
    device(cast)

    texts = at_once(*[lambda: opening.open_campaign(now=NOW, period=NOW)] * 2)

    assert len(set(texts)) == 2
    assert InventoryCampaign.objects.count() == InventoryLine.system.count() == 1
    assert Notice.system.filter(template="inventory_opened").count() == 1
