"""The final removal of computer objects, and who comes first: the removal or a restoration (REQ-02).

That is decided under the lock of the row in the register. A stolen machine is disabled at once whatever refers to it; what
cannot be undone waits until nothing refers to the machine any more (docs/adr/0032).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import (
    WAITS_FOR,
    Done,
    NeedsPerson,
    Outcome,
    Run,
    TryLater,
    Waits,
    base_step,
)
from portal.gateways import clock, directory_factory
from portal.orgs import machines
from portal.workflow.fulfilling import enqueue_step
from portal.workflow.models import ApplicationLine
from requests.computers import register, work
from requests.computers.lookups import reservation_of
from requests.computers.models import ComputerObject, ComputerObjectEvent
from requests.computers.payloads import NamedComputer
from requests.computers.places import DELETED, path_of
from requests.computers.planning import state_words
from requests.computers.work import TARGET, Stop, Work

REMOVE = "remove"  # the step that follows a removal
RESTORE = "requests.computer_restore"
_State = ComputerObject.State
_BATCH = 500


class FinalRemoval:
    """Removes a deleted object for good, with what lies below it."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return work.carry_out(lambda: _remove(work.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: AD does not have the object any more."""
        return work.carry_out(lambda: _verify_removed(work.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        return [
            (_("Computer name"), work.payload_of(operation).name),
            (_("Removal"), _("Delete the object from Active Directory.")),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def enqueue_removals(*, now: datetime) -> int:
    """Queue the final removal of every deleted object whose days are over; how many were queued.

    One that somebody applies to have restored, or whose machine is still needed, is left for another day.
    """
    over = ComputerObject.system.filter(state=_State.DELETED, remove_on__lte=today(now))
    over = over.select_related("last_line__application").order_by("remove_on", "pk")
    count = 0
    for row in over.iterator(chunk_size=_BATCH):
        if not restoration_open(row) and not still_needed(row):
            count += _enqueue_once(row, now)
    return count


def _enqueue_once(row: ComputerObject, now: datetime) -> bool:
    """Queue the step unless it was queued before, perhaps in this moment by another beat."""
    assert row.last_line is not None
    before = Operation.system.filter(line_id=row.last_line_id, target=TARGET, step__startswith=REMOVE)
    states = list(before.values_list("status", flat=True))
    if any(status != OperationStatus.CLOSED for status in states):
        return False
    step = f"{REMOVE}#{len(states) + 1}" if states else REMOVE
    try:
        with transaction.atomic():
            enqueue_step(row.last_line, target=TARGET, step=step, now=now)
    except IntegrityError:
        return False
    return True


def operations_settled(operations: Sequence[Operation], now: datetime) -> None:
    """A final removal that a person closed runs no more: the object can be given back, and readings of AD count again.

    It does not lie there for ever: the same number of days later its removal is tried anew.
    """
    closed = [
        each.line_id
        for each in operations
        if base_step(each.step) == REMOVE and each.status == OperationStatus.CLOSED
    ]
    rows = ComputerObject.system.select_for_update(no_key=True, of=("self",)).order_by("pk")
    for row in rows.filter(last_line_id__in=closed, state=_State.DELETED) if closed else ():
        row.removal_began_at = None
        row.remove_on = today(now) + timedelta(days=max(settings.COMPUTER_REMOVAL_DAYS, 1))
        row.save(update_fields=["removal_began_at", "remove_on", "updated_at"])
        register.record(row, ComputerObjectEvent.Verb.POSTPONED, now, changes=())


def restoration_open(row: ComputerObject) -> bool:
    """Whether an application to give the object back is not finished."""
    key = reservation_of(NamedComputer(name=row.name))
    lines = ApplicationLine.system.filter(is_open=True, reservation_key=key, application__kind=RESTORE)
    return lines.exists()


def still_needed(row: ComputerObject) -> str:
    """Why the organisation's machine of this name is still needed: permits, whitelist entries; "" when it is not."""
    machine = machines.machines([row.name]).get(row.name)
    if machine is None or machine.organisation_id != row.organisation_id:
        return ""
    return machines.needed([row.name]).get(row.name, "")


@transaction.atomic
def home_of_deleted(job: Work) -> tuple[UUID, dict[str, Any]]:
    """Which object to give back, and as what; decided under the row's lock against the removal. Raises Stop."""
    rows = ComputerObject.system.select_for_update(no_key=True, of=("self",))
    row = rows.filter(organisation=job.organisation, name=job.name).order_by("-pk").first()
    if row is None or row.state == _State.REMOVED or row.removal_began_at is not None:
        text = _(
            "The computer object was removed for good. Close this one and have a new object applied for."
        )
        raise Stop(NeedsPerson(code="removed", message=text))
    if row.state != _State.DELETED:
        text = _("The computer object is not deleted any more. Close this operation.")
        raise Stop(NeedsPerson(code="not_deleted", message=text))
    return row.object_guid, dict(row.before_deletion)


def _remove(job: Work) -> Outcome:
    row = _begin(job, clock.now())
    found = job.directory.find_computer_by_guid(row.object_guid)
    below = 0
    if found is not None:
        path = path_of(found.container_dn, job.organisation)
        if found.enabled or path != DELETED:
            now = f"{state_words(found.enabled)}、{path or found.dn}"
            text = _(
                "The computer object is in use again or was moved since it was deleted (%(now)s). Nothing was removed. Find out why, then retry or close."
            )
            return NeedsPerson(code="not_as_deleted", message=text % {"now": now})
        below = job.directory.count_below_computer(found.guid)
        job.run.still_mine()
        job.directory.delete_computer(found.guid)
        if job.directory.find_computer_by_guid(found.guid) is not None:
            text = _("Active Directory still has the computer object after it was deleted.")
            return NeedsPerson(code="not_read_back", message=text)
    by_us = found is not None or job.operation.fence > 1
    register.note_removed(object_guid=row.object_guid, now=clock.now(), line=job.line, by_hand=not by_us)
    evidence: dict[str, Any] = {"object_guid": str(row.object_guid), "name": row.name, "removed_below": below}
    return Done(evidence=evidence | ({} if by_us else {"removed_by_hand": True}))


@transaction.atomic
def _begin(job: Work, now: datetime) -> ComputerObject:
    """Take the object out of the reach of restorations, under the lock of its row; also when it was begun before.

    Raises Stop: Done when it is not deleted by this line any more, TryLater or Waits while something stands against it.
    """
    rows = ComputerObject.system.select_for_update(no_key=True, of=("self",))
    row: ComputerObject | None = rows.filter(last_line_id=job.operation.line_id).first()
    if row is None or row.state != _State.DELETED:
        reason = "removed" if row is not None and row.state == _State.REMOVED else "restored"
        raise Stop(Done(evidence={"nothing_to_do": reason}))
    if row.removal_began_at is not None:
        return row
    if row.remove_on is None or row.remove_on > today(now):
        raise Stop(TryLater(code="too_early", message=_("The day of the removal has not come yet.")))
    if restoration_open(row):
        text = _("A restoration is applied for. The removal waits until it is decided.")
        raise Stop(TryLater(code="restoration_open", message=text))
    if reason := still_needed(row):
        text = _("The final removal waits: %(reason)s")
        until = now + timedelta(days=1)
        raise Stop(Waits(code=f"{WAITS_FOR}machine", message=text % {"reason": reason}, until=until))
    row.removal_began_at = now
    row.save(update_fields=["removal_began_at", "updated_at"])
    return row


def _verify_removed(job: Work) -> Outcome:
    row = ComputerObject.system.filter(last_line_id=job.operation.line_id).first()
    if row is not None and job.directory.find_computer_by_guid(row.object_guid) is not None:
        text = _("Active Directory still has the computer object.")
        return NeedsPerson(code="still_there", message=text)
    if row is not None:
        register.note_removed(object_guid=row.object_guid, now=clock.now(), line=job.line)
    return Done(evidence={"name": job.name, "removed": True})
