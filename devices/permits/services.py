"""What the security officer records about SKYSEA, and what the calendar does with permits (DEV-01, DEV-02, DEV-03)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from devices.permits import register, telling
from devices.permits.errors import MoveNotAllowed, NotAllowed, ReasonNotConfirmed
from devices.permits.models import DevicePermit
from devices.permits.register import EXPIRE, TARGET, State, Verb
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import REGISTER_DEVICES, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.fulfilling import enqueue_step

REMIND_BEFORE = (30, 7, 1)  # days


@transaction.atomic
def record_registered(
    *, permit_id: int, actor: User, note: str = "", confirms_reason: bool = False, now: datetime
) -> DevicePermit:
    """The device is registered in SKYSEA: the user is told that it is ready, and to attach it once (DEV-12).

    A third person records it: neither who applied nor who approved, also through a deputy (DEV-01).
    Raises NotAllowed, MoveNotAllowed, ReasonNotConfirmed.
    """
    permit = register.locked(permit_id)
    _require_recorder(permit, actor)
    if actor.pk in {permit.applicant_id, permit.approved_by_id, permit.approved_for_id}:
        raise NotAllowed(
            _("You applied for this device or approved it. A third person registers it (DEV-01).")
        )
    if permit.state != State.APPROVED:
        raise MoveNotAllowed(permit.state)
    if permit.needs_confirmation:
        if not confirms_reason:
            raise ReasonNotConfirmed
        permit.reason_confirmed_by, permit.reason_confirmed_at = actor, now
    permit.state, permit.registered_by, permit.registered_at = State.REGISTERED, actor, now
    permit.save()
    register.note(permit, Verb.REGISTERED, now, actor=actor, text=note)
    telling.tell_user("device_registered", permit, now)
    register.wake(permit, now)
    _record("device.registered", permit, actor, now)
    return permit


@transaction.atomic
def record_removed(*, permit_id: int, actor: User, note: str = "", now: datetime) -> DevicePermit:
    """The device is removed from SKYSEA; it can be permitted anew. Raises NotAllowed, MoveNotAllowed."""
    permit = register.locked(permit_id)
    _require_recorder(permit, actor)
    if permit.state != State.ENDING:
        raise MoveNotAllowed(permit.state)
    permit.state, permit.removed_by, permit.removed_at = State.REMOVED, actor, now
    permit.save()
    register.note(permit, Verb.REMOVED, now, actor=actor, text=note)
    telling.tell_user("device_removed", permit, now)
    register.wake(permit, now)
    _record("device.removed", permit, actor, now)
    return permit


def _require_recorder(permit: DevicePermit, actor: User) -> None:
    """The officer of the federation, or operations who took it by hand."""
    if not (actor.may(REGISTER_DEVICES, permit.organisation_id) or actor.may(RUN_OPERATIONS)):
        raise NotAllowed(_("Only the security officer of the organisation records this."))


def end_permits(*, now: datetime) -> int:
    """Permits whose last day has passed end; how many ended. Each on its own, so that one in the way stops no other."""
    day = today(now)
    due = DevicePermit.system.filter(state__in=(State.APPROVED, State.REGISTERED), valid_until__lt=day)
    return sum(_end(pk, now) for pk in list(due.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _end(permit_id: int, now: datetime) -> bool:
    permit = register.locked(permit_id)
    if not permit.is_live or permit.valid_until >= today(now):
        return False
    registered = permit.state == State.REGISTERED
    register.end(permit, DevicePermit.EndReason.EXPIRED, Verb.EXPIRED, now)
    if registered:
        try:
            with transaction.atomic():
                enqueue_step(permit.line, target=TARGET, step=EXPIRE, now=now)
        except IntegrityError:
            register.wake(permit, now)
    telling.tell_user("device_expired", permit, now, until_on=permit.valid_until.isoformat())
    return True


def remind_of_ends(*, now: datetime) -> int:
    """Applicant, user and officers are told 30, 7 and 1 days before the end, once for each; how many permits."""
    day = today(now)
    horizon = day + timedelta(days=REMIND_BEFORE[0])
    rows = DevicePermit.system.filter(
        state__in=(State.APPROVED, State.REGISTERED), valid_until__gte=day, valid_until__lte=horizon
    )
    return sum(_remind(pk, now) for pk in list(rows.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _remind(permit_id: int, now: datetime) -> bool:
    permit = register.locked(permit_id)
    left = (permit.valid_until - today(now)).days
    reached = [days for days in REMIND_BEFORE if left <= days]
    if not permit.is_live or not reached or left < 0:
        return False
    if permit.reminded_days is not None and permit.reminded_days <= min(reached):
        return False
    permit.reminded_days = min(reached)
    permit.save(update_fields=["reminded_days", "updated_at"])
    until = permit.valid_until.isoformat()
    telling.tell_user("device_renewal_due", permit, now, until_on=until, days=left)
    telling.tell_officers("device_renewal_due", permit, now, until_on=until, days=left)
    return True


def _record(action: str, permit: DevicePermit, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="device",
        object_id=permit.device_id,
        object_label=permit.device.number,
        object_organisation_id=permit.organisation_id,
        detail={"permit": permit.pk},
    )
