"""Recording what a federation changed itself, and proving that no record was changed since (REQ-14, SEC-02)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import RECORD_OWN_CHANGES
from portal.trail import services as trail
from portal.workflow.numbers import next_number
from requests.own_changes.layout import PREFIXES, in_words, item_key
from requests.own_changes.models import OwnChange

_KEPT = ("subject", "equipment", "item", "system_name", "before", "after", "differs", "reason", "changed_by")


class NotAllowed(Exception):
    """Only people of the organisation record what it changed."""


class RecordRefused(Exception):
    """The record says what cannot be; `field` and `reason` tell where and why. `row`: the number in a file, from 0."""

    def __init__(self, field: str, reason: str, row: int = 0) -> None:
        super().__init__(reason)
        self.field, self.reason, self.row = field, reason, row


def record(
    *,
    organisation: Organisation,
    values: Sequence[Mapping[str, Any]],
    actor: User,
    now: datetime,
    corrects: OwnChange | None = None,
) -> list[OwnChange]:
    """Record changes in their order, all or none.

    `before` left empty is taken from the newest record of the same port or policy; one that differs from it needs
    `differs`, so that nobody overlooks a change that was never recorded. Raises NotAllowed, RecordRefused.
    """
    if not actor.may(RECORD_OWN_CHANGES, organisation.pk):
        raise NotAllowed
    if corrects is not None and corrects.organisation_id != organisation.pk:
        raise NotAllowed
    with transaction.atomic():
        # One after the other in an organisation: each record holds the digest of the one before.
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        return [
            _record(organisation, dict(each), actor, now, corrects, row) for row, each in enumerate(values)
        ]


def _record(
    organisation: Organisation,
    values: dict[str, Any],
    actor: User,
    now: datetime,
    corrects: OwnChange | None,
    row: int,
) -> OwnChange:
    key = item_key(values["item"])
    rows = OwnChange.system.filter(organisation=organisation)
    last = rows.filter(subject=values["subject"], equipment=values["equipment"], item_key=key).first()
    _complete(values, last, row)
    newest = rows.order_by("-id").first()
    made = OwnChange(
        number=next_number(PREFIXES[values["subject"]], now),
        organisation=organisation,
        item_key=key,
        changed_at=values["changed_at"],
        recorded_at=now,
        recorded_by=actor,
        corrects=corrects,
        **{name: values[name] for name in _KEPT},
    )
    made.digest = digest_of(made, newest.digest if newest else "")
    made.search_text = search_key(
        made.number,
        made.equipment,
        made.item,
        made.system_name,
        made.changed_by,
        organisation.name,
        *made.before.values(),
        *made.after.values(),
    )
    made.save()
    trail.record(
        action="own_change.record",
        now=now,
        actor=actor,
        object_type="own_change",
        object_id=made.pk,
        object_label=made.number,
        object_organisation=organisation,
        detail={"digest": made.digest},
    )
    return made


def _complete(values: dict[str, Any], last: OwnChange | None, row: int) -> None:
    known = last.after if last is not None else {}
    if not any(values["before"].values()):
        values["before"] = dict(known)
    elif last is not None and values["before"] != known and not values["differs"]:
        text = _("The record before (%(number)s) left this: %(found)s. Correct it, or tick that it differs.")
        found = in_words(values["subject"], known) or _("not set up")
        raise RecordRefused("differs", text % {"number": last.number, "found": found}, row)
    values["differs"] = bool(last is not None and values["before"] != known)
    if values["before"] == values["after"]:
        raise RecordRefused("after", _("Before and after are the same. Enter what changed."), row)


def digest_of(change: OwnChange, before: str) -> str:
    """SHA-256 over everything that a record says and the digest of the record before it."""
    said = {name: getattr(change, name) for name in _KEPT}
    said |= {
        "number": change.number,
        "organisation": change.organisation_id,
        "changed_at": change.changed_at.timestamp(),
        "recorded_at": change.recorded_at.timestamp(),
        "recorded_by": change.recorded_by_id,
        "corrects": change.corrects_id,
        "before_it": before,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def first_broken(organisation: Organisation) -> OwnChange | None:
    """The first record of an organisation that is not as it was recorded; None when all are.

    That a record at the very end is missing tells the sealed trail, which holds every digest.
    """
    before = ""
    for change in OwnChange.system.filter(organisation=organisation).order_by("id").iterator(chunk_size=500):
        if change.digest != digest_of(change, before):
            return change
        before = change.digest
    return None
