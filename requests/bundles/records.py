"""What every step of a bundle does alike: lock it, ask who may, end it, leave a trace."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from portal.common.time import today
from portal.orgs.models import User
from portal.trail import services as trail
from portal.workflow import people
from portal.workflow.drafts import require_may_apply
from portal.workflow.errors import NotAllowed
from requests.bundles.linking import note
from requests.bundles.models import Bundle, BundleEvent

REASON_LENGTH = 500


class BundleRefused(Exception):
    """The bundle cannot do this now; the text says why and what to do."""


def require_actor(bundle: Bundle, actor: User, now: datetime) -> None:
    """The applicant acts on an open bundle; when they are gone, whoever may apply for the organisation.

    Raises NotAllowed, BundleRefused.
    """
    if bundle.state != Bundle.State.OPEN:
        raise BundleRefused(_("This is finished. Nothing can be changed any more."))
    if not may_act(bundle, actor, now):
        raise NotAllowed(_("Only the applicant can do this."))


def may_act(bundle: Bundle, actor: User, now: datetime) -> bool:
    """Whether the person is the applicant, or stands in because the applicant cannot act any more."""
    day, organisation = today(now), bundle.organisation_id
    if not people.may_apply(actor, organisation, day):
        return False
    return actor.pk == bundle.applicant_id or not people.may_apply(bundle.applicant, organisation, day)


def require_draft(bundle: Bundle, actor: User, now: datetime) -> None:
    if bundle.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant can do this."))
    require_may_apply(actor, bundle.organisation_id, now)
    if bundle.state != Bundle.State.DRAFT:
        raise BundleRefused(_("This was submitted already."))


def finish(
    bundle: Bundle,
    state: str,
    now: datetime,
    verb: BundleEvent.Verb,
    *,
    actor: User | None = None,
    text: str = "",
) -> None:
    bundle.state, bundle.finished_at = state, now
    bundle.save(update_fields=["state", "finished_at", "updated_at"])
    note(bundle, verb, now=now, actor=actor, text=text)
    record_action(bundle, verb.lower(), actor, now)


def lock(bundle_id: int) -> Bundle:
    rows = Bundle.system.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organisation", "applicant").get(pk=bundle_id)


def record_action(bundle: Bundle, action: str, actor: User | None, now: datetime) -> None:
    trail.record(
        action=f"bundle.{action}",
        now=now,
        actor=actor,
        object_type="bundle",
        object_id=bundle.pk,
        object_label=bundle.number,
        object_organisation_id=bundle.organisation_id,
    )
