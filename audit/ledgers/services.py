"""Entering, changing and cancelling works. Each change keeps the whole entry as it was left (AUD-03, AUD-05, SEC-02)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.ledgers import numbering
from audit.ledgers.models import Ledger, WorkChange, WorkEntry, Worker
from audit.ledgers.types import KnownTypes
from portal.common.text import search_key
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, WRITE_CENTRAL_LEDGER, WRITE_FEDERATION_LEDGER
from portal.trail import services as trail
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

Verb = WorkChange.Verb
LONGEST = dt.timedelta(days=31)  # a longer one would explain every access of a whole month
MOST_NAMES = 50


@dataclass(frozen=True, kw_only=True)
class WorkValues:
    """What an entry says. Names are corrected and checked for length by the form or the serializer that they came by."""

    work_type: str
    worker: str
    planned_from: datetime
    planned_until: datetime
    actual_from: datetime | None = None
    actual_until: datetime | None = None
    persons: Sequence[str]
    accounts: Sequence[str]
    hosts: Sequence[str]
    objects_touched: Sequence[str] = ()
    application_number: str = ""
    medium_serial: str = ""
    text: str
    expected_rows: int | None = None
    expected_files: int | None = None
    approved_by_name: str = ""


CONTENT = tuple(field.name for field in fields(WorkValues))


def may_write(actor: User, ledger: str, organisation_id: int | None = None) -> bool:
    """Whether the person keeps this ledger: 中央会 its own for every federation, a federation its own (AUD-05)."""
    if ledger == Ledger.CENTRAL:
        return actor.may(WRITE_CENTRAL_LEDGER)
    return actor.may(WRITE_FEDERATION_LEDGER, organisation_id)


def enter(
    *,
    ledger: str,
    organisation: Organisation,
    values: WorkValues,
    work_number: str = "",
    imported: bool = False,
    known: KnownTypes | None = None,
    actor: User,
    now: datetime,
) -> WorkEntry:
    """Enter a work; without a number one is proposed. `known` spares the rows of a file a statement each.

    Raises NotAllowed, Refused.
    """
    _require_keeper(actor, ledger, organisation)
    if organisation.kind not in FEDERATIONS:
        raise Refused("organisation", _("Choose a federation: works are done on its systems."))
    check(values, known or KnownTypes(), now)
    number = work_number or numbering.propose(ledger, organisation, values.planned_from)
    entry = WorkEntry(ledger=ledger, organisation=organisation, work_number=number)
    _take(entry, values)
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
            _keep(entry, Verb.IMPORTED if imported else Verb.ENTERED, "", actor, now)
    except IntegrityError as error:
        if "workentry_once" not in str(error):
            raise
        text = _("This number is taken in this ledger. Leave it empty to have one proposed.")
        raise Refused("work_number", text) from error
    return entry


@transaction.atomic
def change(
    *, entry_id: int, version: int, values: WorkValues, reason: str, actor: User, now: datetime
) -> WorkEntry:
    """Change an entry; number and federation stay. Raises NotAllowed, Refused, ChangedMeanwhile."""
    entry = _locked(entry_id, version, actor)
    check(values, KnownTypes(), now, before=entry)
    if not reason.strip():
        raise Refused("reason", _("Say why the entry is changed."))
    before = snapshot(entry)
    _take(entry, values)
    if snapshot(entry) == before:
        raise Refused("", _("Nothing is different from what the ledger holds."))
    entry.version += 1
    entry.save()
    _keep(entry, Verb.CHANGED, reason.strip(), actor, now)
    return entry


@transaction.atomic
def cancel(*, entry_id: int, version: int, reason: str, actor: User, now: datetime) -> WorkEntry:
    """The work does not take place. Logs of it are found by the reconciliation (L_CANCELLED).

    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    entry = _locked(entry_id, version, actor)
    if not reason.strip():
        raise Refused("reason", _("Say why the work is cancelled."))
    entry.cancelled, entry.cancel_reason = True, reason.strip()
    entry.version += 1
    entry.save(update_fields=["cancelled", "cancel_reason", "version", "updated_at"])
    _keep(entry, Verb.CANCELLED, reason.strip(), actor, now)
    return entry


def check(values: WorkValues, known: KnownTypes, now: datetime, before: WorkEntry | None = None) -> None:
    """Raise Refused for what cannot be, whichever way it came. `before`: what the entry said so far."""
    if values.work_type not in dict(known.offered(today(values.planned_from))):
        kept = before is not None and before.work_type == values.work_type
        if not kept:
            raise Refused("work_type", _("This type of work is not offered."))
    if values.worker not in Worker.values:
        raise Refused("worker", _("Choose who does the work."))
    _check_times(values, now)
    for name in ("persons", "accounts", "hosts"):
        if not getattr(values, name):
            raise Refused(name, _("Name at least one: without it no log can be matched."))
    for name in ("persons", "accounts", "hosts", "objects_touched"):
        if len(getattr(values, name)) > MOST_NAMES:
            raise Refused(name, _("Name at most %(most)d.") % {"most": MOST_NAMES})
    if not values.text.strip():
        raise Refused("text", _("Say what is done."))


def _check_times(values: WorkValues, now: datetime) -> None:
    if values.planned_until <= values.planned_from:
        raise Refused("planned_until", _("The end lies before the beginning."))
    if values.planned_until - values.planned_from > LONGEST:
        raise Refused(
            "planned_until", _("A work lasts at most 31 days. Enter each part of a longer one by itself.")
        )
    begun, ended = values.actual_from, values.actual_until
    if (begun is None) != (ended is None):
        missing = "actual_until" if ended is None else "actual_from"
        raise Refused(missing, _("Enter both, or neither while it is not done."))
    if begun is None or ended is None:
        return
    if ended < begun:
        raise Refused("actual_until", _("The end lies before the beginning."))
    if ended - begun > LONGEST:
        raise Refused(
            "actual_until", _("A work lasts at most 31 days. Enter each part of a longer one by itself.")
        )
    if ended > now:
        raise Refused("actual_until", _("This lies in the future. Enter it when the work is done."))


def snapshot(entry: WorkEntry) -> dict[str, Any]:
    """What the entry says, as JSON: kept with every change."""
    found = {name: getattr(entry, name) for name in (*CONTENT, "cancelled", "cancel_reason")}
    for name, value in found.items():
        if isinstance(value, datetime):
            found[name] = value.astimezone(dt.UTC).isoformat()
    return found


def _take(entry: WorkEntry, values: WorkValues) -> None:
    for name in CONTENT:
        value = getattr(values, name)
        setattr(entry, name, list(value) if isinstance(value, list | tuple) else value)
    entry.search_text = search_key(
        entry.work_number,
        entry.application_number,
        entry.organisation.name,
        *entry.persons,
        *entry.accounts,
        *entry.hosts,
        *entry.objects_touched,
        entry.medium_serial,
        entry.text,
    )


def _locked(entry_id: int, version: int, actor: User) -> WorkEntry:
    rows = WorkEntry.system.select_for_update(of=("self",)).select_related("organisation")
    entry: WorkEntry = rows.get(pk=entry_id)
    _require_keeper(actor, entry.ledger, entry.organisation)
    if entry.version != version:
        raise ChangedMeanwhile("", _("Somebody else changed this entry meanwhile. Look again."))
    if entry.cancelled:
        raise Refused("", _("This work is cancelled. Enter a new one."))
    return entry


def _require_keeper(actor: User, ledger: str, organisation: Organisation) -> None:
    if not may_write(actor, ledger, organisation.pk):
        raise NotAllowed(_("Only its keeper writes in this ledger."))


def _keep(entry: WorkEntry, verb: str, reason: str, actor: User, now: datetime) -> None:
    WorkChange.objects.create(
        entry=entry,
        at=now,
        actor=actor,
        actor_name=actor.display_name,
        verb=verb,
        values=snapshot(entry),
        reason=reason,
    )
    trail.record(
        action=f"work.{verb.lower()}",
        now=now,
        actor=actor,
        object_type="work",
        object_id=entry.pk,
        object_label=entry.work_number,
        object_organisation_id=entry.organisation_id,
        detail={"ledger": entry.ledger, "version": entry.version, "reason": reason},
    )
