"""Disposal by two people, holds, keeping times (AUD-09). The database looks again whether it may be done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from audit.retention import going, selectors
from audit.retention.errors import NotAllowed, Refused
from audit.retention.models import LEAST_YEARS, Disposal, Hold, RecordKind, RetentionRule
from portal.common.time import plain_moment, today
from portal.orgs.models import User
from portal.orgs.permissions import DECIDE_DISPOSALS, HOLD_RECORDS, PROPOSE_DISPOSALS, Permission
from portal.trail import services as trail

_State = Disposal.State
_LOCK = 7_206_002


def propose(*, kind: RecordKind, month: date, reason: str, actor: User, now: datetime) -> Disposal:
    """Ask for the disposal of one month. Raises NotAllowed and Refused: too early, held, not there, asked already."""
    _require(actor, PROPOSE_DISPOSALS)
    _refuse_what_must_stay(kind, month, now)
    if not selectors.is_there(kind, month):
        raise Refused(_("There is nothing of this month any more."))
    try:
        with transaction.atomic():
            made = Disposal.objects.create(
                kind=kind, month=month, reason=reason, proposed_by=actor, proposed_at=now
            )
            _note("propose", made, actor, now)
    except IntegrityError as error:
        raise Refused(_("The disposal of this month is proposed already.")) from error
    return made


def decide(*, disposal: Disposal, approve: bool, answer: str, actor: User, now: datetime) -> Disposal:
    """Dispose of what was proposed, or refuse. All of it in one transaction: there is no half-way.

    Raises NotAllowed (also for the person who proposed it) and Refused: decided already, held meanwhile, the evidence does not fit.
    """
    _require(actor, DECIDE_DISPOSALS)
    with transaction.atomic():
        _one_at_a_time(disposal.kind)
        row = Disposal.objects.select_for_update(of=("self",)).get(pk=disposal.pk)
        if row.state != _State.PROPOSED:
            raise Refused(_("Somebody else has decided meanwhile."))
        if row.proposed_by_id == actor.pk:
            raise NotAllowed(_("Who proposed a disposal does not decide it."))
        if not approve and not answer:
            raise Refused(_("Say why it is refused."))
        row.decided_by, row.decided_at, row.answer = actor, now, answer
        row.state = _State.DONE if approve else _State.REFUSED
        if approve:
            _refuse_what_must_stay(RecordKind(row.kind), row.month, now)
        row.save(update_fields=["decided_by", "decided_at", "answer", "state"])
        if approve:
            went = going.carry_out(row.kind, row.month)
            row.counts, row.digest, row.gone = went.counts, went.digest, went.gone
            row.save(update_fields=["counts", "digest", "gone"])
        _note("dispose" if approve else "refuse", row, actor, now)
    return row


def place_hold(*, kind: RecordKind, month: date | None, reason: str, actor: User, now: datetime) -> Hold:
    """Nothing of it goes until the hold is released. Raises NotAllowed, and Refused when the month is gone already."""
    _require(actor, HOLD_RECORDS)
    with transaction.atomic():
        _one_at_a_time(kind)
        if month is not None:
            _refuse_what_is_gone(kind, month)
        made = Hold.objects.create(kind=kind, month=month, reason=reason, placed_by=actor, placed_at=now)
        _note("hold", made, actor, now)
    return made


def release_hold(*, hold: Hold, actor: User, now: datetime) -> Hold:
    """End a hold. Raises NotAllowed, and Refused when it was released already."""
    _require(actor, HOLD_RECORDS)
    with transaction.atomic():
        row = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
        if row.released_at is not None:
            raise Refused(_("The hold was released already."))
        row.released_by, row.released_at = actor, now
        row.save(update_fields=["released_by", "released_at"])
        _note("release", row, actor, now)
    return row


def change_rule(*, kind: RecordKind, years: int, actor: User, now: datetime) -> RetentionRule:
    """Keep a kind longer or, not below what table 2-51 asks for, shorter. Raises NotAllowed and Refused."""
    _require(actor, PROPOSE_DISPOSALS)
    if years < LEAST_YEARS[kind]:
        raise Refused(
            _("These records are kept for at least %(years)d years.") % {"years": LEAST_YEARS[kind]}
        )
    with transaction.atomic():
        _one_at_a_time(kind)
        rule = RetentionRule.objects.select_for_update(of=("self",)).get(kind=kind)
        before, rule.years, rule.changed_by_name = rule.years, years, actor.display_name
        rule.save(update_fields=["years", "changed_by_name", "updated_at"])
        detail = {"kind": kind.value, "before": before, "after": years}
        trail.record(action="retention.rule", now=now, actor=actor, detail=detail)
    return rule


def _refuse_what_is_gone(kind: RecordKind, month: date) -> None:
    last = Disposal.objects.filter(kind=kind, month=month, state=_State.DONE).first()
    if last is not None and not selectors.is_there(kind, month):
        text = _("These records were disposed of at %(when)s.")
        raise Refused(text % {"when": plain_moment(last.decided_at)})


def _refuse_what_must_stay(kind: RecordKind, month: date, now: datetime) -> None:
    rule = RetentionRule.objects.get(kind=kind)
    last = selectors.kept_until(month, rule.years)
    if today(now) < last:
        raise Refused(_("These records are kept until %(day)s.") % {"day": f"{last:%Y-%m-%d}"})
    last = selectors.kept_after_seal(kind, [month]).get(month, last)
    if today(now) < last:
        text = _("Some of these records were written after their month. They are kept until %(day)s.")
        raise Refused(text % {"day": f"{last:%Y-%m-%d}"})
    hold = selectors.hold_on(kind, month)
    if hold is not None:
        raise Refused(_("These records are held: %(reason)s") % {"reason": hold.reason})


def _one_at_a_time(kind: str) -> None:
    """A hold, a longer keeping time and a disposal of one kind wait for each other, so that the second sees the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, kind])


def _require(actor: User, permission: Permission) -> None:
    if not actor.may(permission):
        raise NotAllowed(_("Your role does not allow you to do this."))


def _note(verb: str, row: Any, actor: User, now: datetime) -> None:
    month = f"{row.month:%Y-%m}" if row.month else ""
    trail.record(
        action=f"retention.{verb}",
        now=now,
        actor=actor,
        object_type=row._meta.model_name,
        object_id=row.pk,
        object_label=f"{row.kind} {month}".strip(),
        detail={"reason": row.reason},
    )
