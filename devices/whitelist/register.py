"""The one place where the whitelist is written: entries come, take another one's place, end, and are seen at the guard.

Every change is history. An entry that takes another one's place ends that one in the same transaction (MAC-06):
there is no moment with both and none with neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
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


class NotWritten(Exception):
    """Nothing was written; `line` is the line of the application that could not be."""

    line: ApplicationLine | None = None


class AddressTaken(NotWritten):
    """Another live entry has the MAC or the IP address meanwhile; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class EntryMissing(NotWritten):
    """There is no live entry of that address in the organisation any more."""


class MachineMissing(NotWritten):
    """The machine is not in use in the organisation any more."""


class MachineUncovered(NotWritten):
    """The machine became one that the guard does not cover; the text says why (MAC-01, MAC-05)."""


class SegmentMissing(NotWritten):
    """No live segment of the organisation holds the address any more."""


class LocalNotAccepted(NotWritten):
    """Operations do not accept this locally administered address (any more)."""


def write_line(
    *, line: ApplicationLine, payload: WhitelistLine, segment_id: int | None, now: datetime
) -> WhitelistEntry:
    """Write one approved line; safe to repeat for the same line.

    Raises AddressTaken, EntryMissing, MachineMissing, MachineUncovered, SegmentMissing and LocalNotAccepted; then nothing
    was changed.
    """
    return write_lines([Item(line=line, payload=payload, segment_id=segment_id)], now)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One approved line, and the segment that takes its address."""

    line: ApplicationLine
    payload: WhitelistLine
    segment_id: int | None = None


def write_lines(items: Sequence[Item], now: datetime) -> WhitelistEntry:
    """Write lines that free each other's addresses, all or none; the entry of the first.

    Every entry that ends is ended before one begins. Raises what `write_line` raises.
    """
    try:
        with transaction.atomic():
            ordered = sorted(items, key=lambda item: (item.payload.computer, item.line.pk))
            open_ = [item for item in ordered if written(item.line) is None]
            machines: dict[int, Computer | None] = {}
            ended: dict[int, WhitelistEntry | None] = {}
            for item in open_:
                with _for(item.line):
                    machines[item.line.pk] = _machine_of(item, now)
            for item in open_:
                with _for(item.line):
                    ended[item.line.pk] = _end_old(item, now)
            for item in open_:
                if (computer := machines[item.line.pk]) is not None:
                    with _for(item.line):
                        _enter(item, computer, ended[item.line.pk], now)
            done = written(items[0].line)
    except IntegrityError as error:
        raise _taken(items) from error
    if done is None:  # it was written a moment ago
        raise EntryMissing(items[0].payload.mac)
    return done


def written(line: ApplicationLine) -> WhitelistEntry | None:
    """What this line wrote or ended; None while it did not."""
    removed = Q(last_line=line, state=State.ENDED, end_reason=EndReason.REMOVED)
    entry: WhitelistEntry | None = WhitelistEntry.system.filter(Q(line=line) | removed).first()
    return entry


def live_with(*, macs: Collection[str], ips: Collection[str]) -> set[str]:
    """The MAC addresses of the live entries that hold one of these addresses."""
    rows = WhitelistEntry.system.filter(Q(mac__in=macs) | Q(ip__in=ips), state=State.APPROVED)
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
@contextmanager
def _for(line: ApplicationLine) -> Iterator[None]:
    """An error within says whose line it is."""
    try:
        yield
    except NotWritten as error:
        error.line = line
        raise


def _machine_of(item: Item, now: datetime) -> Computer | None:
    """The machine that gets the entry, under its lock."""
    return None if item.payload.action == Action.REMOVE else _machine(item.line, item.payload, now)


def _end_old(item: Item, now: datetime) -> WhitelistEntry | None:
    """End the entry that the line removes or replaces."""
    if not item.payload.ends:
        return None
    entry = _locked(item.line, item.payload.ends)
    removed = item.payload.action == Action.REMOVE
    _end(entry, EndReason.REMOVED if removed else EndReason.REPLACED, now, line=item.line)
    return entry


def _enter(item: Item, computer: Computer, replaced: WhitelistEntry | None, now: datetime) -> None:
    line, payload = item.line, item.payload
    entry = WhitelistEntry(
        organisation_id=line.organisation_id,
        computer=computer,
        mac=payload.mac,
        ip=payload.ip,
        segment=_segment(line, item.segment_id, now),
        local_reason=_local_reason(line, payload.mac),
        valid_until=payload.last_day,
        approved_at=now,
        approved_by=_accepted_by(line),
        line=line,
        last_line=line,
    )
    entry.search_text = entry_search_text(entry)
    entry.save()
    if replaced is not None:
        replaced.replaced_by = entry
        replaced.save(update_fields=["replaced_by", "updated_at"])
    waking.entries_written()
    _note([entry], Verb.PERMITTED, now, actor=entry.approved_by, application_number=line.application.number)


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


def _segment(line: ApplicationLine, segment_id: int | None, now: datetime) -> Segment:
    """Held until the entry is written: who changes or ends the segment meanwhile waits, and takes the entry along."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM devices_segment WHERE id = %s FOR SHARE", [segment_id])
    own = Segment.system.filter(organisation_id=line.organisation_id)
    live = own.filter(Q(valid_until=None) | Q(valid_until__gte=today(now)))
    segment: Segment | None = None if segment_id is None else live.filter(pk=segment_id).first()
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


def _taken(items: Sequence[Item]) -> AddressTaken:
    """Which address of which line somebody else took; both can have been taken, then the MAC address is told."""
    live = WhitelistEntry.system.filter(state=State.APPROVED).exclude(mac__in=[i.payload.ends for i in items])
    for field in ("mac", "ip"):
        for item in items:
            value = getattr(item.payload, field)
            if item.payload.action != Action.REMOVE and live.filter(**{field: value}).exists():
                error = AddressTaken(field)
                error.line = item.line
                return error
    return AddressTaken("ip")


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
