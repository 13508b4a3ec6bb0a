"""Account unlocks: the register, what waits for operations, and the click."""

from __future__ import annotations

from typing import Any

from portal.workflow.models import StageStatus
from tests.matrix.access import (
    FOUND,
    OPERATOR,
    READ_LIST,
    READ_OPERATIONS,
    READERS_OF_13,
    REFUSED,
    Policy,
    access,
    to,
)
from tests.matrix.world import World


def seen(world: World) -> dict[str, Any]:
    """What an operator who looks at the list sends; the plan is one that the directory did not tell."""
    stage = world.unlock.stages.get(status=StageStatus.OPEN)
    world.unlock.refresh_from_db()
    return {"stage_id": stage.pk, "content_hash": world.unlock.content_hash, "plan_digest": ""}


POLICIES: dict[str, Policy] = {
    "unlock_list": Policy(READ_LIST),
    "unlock_export": Policy(READ_LIST),
    "unlock_print": Policy(READ_LIST),
    "unlock_waiting": Policy(READ_OPERATIONS),
    "unlock_now": Policy(
        None,
        access(to(OPERATOR, FOUND), to(READERS_OF_13, REFUSED)),
        lambda w: {"number": w.unlock.number},
        seen,
    ),
    "api_unlocks": Policy(READ_LIST),
    "api_unlocks_waiting": Policy(READ_OPERATIONS),
}
