"""DNS records, zones and the way back from a ticket; longer password lifetimes."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    APPLICANTS,
    FOUND,
    OK,
    OPERATOR,
    OWNER,
    READ_13,
    READ_LIST,
    READ_OPERATIONS,
    READERS_OF_13,
    REFUSED,
    Policy,
    access,
    acting_for_13,
    at,
    by_operator,
    to,
)
from tests.matrix.world import World

# Who applies or decides there says in the review that settings may end.
REVIEWERS_OF_13 = at("13", Role.APPLICANT, Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER)

FEDERATION_APPLICANTS = at("13", Role.APPLICANT) | at("27", Role.APPLICANT)


def _bundle(world: World) -> dict[str, Any]:
    """The PC of 13 that is on its way."""
    return {"number": world.bundle.number}


def _bundle_draft(world: World) -> dict[str, Any]:
    """The one that is not submitted yet."""
    return {"number": world.bundle_draft.number}


# REQ-14: of any federation, for the own one.
RECORDERS = at("13", Role.APPLICANT, Role.SECURITY_OFFICER) | at("27", Role.APPLICANT, Role.SECURITY_OFFICER)

POLICIES: dict[str, Policy] = {
    "computer_object_list": Policy(READ_LIST),
    "computer_object_export": Policy(READ_LIST),
    "computer_object_print": Policy(READ_LIST),
    "computer_object": Policy(READ_13, None, lambda w: {"guid": w.computer_object.object_guid}),
    "api_computer_objects": Policy(READ_LIST),
    "dns_record_list": Policy(READ_LIST),
    "dns_record_export": Policy(READ_LIST),
    "dns_record_print": Policy(READ_LIST),
    "dns_zone_list": Policy(READ_LIST, by_operator(422)),
    "dns_zone": Policy(
        acting_for_13(OPERATOR, OK),
        acting_for_13(OPERATOR, FOUND),
        lambda w: {"pk": w.zone.pk},
        lambda w: {"step": "close"},
    ),
    "dns_rollback": Policy(
        access(to(OWNER, OK), to(READERS_OF_13, REFUSED)),
        access(to(OWNER, FOUND), to(READERS_OF_13, REFUSED)),
        lambda w: {"number": w.dns_ticket.number},
    ),
    "password_lifetime_list": Policy(READ_LIST),
    "password_lifetime_export": Policy(READ_LIST),
    "password_lifetime_print": Policy(READ_LIST),
    "password_settings_in_directory": Policy(READ_OPERATIONS),
    "password_lifetime_people": Policy(READ_13, None, lambda w: {"number": w.pso_ticket.number}),
    "password_lifetime": Policy(
        READ_13, acting_for_13(REVIEWERS_OF_13, FOUND), lambda w: {"pk": w.lifetime.pk}
    ),
    "api_password_lifetimes": Policy(READ_LIST),
    **{name: Policy(READ_LIST) for name in ("own_change_list", "own_change_export", "own_change_print")},
    "own_change": Policy(READ_13, None, lambda w: {"number": w.own_change.number}),
    "api_own_changes": Policy(READ_LIST, access(to(RECORDERS, 400), otherwise=REFUSED)),
    **{
        name: Policy(
            access(to(RECORDERS, OK), otherwise=REFUSED), access(to(RECORDERS, 422), otherwise=REFUSED)
        )
        for name in (
            "own_change_switch",
            "own_change_policy",
            "own_change_switch_file",
            "own_change_policy_file",
        )
    },
    **{name: Policy(READ_LIST) for name in ("antivirus_list", "antivirus_export", "antivirus_print")},
    **{name: Policy(READ_LIST) for name in ("monitored_list", "monitored_export", "monitored_print")},
    "api_antivirus_machines": Policy(READ_LIST),
    "api_monitored_machines": Policy(READ_LIST),
    "managed_detail": Policy(READ_13, None, lambda w: {"pk": w.managed.pk}),
    "bundle_list": Policy(),
    "bundle_export": Policy(),
    "bundle_print": Policy(),
    "bundle_new": Policy(
        access(to(FEDERATION_APPLICANTS, OK), otherwise=REFUSED),
        access(to(FEDERATION_APPLICANTS, 422), otherwise=REFUSED),
    ),
    "bundle": Policy(access(to(READERS_OF_13, OK)), kwargs=_bundle),
    "bundle_edit": Policy(access(to(OWNER, OK)), access(to(OWNER, 409)), _bundle_draft),
    "bundle_template": Policy(access(to(OWNER, OK)), kwargs=_bundle_draft),
    "bundle_review": Policy(access(to(OWNER, OK)), access(to(OWNER, FOUND)), _bundle_draft),
    "bundle_discard": Policy(None, access(to(OWNER, FOUND)), _bundle_draft),
    "bundle_decide": Policy(access(to(READERS_OF_13, OK)), access(to(READERS_OF_13, 422)), kwargs=_bundle),
    "bundle_parts": Policy(
        None,
        access(to(OWNER, 409), to(READERS_OF_13, REFUSED)),
        _bundle,
        lambda w: {"step": "call_off", "reason": "x"},
    ),
    "api_bundles": Policy(post=access(to(APPLICANTS, 400), otherwise=REFUSED)),
    "api_bundle": Policy(access(to(READERS_OF_13, OK)), kwargs=_bundle),
    "api_dns_zones": Policy(READ_LIST),
    "api_dns_records": Policy(READ_LIST),
}
