"""Enquiries, the FAQ, planned outages and the segments of 独自処理システム."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    APPROVER,
    FOUND,
    IN_SCOPE,
    OK,
    OPERATOR,
    READ_13,
    READ_LIST,
    REFUSED,
    Policy,
    access,
    acting_for_13,
    at,
    by_operator,
    to,
)
from tests.matrix.world import EVERYBODY, World

_ASKING = ("APPLICANT", "APPROVER", "SECURITY_OFFICER", "SECURITY_MANAGER")
ASKERS = frozenset(n for n in EVERYBODY if n.split(":")[0] in ("13", "27") and n.split(":")[1] in _ASKING)

ALLOTTERS = at("central", Role.APPROVER)


def enquiry(world: World) -> dict[str, Any]:
    """13's enquiry."""
    return {"number": world.enquiry.number}


def entry(world: World) -> dict[str, Any]:
    """The published entry."""
    return {"number": world.faq_version.entry.number}


def outage(world: World) -> dict[str, Any]:
    """A stop that concerns 13."""
    return {"number": world.outage.number}


POLICIES: dict[str, Policy] = {
    "enquiry_list": Policy(READ_LIST),
    "enquiry_export": Policy(READ_LIST),
    "enquiry_print": Policy(READ_LIST),
    "enquiry_new": Policy(
        access(to(ASKERS, OK), otherwise=REFUSED), access(to(ASKERS, 422), otherwise=REFUSED)
    ),
    "enquiry": Policy(
        READ_13,
        # An internal note: those who answer, of either desk.
        acting_for_13(OPERATOR | at("central", Role.AUDIT_REVIEWER), FOUND),
        enquiry,
        lambda w: {"step": "note", "note-text": "himitsu"},
    ),
    "enquiry_file": Policy(READ_13, None, lambda w: {**enquiry(w), "pk": w.enquiry_file.pk}),
    "enquiry_faq": Policy(by_operator(OK), by_operator(422), lambda w: {"enquiry": w.enquiry.number}),
    "faq_list": Policy(),
    "faq_suggestions": Policy(),
    "faq_entry": Policy(kwargs=entry),
    "faq_new": Policy(by_operator(OK), by_operator(422)),
    "faq_edit": Policy(by_operator(OK), by_operator(422), entry),
    "faq_version": Policy(by_operator(OK), by_operator(422), lambda w: {"pk": w.faq_version.pk}),
    "faq_withdraw": Policy(None, by_operator(FOUND), entry),
    "api_enquiries": Policy(READ_LIST, access(to(ASKERS, 400), otherwise=REFUSED)),
    "api_enquiry": Policy(READ_13, None, enquiry),
    "api_enquiry_messages": Policy(
        None,
        acting_for_13(OPERATOR | at("central", Role.AUDIT_REVIEWER), OK),
        enquiry,
        lambda w: {"kind": "NOTE", "version": 1, "text": "himitsu"},
    ),
    "api_faq": Policy(),
    "outage_list": Policy(),
    "outage_export": Policy(),
    "outage_print": Policy(),
    "outage_new": Policy(by_operator(OK), by_operator(422)),
    "outage": Policy(
        access(to(IN_SCOPE, OK)),
        # Only operations cancel; what concerns 13 does not exist for others.
        access(to(OPERATOR, 422), to(IN_SCOPE, REFUSED)),
        outage,
        lambda w: {"step": "cancel"},
    ),
    "outage_change": Policy(by_operator(OK), by_operator(422), outage),
    "outage_ics": Policy(access(to(IN_SCOPE, OK)), None, outage),
    "api_outages": Policy(post=by_operator(400)),
    "api_outage": Policy(access(to(IN_SCOPE, OK)), by_operator(400), outage),
    "api_outage_cancel": Policy(
        None,
        by_operator(OK),
        outage,
        lambda w: {"version": w.outage.version, "reason": "himitsu"},
    ),
    "api_outage_confirm": Policy(
        None,
        # The person who is named finds that it has not begun; nobody else is named.
        access(to(APPROVER, 422), to(IN_SCOPE, REFUSED)),
        outage,
        lambda w: {"result": "NORMAL"},
    ),
    "network_map": Policy(READ_LIST),
    "network_list": Policy(READ_LIST),
    "network_export": Policy(READ_LIST),
    "network_print": Policy(READ_LIST),
    "network_allot": Policy(
        access(to(ALLOTTERS, OK), otherwise=REFUSED),
        access(to(ALLOTTERS, 422), otherwise=REFUSED),
        lambda w: {"pk": w.network_line.pk},
    ),
    "api_networks": Policy(READ_LIST),
    "api_network_map": Policy(READ_LIST),
}
