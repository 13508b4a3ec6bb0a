"""The inventory of the devices."""

from __future__ import annotations

from typing import Any

from devices.inventory import asking
from tests.matrix.access import (
    FOUND,
    OFFICER,
    OK,
    OWNER,
    PUBLIC,
    READ_13,
    READ_LIST,
    Policy,
    acting_for_13,
    by_operator,
)
from tests.matrix.world import World


def quarter(world: World) -> dict[str, Any]:
    """The quarter of 13's sheet."""
    return {"period": world.inventory_line.sheet.campaign.starts_on}


def inventory(world: World) -> dict[str, Any]:
    """13's sheet of that quarter."""
    return {**quarter(world), "code": "13"}


def to_remove(world: World) -> dict[str, Any]:
    """The decision of a form that officers and applicants may take."""
    return {"line": [world.inventory_line.choice], "decision": "REMOVE"}


def api_to_remove(world: World) -> dict[str, Any]:
    """The decision of a program."""
    line = world.inventory_line
    row = {"id": line.pk, "version": line.version, "decision": "REMOVE"}
    return {"quarter": str(line.sheet.campaign), "organisation": "13", "decisions": [row]}


def ticked(world: World) -> dict[str, Any]:
    """The line alone."""
    return {"line": [world.inventory_line.choice]}


DECIDERS = OFFICER | OWNER

POLICIES: dict[str, Policy] = {
    "inventory_list": Policy(READ_LIST),
    "inventory_campaign": Policy(READ_LIST, None, quarter),
    "inventory_campaign_export": Policy(READ_LIST, None, quarter),
    "inventory_report": Policy(READ_LIST, None, quarter),
    "inventory_close": Policy(None, by_operator(FOUND), quarter),
    "inventory_labels": Policy(READ_13),
    "inventory_sheet": Policy(READ_13, None, inventory),
    "inventory_sheet_report": Policy(READ_13, None, inventory),
    "inventory_export": Policy(READ_13, None, inventory),
    "inventory_decide": Policy(None, acting_for_13(DECIDERS, FOUND), inventory, to_remove),
    "inventory_table": Policy(acting_for_13(DECIDERS, OK), None, inventory),
    "inventory_upload": Policy(None, acting_for_13(DECIDERS, 422), inventory),
    "inventory_recent": Policy(None, acting_for_13(OFFICER, FOUND), inventory),
    "inventory_replies": Policy(None, acting_for_13(OFFICER, FOUND), inventory),
    "inventory_ask": Policy(None, acting_for_13(OFFICER, FOUND), inventory, ticked),
    "inventory_removals": Policy(None, acting_for_13(OWNER, FOUND), inventory),
    "inventory_scan": Policy(
        acting_for_13(OFFICER, OK),
        acting_for_13(OFFICER, OK),
        inventory,
        lambda w: {"number": w.inventory_line.number},
    ),
    "api_inventory": Policy(READ_LIST),
    "api_inventory_decisions": Policy(None, acting_for_13(DECIDERS, OK), data=api_to_remove),
    # The mailed link is the key: whoever holds it sees the page, logged in or not, and nothing else of 13.
    "inventory_question": Policy(
        PUBLIC,
        PUBLIC,
        lambda w: {"token": asking.token_of(w.inventory_line)},
        lambda w: {"answer": "NOT_NEEDED"},
    ),
}
