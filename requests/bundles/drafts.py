"""Drafts of bundles: what somebody writes before anything is applied for (REQ-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS
from portal.workflow.drafts import require_may_apply
from portal.workflow.errors import ContentChanged, NotAllowed
from portal.workflow.numbers import next_number
from requests.bundles.linking import note
from requests.bundles.models import Action, Bundle, BundleEvent, BundleMachine
from requests.bundles.records import finish, lock, record_action, require_draft

PREFIX = "PC"
_Verb = BundleEvent.Verb


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wrote: the header, and the rows as the form of a row gave them."""

    reason: str = ""
    desired_on: date | None = None
    rows: Sequence[Mapping[str, Any]] = ()


@transaction.atomic
def create(*, action: str, organisation_id: int, actor: User, draft: Draft, now: datetime) -> Bundle:
    """A new draft. Raises NotAllowed when the person may not apply there or the organisation has no machines here (ORG-06)."""
    require_may_apply(actor, organisation_id, now)
    organisation = Organisation.objects.get(pk=organisation_id)
    if organisation.kind not in FEDERATIONS:
        raise NotAllowed(_("Machines are registered for federations only."))
    bundle = Bundle.system.create(
        number=next_number(PREFIX, now),
        organisation=organisation,
        applicant=actor,
        action=Action(action).value,
    )
    _keep(bundle, draft)
    note(bundle, _Verb.CREATED, now=now, actor=actor)
    record_action(bundle, "create", actor, now)
    return bundle


@transaction.atomic
def save(*, bundle_id: int, actor: User, draft: Draft, version: int | None, now: datetime) -> Bundle:
    """Keep what was written so far. Raises ContentChanged, NotAllowed, BundleRefused."""
    bundle = lock(bundle_id)
    require_draft(bundle, actor, now)
    if version is not None and version != bundle.version:
        raise ContentChanged
    bundle.version += 1
    _keep(bundle, draft)
    record_action(bundle, "save", actor, now)
    return bundle


@transaction.atomic
def discard(*, bundle_id: int, actor: User, now: datetime) -> None:
    """A draft that nobody wants is called off: it was never submitted. Raises NotAllowed, BundleRefused."""
    bundle = lock(bundle_id)
    require_draft(bundle, actor, now)
    finish(bundle, Bundle.State.CALLED_OFF, now, _Verb.CALLED_OFF, actor=actor)


def _keep(bundle: Bundle, draft: Draft) -> None:
    bundle.machines.all().delete()
    rows = [
        BundleMachine(
            bundle=bundle,
            organisation_id=bundle.organisation_id,
            position=position,
            name=str(row.get("name") or "")[:64],
            old_name=str(row.get("old_name") or "")[:64],
            values=dict(row),
        )
        for position, row in enumerate(draft.rows)
    ]
    BundleMachine.system.bulk_create(rows)
    bundle.reason, bundle.desired_on, bundle.machine_count = draft.reason, draft.desired_on, len(rows)
    names = [str(row) for row in rows if str(row)]
    bundle.subject = "、".join(names[:3])[:200]
    bundle.search_text = search_key(
        bundle.number,
        *names,
        *(str(row.values.get(name) or "") for row in rows for name in ("mac", "ip", "dns_name")),
        draft.reason,
        bundle.applicant.display_name,
        bundle.organisation.short_name,
        bundle.organisation.code,
    )
    bundle.save()


def most_machines() -> int:
    """How many machines fit into one bundle."""
    return int(settings.BUNDLES["max_machines"])
