"""Entering a freeze, ending it, and letting one change through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common import bell
from portal.fulfilment.by_hand import DRAIN_TASK
from portal.fulfilment.claiming import add_event
from portal.fulfilment.errors import MoveNotAllowed, NotAllowed, TextMissing
from portal.fulfilment.freezes import holding
from portal.fulfilment.freezes.models import Effect, FreezeException, FreezePeriod
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.services import wake
from portal.fulfilment.verbs import Verb
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import MANAGE_FREEZES
from portal.trail import services as trail

LONGEST = timedelta(days=92)  # a longer one is a mistake in a date


class FreezeRefused(Exception):
    """The freeze cannot be entered so: the field and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, kw_only=True)
class NewFreeze:
    """What an operator enters."""

    starts_at: datetime
    ends_at: datetime
    effect: str
    reason: str
    organisation: Organisation | None = None
    kind: str = ""
    target: str = ""
    may_override: bool = False


@transaction.atomic
def enter(new: NewFreeze, *, actor: User, now: datetime) -> FreezePeriod:
    """Enter a freeze. What runs in this instant is finished; what is claimed from now on waits.

    Raises NotAllowed, FreezeRefused.
    """
    _require(actor)
    if new.ends_at <= new.starts_at:
        raise FreezeRefused("ends_at", _("The end must be after the beginning."))
    if new.ends_at <= now:
        raise FreezeRefused("ends_at", _("This time has passed."))
    if new.ends_at - new.starts_at > LONGEST:
        raise FreezeRefused("ends_at", _("A freeze lasts at most %(days)d days.") % {"days": LONGEST.days})
    freeze = FreezePeriod.objects.create(**vars(new), entered_by=actor, entered_at=now)
    _record("freeze.enter", freeze, actor, now)
    return freeze


@transaction.atomic
def end(*, freeze_id: int, actor: User, now: datetime) -> FreezePeriod:
    """End a freeze now; one that has not begun is taken back. What waited for it goes on at once.

    Raises NotAllowed; MoveNotAllowed when it is over.
    """
    _require(actor)
    freeze = FreezePeriod.objects.select_for_update(no_key=True).get(pk=freeze_id)
    if freeze.ends_at <= now:
        raise MoveNotAllowed(freeze_id, "ENDED", "end")
    if freeze.starts_at >= now:  # never in force: it keeps its length, in the past
        freeze.starts_at = now - timedelta(seconds=1)
    freeze.ends_at, freeze.ended_by, freeze.ended_at = now, actor, now
    freeze.save(update_fields=["starts_at", "ends_at", "ended_by", "ended_at"])
    _record("freeze.end", freeze, actor, now)
    wake(list(holding.held_operations(now).values_list("pk", flat=True)), now)
    return freeze


@transaction.atomic
def let_through(*, operation_id: int, actor: User, reason: str, now: datetime) -> Operation:
    """Carry out one operation in spite of the freezes that allow exceptions.

    Raises NotAllowed, TextMissing; MoveNotAllowed when it does not wait for a freeze, or for one without exceptions.
    """
    _require(actor)
    reason = reason.strip()
    if not reason:
        raise TextMissing
    rows = Operation.system.select_for_update(no_key=True, of=("self",)).filter(pk=operation_id)
    operation = holding.holding(rows, now).get()
    freeze = FreezePeriod.objects.filter(pk=operation.frozen_by, may_override=True).first()
    if freeze is None or operation.status != OperationStatus.WAITING:
        raise MoveNotAllowed(operation_id, operation.status, "let_through")
    FreezeException.system.create(
        operation=operation, organisation_id=operation.organisation_id, reason=reason[:500], by=actor, at=now
    )
    add_event(operation, Verb.LET_THROUGH, now=now, actor=actor, message=reason)
    trail.record(
        action="operation.let_through",
        now=now,
        actor=actor,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.application_number,
        object_organisation_id=operation.organisation_id,
        detail={"freeze": freeze.pk, "reason": reason},
    )
    operation.fence += 1  # a worker that has reserved it would let it wait
    operation.not_before, operation.lease_until = now, None
    operation.save(update_fields=["fence", "not_before", "lease_until"])
    bell.ring_on_commit(DRAIN_TASK, operation.target)
    return operation  # type: ignore[no-any-return]


def _require(actor: User) -> None:
    if not actor.may(MANAGE_FREEZES):
        raise NotAllowed("only people of operations enter freezes")


def _record(action: str, freeze: FreezePeriod, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="freeze",
        object_id=freeze.pk,
        object_label=freeze.reason,
        object_organisation_id=freeze.organisation_id,
        detail={
            "from": freeze.starts_at.isoformat(),
            "until": freeze.ends_at.isoformat(),
            "effect": Effect(freeze.effect).value,
            "kind": freeze.kind,
            "target": freeze.target,
        },
    )
