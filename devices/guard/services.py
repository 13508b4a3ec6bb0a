"""What people of operations have the publisher do, and what they let go."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.guard import selectors, waking
from devices.guard.models import GuardState
from devices.guard.modes import NotAllowed
from portal.jobs import services as jobs
from portal.jobs.errors import AlreadyOpen
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

JOB = "publish_whitelist"


class ReleaseRefused(Exception):
    """The list cannot be let go; the text is a sentence."""


def request_publication(*, actor: User, now: datetime) -> None:
    """Have every guard given the list and asked, by the job of that name. Raises NotAllowed.

    While it runs already, nothing more is to be asked for.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations publish")
    try:
        jobs.request_run(job_name=JOB, actor=actor, now=now)
    except AlreadyOpen:
        return


@transaction.atomic
def release(*, guard: str, seen: str, reason: str, actor: User, now: datetime) -> None:
    """Let a list go although it lost most of its entries: from now on it is what later ones are measured against (MAC-07).

    `seen` is the loss that the person was shown (Loss.seen). Raises NotAllowed and ReleaseRefused.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations let a list go")
    if not reason.strip():
        raise ReleaseRefused(_("Enter the reason."))
    state = GuardState.objects.select_for_update().filter(name=guard).first()
    held = selectors.held(state) if state else None
    if state is None or held is None or held.loss.seen != seen:
        raise ReleaseRefused(_("The list is another one meanwhile. Look at what it loses now."))
    state.baseline = held.counts
    state.save(update_fields=["baseline"])
    trail.record(
        action="guard.release",
        now=now,
        actor=actor,
        object_type="guard",
        object_label=guard,
        detail={"before": held.loss.before, "after": held.loss.after, "reason": reason.strip()},
    )
    waking.ring()
