"""Writing the register of computer objects: only what was read back from AD. Every change is history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from portal.common.text import search_key
from portal.gateways.directory_computers import ComputerObject as Found
from portal.workflow.models import ApplicationLine
from requests.computers.models import ComputerObject, ComputerObjectEvent

Verb = ComputerObjectEvent.Verb
_State = ComputerObject.State
# What is read from AD each time; the rest of a row says what is to happen to the object.
READ_FIELDS = (
    "name",
    "distinguished_name",
    "description",
    "operating_system",
    "last_logon_at",
    "made_by_portal",
    "state",
    "verified_at",
    "search_text",
)


def values_of(found: Found, now: datetime) -> dict[str, Any]:
    """The columns that come from AD, by name; the state as AD alone says it."""
    return {
        "name": found.name.upper()[:64],
        "distinguished_name": found.dn[:1000],
        "description": found.description[:1024],
        "operating_system": found.operating_system[:64],
        "last_logon_at": found.last_logon,
        "made_by_portal": bool(found.marker),
        "state": _State.ENABLED if found.enabled else _State.DISABLED,
        "verified_at": now,
        "search_text": search_key(found.name, found.description, found.operating_system),
    }


@transaction.atomic
def note_made(*, line: ApplicationLine, found: Found, now: datetime) -> ComputerObject:
    """Enter an object that a line made, as it was read back. Safe to repeat."""
    row = _row(found, line.organisation_id, now)
    again = row.last_line_id == line.pk
    row.last_line = line
    row.save()
    if not again:
        record(row, Verb.MADE, now, line=line)
    return row


@transaction.atomic
def note_deleted(
    *, line: ApplicationLine, found: Found, before: Mapping[str, Any], remove_on: date, now: datetime
) -> ComputerObject:
    """Enter a removal as it was read back: it can be restored until `remove_on`. Safe to repeat."""
    row = _row(found, line.organisation_id, now)
    again = row.last_line_id == line.pk and row.remove_on is not None
    if not again:  # a repetition does not start the days anew
        row.deleted_at, row.remove_on = now, remove_on
    row.before_deletion, row.state, row.last_line = dict(before), _State.DELETED, line
    row.save()
    if not again:
        record(row, Verb.DELETED, now, line=line)
    return row


@transaction.atomic
def note_restored(*, line: ApplicationLine, found: Found, now: datetime) -> ComputerObject:
    """Enter a restoration as it was read back. Safe to repeat."""
    row = _row(found, line.organisation_id, now)
    again = row.last_line_id == line.pk
    row.last_line = line
    end_waiting(row)
    row.save()
    if not again:
        record(row, Verb.RESTORED, now, line=line)
    return row


@transaction.atomic
def note_removed(
    *, object_guid: UUID, now: datetime, line: ApplicationLine | None, by_hand: bool = False
) -> None:
    """Enter that AD does not have the object any more. Safe to repeat; an object that the register does not hold stays unknown."""
    row = _locked(object_guid)
    if row is None or row.state == _State.REMOVED:
        return
    row.state, row.verified_at = _State.REMOVED, now
    if line is not None:
        row.last_line = line
    row.save(update_fields=["state", "verified_at", "last_line", "updated_at"])
    record(row, Verb.GONE if by_hand else Verb.REMOVED, now, line=line)


def end_waiting(row: ComputerObject) -> None:
    """The object does not wait for its removal any more; the caller saves."""
    row.deleted_at = row.remove_on = row.removal_began_at = None
    row.before_deletion = {}


def record(
    row: ComputerObject,
    verb: str,
    now: datetime,
    *,
    line: ApplicationLine | None = None,
    changes: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """One entry of the history; of a line with what its plan changes."""
    planned: Mapping[str, Any] = (line.plan if line else None) or {}
    ComputerObjectEvent.system.create(
        computer_object=row,
        organisation_id=row.organisation_id,
        at=now,
        verb=verb,
        application_number=line.application.number if line else "",
        changes=[
            {"label": change["label"], "before": list(change["before"]), "after": list(change["after"])}
            for change in (planned.get("changes", ()) if changes is None else changes)
        ],
    )


def _row(found: Found, organisation_id: int, now: datetime) -> ComputerObject:
    """The row of an object as AD holds it, under its lock, not saved yet."""
    row = _locked(found.guid) or ComputerObject(object_guid=found.guid)
    values = values_of(found, now)
    # AD holds a name once: a row of another object with it is of one that is gone.
    others = ComputerObject.system.filter(name=values["name"]).exclude(state=_State.REMOVED)
    for other in others.exclude(object_guid=found.guid):
        note_removed(object_guid=other.object_guid, now=now, line=None, by_hand=True)
    row.organisation_id = organisation_id
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _locked(guid: UUID) -> ComputerObject | None:
    rows = ComputerObject.system.select_for_update(no_key=True, of=("self",))
    row: ComputerObject | None = rows.filter(object_guid=guid).first()
    return row
