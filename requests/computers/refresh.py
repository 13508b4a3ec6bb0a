"""Reading AD into the register of computer objects: each night, and on the page of one object (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.common.search import batched
from portal.gateways import directory_factory
from portal.gateways.directory import Directory, DirectoryError
from portal.gateways.directory_computers import ComputerObject as Found
from portal.orgs.models import Organisation
from requests.computers import register
from requests.computers.models import ComputerObject, ComputerObjectEvent
from requests.computers.places import DELETED, owner_code, path_of
from requests.computers.register import READ_FIELDS, Verb

_BATCH = 1000
_State = ComputerObject.State
# What counts as a change by somebody else; the rest is the machine's own doing.
_TOLD: Mapping[str, str] = {
    "name": gettext_noop("Computer name"),
    "distinguished_name": gettext_noop("Container"),
    "description": gettext_noop("Description"),
    "state": gettext_noop("State"),
}


@dataclass
class Difference:
    """What one reading changes in the register."""

    new: list[ComputerObject] = field(default_factory=list)
    seen: list[ComputerObject] = field(default_factory=list)
    changed: list[tuple[ComputerObject, list[dict[str, Any]]]] = field(default_factory=list)


def refresh_all(*, now: datetime) -> str:
    """Read every computer object of the country; the number, or why AD could not be read. A broken reading removes nothing."""
    directory = directory_factory.get_directory()
    owners = {each.ou_name.casefold(): each for each in Organisation.objects.all()}
    rows = {row.object_guid: row for row in ComputerObject.system.select_related("organisation")}
    there: set[UUID] = set()
    difference = Difference()
    try:
        for found, organisation in _read(directory, owners):
            there.add(found.guid)
            _compare(found, organisation, rows.get(found.guid), difference, now)
    except DirectoryError as error:
        return _("Active Directory could not be read to the end: %(code)s") % {"code": error.code or "error"}
    # What is gone goes first: its name may stand at another object now.
    for guid, row in rows.items():
        if guid not in there and row.state != _State.REMOVED:
            _note_gone(row, now)
    _write(difference, now)
    return f"{len(there)}"


def _read(directory: Directory, owners: Mapping[str, Organisation]) -> Iterator[tuple[Found, Organisation]]:
    for page in directory.scan_computers(str(settings.DIRECTORY["root_ou"])):
        for found in page:
            organisation = owners.get(owner_code(found.dn))
            if organisation is not None:
                yield found, organisation


def _compare(
    found: Found,
    organisation: Organisation,
    row: ComputerObject | None,
    difference: Difference,
    now: datetime,
) -> None:
    if row is None:
        values = register.values_of(found, now)
        difference.new.append(ComputerObject(object_guid=found.guid, organisation=organisation, **values))
        return
    values = register.values_of(found, now)
    if row.state == _State.DELETED and _waits(found, organisation):
        values["state"] = _State.DELETED
    changes = [
        {
            "label": label,
            "before": [_word(name, row, getattr(row, name))],
            "after": [_word(name, row, values[name])],
        }
        for name, label in _TOLD.items()
        if getattr(row, name) != values[name]
    ]
    for name, value in values.items():
        setattr(row, name, value)
    row.organisation = organisation
    if changes:
        if row.state != _State.DELETED:
            register.end_waiting(row)
        difference.changed.append((row, changes))
    else:
        difference.seen.append(row)


def _waits(found: Found, organisation: Organisation) -> bool:
    """Whether AD still has it as a deleted one."""
    return not found.enabled and path_of(found.container_dn, organisation) == DELETED


def _word(name: str, row: ComputerObject, value: str) -> str:
    if name == "state":
        return str(_State(value).label)
    return (
        path_of(value.partition(",")[2], row.organisation) or value if name == "distinguished_name" else value
    )


def _write(difference: Difference, now: datetime) -> None:
    """Many at once where nothing happened, one by one where the history is told. What fulfilment wrote meanwhile stays."""
    for row, changes in difference.changed:
        _note_changed(row, changes, now)
    for batch in batched(difference.seen, _BATCH):
        fresh = _untouched(batch, now)
        ComputerObject.system.bulk_update(fresh, [name for name in READ_FIELDS if name != "state"])
    for batch in batched(difference.new, _BATCH):
        # A row that a worker made meanwhile, or a name that a worker entered: the next reading looks again.
        made = ComputerObject.system.bulk_create(batch, ignore_conflicts=True)
        known = set(
            ComputerObject.system.filter(
                object_guid__in=[row.object_guid for row in made], verified_at=now
            ).values_list("object_guid", flat=True)
        )
        _tell_found([row.object_guid for row in made if row.object_guid in known], now)


def _untouched(rows: list[ComputerObject], now: datetime) -> list[ComputerObject]:
    newer = ComputerObject.system.filter(pk__in=[row.pk for row in rows], verified_at__gt=now)
    written = set(newer.values_list("pk", flat=True))
    return [row for row in rows if row.pk not in written]


def _tell_found(guids: list[UUID], now: datetime) -> None:
    rows = ComputerObject.system.filter(object_guid__in=guids).only("pk", "organisation_id")
    ComputerObjectEvent.system.bulk_create(
        ComputerObjectEvent(computer_object=row, organisation_id=row.organisation_id, at=now, verb=Verb.FOUND)
        for row in rows
    )


def _note_changed(row: ComputerObject, changes: list[dict[str, Any]], now: datetime) -> None:
    try:
        with transaction.atomic():
            current = ComputerObject.system.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
            if current.verified_at > now or current.removal_began_at is not None:
                return  # fulfilment is at it, or was since
            row.save()
            register.record(row, Verb.CHANGED, now, changes=changes)
    except IntegrityError:
        return  # two names changed places: the next reading sees them apart


@transaction.atomic
def _note_gone(row: ComputerObject, now: datetime) -> None:
    current = ComputerObject.system.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if current.verified_at <= now and current.removal_began_at is None:
        register.note_removed(object_guid=row.object_guid, now=now, line=None, by_hand=True)
