"""People, organisations, recipients and what was recorded about them."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    FOUND,
    HIDDEN,
    IN_SCOPE,
    OK,
    OPERATOR,
    PUBLIC,
    READ_LIST,
    READERS_OF_13,
    REFUSED,
    Policy,
    access,
    at,
    to,
)
from tests.matrix.world import EVERYBODY, World

MANAGERS = at("13", Role.SECURITY_MANAGER) | OPERATOR
DEPUTY_NAMERS = MANAGERS | at("13", Role.APPROVER, Role.SECURITY_OFFICER)
MANAGE = access(to(MANAGERS, OK), to(IN_SCOPE, REFUSED))
MANAGE_STEP = access(to(MANAGERS, FOUND), to(IN_SCOPE, REFUSED))
TRAIL_READERS = OPERATOR | frozenset(n for n in EVERYBODY if n.endswith((":AUDITOR", ":SECURITY_MANAGER")))


def of_13(world: World) -> dict[str, Any]:
    """Federation 13 itself."""
    return {"code": "13"}


def user_of_13(world: World) -> dict[str, Any]:
    """A person of federation 13."""
    return {"uid": world.person(Role.USER).uid}


def recipient(world: World) -> dict[str, Any]:
    """A registered recipient of federation 13."""
    return {"pk": world.recipient.pk}


POLICIES: dict[str, Policy] = {
    "organisation_list": Policy(),
    "organisation_detail": Policy(access(to(READERS_OF_13, OK), to(IN_SCOPE, REFUSED)), None, of_13),
    "member_add": Policy(MANAGE, MANAGE, of_13),
    "membership_end": Policy(MANAGE, MANAGE_STEP, lambda w: {"pk": w.membership.pk}),
    "person_shut_out": Policy(None, MANAGE_STEP, user_of_13),
    "person_let_in": Policy(None, MANAGE_STEP, user_of_13),
    "deputy_list": Policy(),
    "deputy_add": Policy(
        access(to(DEPUTY_NAMERS, OK), to(IN_SCOPE, REFUSED)),
        access(to(DEPUTY_NAMERS, OK), to(IN_SCOPE, REFUSED)),
        of_13,
    ),
    "deputy_end": Policy(
        None, access(to(DEPUTY_NAMERS, FOUND), to(IN_SCOPE, REFUSED)), lambda w: {"pk": w.deputy.pk}
    ),
    "naming_rule": Policy(MANAGE, MANAGE, of_13),
    "delivery_setting": Policy(MANAGE, MANAGE, of_13),
    "pickup_list": Policy(),
    "pickup": Policy(access(), access(), lambda w: {"pk": 1}),
    "recipient_list": Policy(READ_LIST),
    "recipient_add": Policy(MANAGE, MANAGE, of_13),
    "recipient_resend": Policy(None, MANAGE_STEP, recipient),
    "recipient_end": Policy(None, MANAGE_STEP, recipient),
    # The mailed link is the key: whoever holds it sees the page, logged in or not.
    "recipient_confirm": Policy(PUBLIC, PUBLIC, lambda w: {"token": w.confirmation_token}),
    "trail_list": Policy(access(to(TRAIL_READERS, OK), otherwise=REFUSED)),
    "trail_export": Policy(
        access(to(TRAIL_READERS, OK), otherwise=REFUSED),
        access(to(TRAIL_READERS, OK, 422), otherwise=REFUSED),
    ),
    "evidence": Policy(access(to(TRAIL_READERS, OK), otherwise=REFUSED)),
    # No checkpoint there: sealing needs the signing process, tests/trail looks at the file.
    "evidence_checkpoint": Policy(
        access(to(TRAIL_READERS, HIDDEN), otherwise=REFUSED), None, lambda w: {"pk": 1}
    ),
    "api_organisations": Policy(),
    "api_me": Policy(),
}
