"""Accounts, the month's dormant ones, and the findings of the reconciliation."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    APPLICANTS,
    FOUND,
    HIDDEN,
    OK,
    OPERATOR,
    READ_13,
    READ_LIST,
    READ_OPERATIONS,
    REFUSED,
    Policy,
    access,
    acting_for_13,
    at,
    by_operator,
    to,
)
from tests.matrix.world import World

ANSWERERS = at("13", Role.APPLICANT, Role.SECURITY_MANAGER)


def month(world: World) -> dict[str, Any]:
    """The month of 13's list."""
    return {"period": world.dormant_line.review.run.period}


def dormant(world: World) -> dict[str, Any]:
    """13's list of that month."""
    return {**month(world), "code": "13"}


def kept(world: World) -> dict[str, Any]:
    """The answer of a form."""
    return {"line": [world.dormant_line.choice], "answer": "KEEP", "reason": "himitsu"}


def api_kept(world: World) -> dict[str, Any]:
    """The answer of a program."""
    line = world.dormant_line
    row = {"id": line.pk, "version": line.version, "answer": "KEEP", "reason": "himitsu"}
    return {"month": str(line.review.run), "organisation": "13", "answers": [row]}


# Findings of 13 are read by its readers, answered by operators.
def finding(world: World) -> dict[str, Any]:
    """An open finding about 13's account."""
    return {"pk": world.finding.pk}


ANSWER = by_operator(409, 422)

POLICIES: dict[str, Policy] = {
    "account_list": Policy(READ_LIST),
    "account_export": Policy(READ_LIST),
    "account_print": Policy(READ_LIST),
    "account_detail": Policy(READ_13, None, lambda w: {"guid": w.account.object_guid}),
    "operation_login_name": Policy(
        access(to(OPERATOR, OK)), access(to(OPERATOR, 422)), lambda w: {"operation_id": w.operation.pk}
    ),
    "operation_recipient": Policy(
        access(to(OPERATOR, OK)), access(to(OPERATOR, 422)), lambda w: {"operation_id": w.operation.pk}
    ),
    "api_accounts": Policy(READ_LIST),
    "api_login_names": Policy(
        None,
        access(to(APPLICANTS, OK, HIDDEN), otherwise=REFUSED),
        data=lambda w: {"organisation": "13", "people": [{"family_kana": "スズキ", "given_kana": "ミサキ"}]},
    ),
    "dormant_list": Policy(READ_LIST),
    "dormant_report": Policy(READ_LIST, None, month),
    "dormant_report_export": Policy(READ_LIST, None, month),
    "dormant_review": Policy(READ_13, None, dormant),
    "dormant_answer": Policy(None, acting_for_13(ANSWERERS, FOUND), dormant, kept),
    "dormant_export": Policy(READ_13, None, dormant),
    "dormant_sheet": Policy(acting_for_13(ANSWERERS, OK), None, dormant),
    "dormant_upload": Policy(None, acting_for_13(ANSWERERS, 422), dormant),
    "api_dormant": Policy(READ_LIST),
    "api_dormant_answers": Policy(None, acting_for_13(ANSWERERS, OK), data=api_kept),
    "finding_list": Policy(READ_LIST),
    "finding_export": Policy(READ_LIST),
    "finding_print": Policy(READ_LIST),
    "finding_detail": Policy(READ_13, None, finding),
    "finding_answer": Policy(None, ANSWER, finding, lambda w: {"answer": "ACCEPT", "reason": "himitsu"}),
    "finding_confirm": Policy(None, ANSWER, finding),
    "finding_take_back": Policy(None, ANSWER, finding),
    "reconciliation_list": Policy(READ_OPERATIONS),
    "reconciliation_start": Policy(None, by_operator(FOUND)),
    "api_findings": Policy(READ_LIST),
}
