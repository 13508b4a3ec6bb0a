"""What could not be opened with the rest, because one name in DNS changes once at a time, follows by itself (REQ-13)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from portal.common.time import today
from portal.workflow import people
from portal.workflow.errors import (
    ContentChanged,
    InvalidApplication,
    MoveNotAllowed,
    NobodyCanDecide,
    NotAllowed,
)
from portal.workflow.models import Application
from portal.workflow.submission import submit
from requests.bundles import states
from requests.bundles.composing import group_of
from requests.bundles.models import Bundle
from requests.bundles.records import BundleRefused
from requests.bundles.states import PartState, PartView
from requests.bundles.steps import apply_again

_REFUSALS = (InvalidApplication, NobodyCanDecide, NotAllowed, MoveNotAllowed, ContentChanged)


def follow(*, bundle_id: int, now: datetime) -> list[Application]:
    """Apply for what waited for another part of its name, in the name of the applicant, whose form asked for it.

    What is refused stays a draft that the applicant corrects; without the applicant it stays on the board. Asks targets: no lock
    may be held. Safe to repeat.
    """
    bundle = Bundle.system.select_related("applicant", "organisation").get(pk=bundle_id)
    actor = bundle.applicant
    if bundle.state != Bundle.State.OPEN or not people.may_apply(actor, bundle.organisation_id, today(now)):
        return []
    made = []
    for view in _ready(states.board(bundle).parts):
        try:
            made += apply_again(bundle_id=bundle.pk, part_ids=[view.part.pk], actor=actor, now=now)
        except BundleRefused:  # another worker was faster
            continue
        with suppress(*_REFUSALS):
            submit(application_id=made[-1].pk, actor=actor, version=None, now=now)
    return made


def _ready(parts: list[PartView]) -> Iterator[PartView]:
    """Of each name the next part that follows, when everything that was applied for under this name is finished."""
    groups: dict[tuple[str, str], list[PartView]] = {}
    for view in parts:
        groups.setdefault((view.part.kind, group_of(view.part)), []).append(view)
    for group in groups.values():
        waiting = [each for each in group if each.part.follows and each.state == PartState.NOT_APPLIED]
        others = [each for each in group if each.part.application_id is not None]
        if waiting and all(each.is_finished for each in others):
            yield waiting[0]
