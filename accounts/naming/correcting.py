"""Another login name for one line whose name was taken in AD between approval and writing (ACC-06).

Everything else of the application stays as it was approved. Operations, who accepted it, choose; the applicant is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import checks, provisioning
from accounts.naming import free
from accounts.naming.pattern import Namesake
from accounts.naming.proposals import propose_login_names
from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.fulfilment.by_hand import MAY_RETRY
from portal.fulfilment.claiming import add_event
from portal.fulfilment.errors import MoveNotAllowed, NotAllowed
from portal.fulfilment.models import Operation
from portal.fulfilment.verbs import Verb
from portal.gateways.directory_rules import REASON_TEXTS, validate_login_name
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow import records
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine


class NameRefused(Exception):
    """The chosen name cannot be taken. `reason` is a translated sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def proposal(operation: Operation, *, now: datetime) -> str:
    """A free name by the rule of the organisation; "" when there is none. No transaction may be open."""
    payload = provisioning.payload_of(operation)
    person = Namesake(
        family_kana=payload.family_kana,
        given_kana=payload.given_kana,
        staff_number=getattr(payload, "staff_number", ""),
    )
    (name,) = propose_login_names(operation.organisation, [person], now=now)
    return name


def change_login_name(*, operation_id: int, login_name: str, actor: User, now: datetime) -> Operation:
    """Give the account of one line another login name, and go on.

    Only for an operation that stopped because the name was taken and has made nothing yet. AD is asked before the lock.
    Raises NotAllowed, MoveNotAllowed and NameRefused.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations correct a login name")
    seen = Operation.system.select_related("organisation", "line__application").get(pk=operation_id)
    _require_open(seen)
    if problem := _problem(seen, login_name, now):
        raise NameRefused(problem)
    return _change(operation_id, login_name, actor, now)


def _require_open(operation: Operation) -> None:
    stopped = operation.error_code == provisioning.NAME_TAKEN and "object_guid" not in operation.progress
    if operation.status not in MAY_RETRY or not stopped:
        raise MoveNotAllowed(operation.pk, operation.status, "change_login_name")


def _problem(operation: Operation, login_name: str, now: datetime) -> str:
    if reasons := validate_login_name(login_name):
        return str(REASON_TEXTS[reasons[0]])
    context = LineContext(
        organisation=operation.organisation,
        actor=None,
        application=operation.line.application,
        today=today(now),
    )
    if problem := checks.name_problem(context, login_name):
        return problem
    same = ApplicationLine.system.filter(
        application_id=operation.line.application_id,
        is_open=True,
        reservation_key=f"{free.RESERVATION}{login_name.lower()}",
    )
    if same.exclude(pk=operation.line_id).exists() or free.taken_in_directory([login_name.lower()]):
        return checks.name_taken()
    return ""


@transaction.atomic
def _change(operation_id: int, login_name: str, actor: User, now: datetime) -> Operation:
    operation = (
        Operation.system.select_for_update(of=("self",), no_key=True)
        .select_related("line__application")
        .get(pk=operation_id)
    )
    _require_open(operation)
    before = provisioning.payload_of(operation).login_name
    try:
        with transaction.atomic():
            reserved = ApplicationLine.system.filter(pk=operation.line_id)
            reserved.update(
                reservation_key=f"{free.RESERVATION}{login_name.lower()}", subject_key=login_name.lower()
            )
    except IntegrityError:
        raise NameRefused(checks.name_taken()) from None
    operation.progress = {**operation.progress, "login_name": login_name}
    operation.save(update_fields=["progress"])
    _record(operation, {"login_name_before": before, "login_name_after": login_name}, actor, now)
    return fulfilment.retry(operation_id=operation_id, actor=actor, now=now)


def _record(operation: Operation, detail: dict[str, Any], actor: User, now: datetime) -> None:
    application = operation.line.application
    message = _("Another login name was chosen, because the one applied for was taken.")
    add_event(operation, Verb.CORRECTED, now=now, actor=actor, message=message, data=detail)
    trail.record(
        action="operation.change_login_name",
        now=now,
        actor=actor,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.application_number,
        object_organisation_id=operation.organisation_id,
        detail=detail,
    )
    records.tell(
        application, "login_name_changed", [application.applicant], now, position=operation.line.position + 1
    )
