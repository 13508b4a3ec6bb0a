"""Operations, files for operations, guards, mail, jobs."""

from __future__ import annotations

from typing import Any

from tests.matrix.access import (
    FOUND,
    HIDDEN,
    IN_SCOPE,
    LOGGED_IN,
    OK,
    OPERATOR,
    READ_OPERATIONS,
    REFUSED,
    Policy,
    access,
    by_operator,
    to,
)
from tests.matrix.world import World


def operation(world: World) -> dict[str, Any]:
    """The operation that waits for the directory."""
    return {"pk": world.operation.pk}


def directory(world: World) -> dict[str, Any]:
    """The target of that operation."""
    return {"target": "directory"}


def job(world: World) -> dict[str, Any]:
    """A job of the schedule."""
    return {"name": "purge_sessions"}


POLICIES: dict[str, Policy] = {
    "operation_list": Policy(READ_OPERATIONS),
    "operation_export": Policy(READ_OPERATIONS),
    "operation_print": Policy(READ_OPERATIONS),
    "gate_close": Policy(by_operator(OK), by_operator(FOUND), data=lambda w: {"reason": "himitsu"}),
    "gate_open": Policy(by_operator(OK), by_operator(FOUND), data=lambda w: {"reason": "himitsu"}),
    "operation_detail": Policy(READ_OPERATIONS, None, operation),
    "operation_sheet": Policy(READ_OPERATIONS, None, operation),
    # Nobody took it by hand yet.
    "operation_record": Policy(by_operator(409), by_operator(409, 422), operation),
    "operation_retry": Policy(by_operator(OK), by_operator(FOUND), operation),
    "operation_let_through": Policy(by_operator(409), by_operator(409, 422), operation),
    "operation_take": Policy(by_operator(OK), by_operator(FOUND), operation),
    "operation_give_back": Policy(by_operator(409), by_operator(409), operation),
    "operation_close": Policy(
        by_operator(OK), by_operator(FOUND), operation, lambda w: {"reason": "himitsu"}
    ),
    "exchange_list": Policy(READ_OPERATIONS),
    "exchange_upload": Policy(None, by_operator(422)),
    "exchange_mapping": Policy(by_operator(OK), by_operator(422)),
    "exchange_batch": Policy(READ_OPERATIONS, None, lambda w: {"number": w.batch.number}),
    "exchange_download": Policy(READ_OPERATIONS, None, lambda w: {"number": w.batch.number}),
    "exchange_answer": Policy(READ_OPERATIONS, None, lambda w: {"pk": w.answer.pk}),
    "target_pause": Policy(None, by_operator(FOUND), directory),
    "target_resume": Policy(None, by_operator(FOUND), directory),
    "notice_list": Policy(),
    "notice_read": Policy(None, access(to(LOGGED_IN, FOUND))),
    "notice_send_again": Policy(
        None, access(to(OPERATOR, FOUND), to(IN_SCOPE, REFUSED)), lambda w: {"pk": w.notice.pk}
    ),
    "continuity_list": Policy(READ_OPERATIONS),
    "continuity_make": Policy(None, by_operator(FOUND)),
    "continuity_download": Policy(by_operator(HIDDEN), None, lambda w: {"pk": 1}),
    "job_list": Policy(READ_OPERATIONS),
    "job_history": Policy(READ_OPERATIONS, None, job),
    "job_run": Policy(by_operator(OK), by_operator(FOUND), job),
    "route_list": Policy(by_operator(OK)),
    "route_edit": Policy(by_operator(OK), by_operator(422), lambda w: {"kind": "accounts.register"}),
    "route_edit_own": Policy(
        by_operator(OK), by_operator(422), lambda w: {"kind": "accounts.register", "code": "13"}
    ),
    "api_operations": Policy(READ_OPERATIONS),
    "api_exchange_batches": Policy(READ_OPERATIONS),
    "api_jobs": Policy(READ_OPERATIONS),
    "api_job_runs": Policy(READ_OPERATIONS, by_operator(202), lambda w: {"name": "purge_sessions"}),
}
