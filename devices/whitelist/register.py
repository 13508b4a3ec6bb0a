"""The one place where the whitelist is written: entries come, take another one's place, end, and are seen at the guard.

Every change is history. An entry that takes another one's place ends that one in the same transaction (MAC-06):
there is no moment with both and none with neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from devices.computers.models import Computer, Segment
from devices.guard import waking
from devices.whitelist import oui
from devices.whitelist.addresses import is_local, shown_mac
from devices.whitelist.fitness import uncovered_reason
from devices.whitelist.models import LocalAddress, WhitelistEntry, WhitelistEvent
from devices.whitelist.payloads import Action, WhitelistLine
from portal.common.search import batched
from portal.common.text import search_key
from portal.common.time import today
from portal.orgs.models import User
from portal.workflow.models import ApplicationLine, StageStatus

State = WhitelistEntry.State
EndReason = WhitelistEntry.EndReason
Verb = WhitelistEvent.Verb
_VERB_OF = {
    EndReason.REMOVED: Verb.REMOVED,
    EndReason.REPLACED: Verb.REPLACED,
    EndReason.EXPIRED: Verb.EXPIRED,
}
_BATCH = 1000


class AddressTaken(Exception):
    """Another live entry has the MAC or the IP address meanwhile; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class EntryMissing(Exception):
    """There is no live entry of that address in the organisation any more."""


class MachineMissing(Exception):
    """The machine is not in use in the organisation any more."""


class MachineUncovered(Exception):
    """The machine became one that the guard does not cover; the text says why (MAC-01, MAC-05)."""


class SegmentMissing(Exception):
    """No live segment of the organisation holds the address any more."""


class LocalNotAccepted(Exception):
    """Operations do not accept this locally administered address (any more)."""


def write_line(
    *, line: ApplicationLine, payload: WhitelistLine, segment_id: int | None, now: datetime
) -> WhitelistEntry:
    """Write one approved line; safe to repeat for the same line.

    Raises AddressTaken, EntryMissing, MachineMissing, MachineUncovered, SegmentMissing and LocalNotAccepted; then nothing
    was changed.
    """
    try:
        with transaction.atomic():
            if payload.action == Action.REMOVE:
                return _remove(line, payload, now)
            return _enter(line, payload, segment_id, now)
    except IntegrityError as error:
        raise AddressTaken(_taken_field(payload)) from error


def live_with(*, mac: str, ip: str) -> set[str]:
    """The MAC addresses of the live entries that hold one of these addresses."""
    rows = WhitelistEntry.system.filter(Q(mac=mac) | Q(ip=ip), state=State.APPROVED)
    return set(rows.values_list("mac", flat=True))


def expire_entries(now: datetime) -> int:
    """End every entry whose last day has passed; how many (MAC-06). Each batch is its own transaction."""
    count = 0
    due = WhitelistEntry.system.filter(state=State.APPROVED, valid_until__lt=today(now)).order_by("pk")
    while ids := list(due.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            rows = WhitelistEntry.system.select_for_update(no_key=True, of=("self",))
            held = list(
                rows.filter(pk__in=ids, state=State.APPROVED)
                .select_related("computer", "last_line__application")
                .order_by("pk")
            )
            for entry in held:
                _end(entry, EndReason.EXPIRED, now, application_number="")
        count += len(held)
    return count


def record_exported(*, entry_ids: Collection[int], now: datetime) -> int:
    """An export held these entries; those whose first export it was are marked (MAC-07). How many."""
    rows = WhitelistEntry.system.filter(pk__in=entry_ids, exported_at=None)
    return _mark(rows, "exported_at", Verb.EXPORTED, now)


def record_verified(*, entry_ids: Collection[int], now: datetime) -> int:
    """The guard was seen to obey these entries (MAC-07). How many were not verified before."""
    rows = WhitelistEntry.system.filter(pk__in=entry_ids, verified_at=None)
    return _mark(rows, "verified_at", Verb.VERIFIED, now)


def record_removal_exported(*, entry_ids: Collection[int], now: datetime) -> int:
    """An export without these ended entries went out. How many were not marked before."""
    rows = WhitelistEntry.system.filter(pk__in=entry_ids, state=State.ENDED, removal_exported_at=None)
    return _mark(rows, "removal_exported_at", None, now)


def record_removal_verified(*, entry_ids: Collection[int], now: datetime) -> int:
    """The guard was seen to cut off these ended entries. How many were not marked before."""
    rows = WhitelistEntry.system.filter(pk__in=entry_ids, state=State.ENDED, removal_verified_at=None)
    return _mark(rows, "removal_verified_at", Verb.REMOVAL_VERIFIED, now)


def record_reminded(*, days_of: Mapping[int, int]) -> None:
    """Which reminder of its end was sent last for these entries, by their primary key. No event: nothing was done to them."""
    for days in set(days_of.values()):
        ids = [pk for pk, reached in days_of.items() if reached == days]
        WhitelistEntry.system.filter(pk__in=ids).update(reminded_days=days)


def entry_search_text(entry: WhitelistEntry) -> str:
    """The folded text that searches look into: the address in three spellings, the machine, the maker."""
    bare, computer = entry.mac.replace(":", ""), entry.computer
    return search_key(
        entry.mac,
        entry.mac.replace(":", "-"),
        bare,
        entry.ip,
        computer.name,
        computer.department,
        computer.place,
        oui.vendor(entry.mac),
    )


def rebuild_search_texts() -> int:
    """Fold the search text of every entry anew; the number of entries."""
    count = 0
    rows = WhitelistEntry.system.select_related("computer").order_by("pk")
    for batch in batched(rows.iterator(chunk_size=_BATCH), _BATCH):
        for entry in batch:
            entry.search_text = entry_search_text(entry)
        count += WhitelistEntry.system.bulk_update(batch, ["search_text"])
    return count


def follow_machine(computer: Computer) -> None:
    """A machine got another name or place: its entries are found by it, and the guard's list names it so."""
    entries = list(WhitelistEntry.system.filter(computer=computer))
    for entry in entries:
        entry.computer = computer
        entry.search_text = entry_search_text(entry)
    WhitelistEntry.system.bulk_update(entries, ["search_text"])
    if any(entry.is_live for entry in entries):
        waking.entries_written()


# --- One line -----------------------------------------------------------------------------------------------------------
def _enter(
    line: ApplicationLine, payload: WhitelistLine, segment_id: int | None, now: datetime
) -> WhitelistEntry:
    entered: WhitelistEntry | None = WhitelistEntry.system.filter(line=line).first()
    if entered is not None:
        return entered
    computer, segment = _machine(line, payload, now), _segment(line, segment_id)
    replaced = _locked(line, payload.old_mac) if payload.action == Action.REPLACE else None
    entry = WhitelistEntry(
        organisation_id=line.organisation_id,
        computer=computer,
        mac=payload.mac,
        ip=payload.ip,
        segment=segment,
        local_reason=_local_reason(line, payload.mac),
        valid_until=payload.last_day,
        approved_at=now,
        approved_by=_accepted_by(line),
        line=line,
        last_line=line,
    )
    entry.search_text = entry_search_text(entry)
    if replaced is not None:
        _end(replaced, EndReason.REPLACED, now, line=line)
    entry.save()
    if replaced is not None:
        replaced.replaced_by = entry
        replaced.save(update_fields=["replaced_by", "updated_at"])
    waking.entries_written()
    _note([entry], Verb.PERMITTED, now, actor=entry.approved_by, application_number=line.application.number)
    return entry


def _remove(line: ApplicationLine, payload: WhitelistLine, now: datetime) -> WhitelistEntry:
    done: WhitelistEntry | None = WhitelistEntry.system.filter(last_line=line, state=State.ENDED).first()
    if done is not None:
        return done
    entry = _locked(line, payload.mac)
    _end(entry, EndReason.REMOVED, now, line=line)
    return entry


def _machine(line: ApplicationLine, payload: WhitelistLine, now: datetime) -> Computer:
    rows = Computer.system.filter(
        organisation_id=line.organisation_id, name=payload.computer, state=Computer.State.IN_USE
    )
    rows = rows.select_related("kind", "operating_system", "business_system", "segment")
    computer: Computer | None = rows.select_for_update(no_key=True, of=("self",)).first()
    if computer is None:
        raise MachineMissing(payload.computer)
    if reason := uncovered_reason(computer, today(now)):
        raise MachineUncovered(reason)
    return computer


def _segment(line: ApplicationLine, segment_id: int | None) -> Segment:
    own = Segment.system.filter(organisation_id=line.organisation_id)
    segment: Segment | None = None if segment_id is None else own.filter(pk=segment_id).first()
    if segment is None:
        raise SegmentMissing(segment_id)
    return segment


def _locked(line: ApplicationLine, mac: str) -> WhitelistEntry:
    rows = WhitelistEntry.system.select_for_update(no_key=True, of=("self",)).select_related("computer")
    entry: WhitelistEntry | None = rows.filter(
        organisation_id=line.organisation_id, mac=mac, state=State.APPROVED
    ).first()
    if entry is None:
        raise EntryMissing(mac)
    return entry


def _local_reason(line: ApplicationLine, mac: str) -> str:
    if not is_local(mac):
        return ""
    accepted: LocalAddress | None = LocalAddress.system.filter(
        organisation_id=line.organisation_id, mac=mac, ended_at=None
    ).first()
    if accepted is None:
        raise LocalNotAccepted(shown_mac(mac))
    return accepted.reason


def _accepted_by(line: ApplicationLine) -> User | None:
    """Who decided the last stage."""
    application = line.application
    stages = application.stages.filter(revision=application.revision, status=StageStatus.APPROVED)
    last = stages.select_related("decided_by").order_by("position").last()
    return last.decided_by if last else None


def _end(
    entry: WhitelistEntry,
    reason: EndReason,
    now: datetime,
    *,
    line: ApplicationLine | None = None,
    application_number: str = "",
) -> None:
    """End a live entry whose row the caller holds."""
    entry.state, entry.end_reason, entry.ended_at = State.ENDED, reason, now
    if line is not None:
        entry.last_line, application_number = line, line.application.number
    entry.save(update_fields=["state", "end_reason", "ended_at", "last_line", "updated_at"])
    waking.entries_ended([entry.pk], now)
    actor = _accepted_by(line) if line is not None else None
    _note([entry], _VERB_OF[reason], now, actor=actor, application_number=application_number)


def _taken_field(payload: WhitelistLine) -> str:
    """Which address somebody else took; both can have been taken, then the MAC address is told."""
    live = WhitelistEntry.system.filter(state=State.APPROVED)
    return "mac" if live.filter(Q(mac=payload.mac) & ~Q(mac=payload.ends)).exists() else "ip"


def _mark(rows: object, field: str, verb: Verb | None, now: datetime) -> int:
    count = 0
    with transaction.atomic():
        held = rows.select_for_update(no_key=True, of=("self",)).select_related("computer").order_by("pk")  # type: ignore[attr-defined]
        for batch in batched(held.iterator(chunk_size=_BATCH), _BATCH):
            ids = [entry.pk for entry in batch]
            count += WhitelistEntry.system.filter(pk__in=ids).update(**{field: now, "updated_at": now})
            if verb is not None:
                _note(batch, verb, now)
    return count


def _note(
    entries: Iterable[WhitelistEntry],
    verb: str,
    now: datetime,
    *,
    actor: User | None = None,
    application_number: str = "",
) -> None:
    WhitelistEvent.system.bulk_create(
        WhitelistEvent(
            entry=entry,
            organisation_id=entry.organisation_id,
            at=now,
            verb=verb,
            mac=entry.mac,
            ip=entry.ip,
            computer_name=entry.computer.name,
            actor=actor,
            actor_name=actor.display_name if actor else "",
            application_number=application_number,
            note=entry.local_reason if verb == Verb.PERMITTED else "",
        )
        for entry in entries
    )
