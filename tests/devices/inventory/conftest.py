"""A campaign of federation 13."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from devices.inventory import deciding, opening
from devices.inventory.models import InventoryLine, InventorySheet
from devices.permits.models import Device
from portal.common.time import JST
from portal.orgs.models import User
from portal.workflow.rounds.answers import Answer, Outcome
from tests.devices import world
from tests.devices.world import Cast

NOW = dt.datetime(2027, 1, 1, 4, 0, tzinfo=JST)
MONDAY = dt.datetime(2027, 1, 4, 9, 0, tzinfo=JST)
AS_OF = dt.datetime(2026, 12, 31, 18, 0, tzinfo=JST)
RECENTLY = dt.datetime(2026, 12, 24, 9, 0, tzinfo=JST)

Opened = Callable[..., InventorySheet]


@pytest.fixture
def cast() -> Cast:
    """The people of federation 13."""
    return Cast()


def device(
    cast: Cast, used: dt.datetime | None = None, as_of: dt.datetime | None = AS_OF, **values: object
) -> Device:
    """A registered device with what the usage import said of it."""
    made = world.registered(cast, **values).device
    Device.system.filter(pk=made.pk).update(last_used_at=used, usage_as_of=as_of)
    made.refresh_from_db()
    return made


def open_for(code: str = "13", now: dt.datetime = NOW) -> InventorySheet:
    """Open the quarter; the sheet of one federation."""
    opening.open_campaign(now=now, period=now)
    return InventorySheet.system.select_related("campaign", "organisation").get(
        organisation__code=code, campaign__opened_at=now
    )


def line_of(device: Device) -> InventoryLine:
    """Its newest line."""
    found: InventoryLine = InventoryLine.system.filter(device=device).latest("pk")
    return found


def decide(
    line: InventoryLine, decision: str, actor: User, reason: str = "", now: dt.datetime = MONDAY
) -> Outcome[InventoryLine]:
    """One decision as the person sees the line now."""
    wanted = Answer(line_id=line.pk, version=line.version, answer=decision, reason=reason)
    (outcome,) = deciding.decide(sheet_id=line.sheet_id, decisions=[wanted], actor=actor, now=now)
    return outcome
