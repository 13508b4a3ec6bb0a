"""On the board of an open bundle: leaving parts out, applying for them anew, calling off, and the end (REQ-13)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.orgs.models import User
from portal.workflow.content import Content, text_problem
from portal.workflow.drafts import create_draft
from portal.workflow.models import FINAL, Application, ApplicationLine
from requests.bundles import states
from requests.bundles.linking import note, wake_waiting
from requests.bundles.models import Bundle, BundleEvent, BundlePart
from requests.bundles.records import REASON_LENGTH, BundleRefused, finish, lock, record_action, require_actor
from requests.bundles.states import PartState

_Verb = BundleEvent.Verb


@transaction.atomic
def leave_out(
    *, bundle_id: int, part_ids: Collection[int], actor: User, reason: str, now: datetime
) -> Bundle:
    """Leave parts out with a reason: those that were refused, not done or not applied for yet.

    Raises NotAllowed, and BundleRefused for a part that is under way, and for what the bundle is about itself.
    """
    bundle = lock(bundle_id)
    require_actor(bundle, actor, now)
    reason = reason.strip()
    if not reason:
        raise BundleRefused(_("Write why it is left out."))
    if problem := text_problem(reason, REASON_LENGTH):
        raise BundleRefused(problem)
    views = _chosen(bundle, part_ids)
    if any(not view.may_apply_again for view in views):
        raise BundleRefused(_("Only a part that was refused, not done or not applied for can be left out."))
    if any(is_base(bundle, view.part) for view in views):
        raise BundleRefused(
            _("The register entry is what this is about. It cannot be left out: apply for it anew.")
        )
    for view in views:
        part = view.part
        part.left_out_reason, part.left_out_by, part.left_out_at = reason, actor, now
        part.save(update_fields=["left_out_reason", "left_out_by", "left_out_at"])
        note(bundle, _Verb.LEFT_OUT, now=now, actor=actor, text=f"{part.label}: {reason}")
    record_action(bundle, "leave_out", actor, now)
    _end_or_wake(bundle, now)
    return bundle


@transaction.atomic
def apply_again(
    *, bundle_id: int, part_ids: Collection[int], actor: User, now: datetime
) -> list[Application]:
    """New drafts for parts that were refused, not done or not applied for yet: one for each kind, to be corrected and submitted.

    Raises NotAllowed, BundleRefused.
    """
    bundle = lock(bundle_id)
    require_actor(bundle, actor, now)
    views = _chosen(bundle, part_ids)
    if any(not view.may_apply_again for view in views):
        raise BundleRefused(_("This part is under way already."))
    by_kind: dict[str, list[BundlePart]] = {}
    for view in views:
        by_kind.setdefault(view.part.kind, []).append(view.part)
    return [_draft_for(bundle, kind, parts, actor, now) for kind, parts in by_kind.items()]


def _draft_for(
    bundle: Bundle, kind: str, parts: Sequence[BundlePart], actor: User, now: datetime
) -> Application:
    lines: list[dict[str, Any]] = []
    at: dict[str, int] = {}
    for part in parts:
        if part.key not in at:
            at[part.key] = len(lines)
            lines.append(_last_written(part))
        part.position = at[part.key]
    draft = create_draft(
        kind=kind,
        organisation_id=bundle.organisation_id,
        actor=actor,
        content=Content(reason=bundle.reason, lines=tuple(lines)),
        now=now,
    )
    for part in parts:
        part.application = draft
        part.save(update_fields=["application", "position"])
    note(bundle, _Verb.APPLIED_AGAIN, now=now, actor=actor, text=draft.number)
    return draft


def _last_written(part: BundlePart) -> dict[str, Any]:
    """The line as it was corrected last, else as the bundle made it."""
    if part.application_id is None or part.position is None:
        return dict(part.line)
    line = ApplicationLine.system.filter(application=part.application_id, position=part.position).first()
    return dict(line.payload if line is not None else part.line)


@transaction.atomic
def call_off(*, bundle_id: int, actor: User, reason: str, now: datetime) -> Bundle:
    """End a bundle of which nothing was done: every application was refused or withdrawn.

    Raises NotAllowed, and BundleRefused as soon as anything was done or is under way: such a bundle ends only when all is done.
    """
    bundle = lock(bundle_id)
    require_actor(bundle, actor, now)
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise BundleRefused(_("Write why it is called off."))
    board = states.board(bundle)
    if any(view.state == PartState.DONE for view in board.parts):
        raise BundleRefused(
            _("Something was done already. The rest must be done too, or left out with a reason.")
        )
    if any(
        view.part.application is not None and view.part.application.status not in FINAL
        for view in board.parts
    ):
        raise BundleRefused(_("Withdraw the applications that are still open first."))
    finish(bundle, Bundle.State.CALLED_OFF, now, _Verb.CALLED_OFF, actor=actor, text=reason)
    return bundle


@transaction.atomic
def look(*, bundle_id: int, now: datetime) -> bool:
    """Let go on what may go on, and end the bundle when all is done; True when it ended. Safe to repeat."""
    bundle = lock(bundle_id)
    return bundle.state == Bundle.State.OPEN and _end_or_wake(bundle, now)


def _end_or_wake(bundle: Bundle, now: datetime) -> bool:
    if states.board(bundle).is_done:
        finish(bundle, Bundle.State.DONE, now, _Verb.DONE)
        return True
    wake_waiting(bundle, now)
    return False


def is_base(bundle: Bundle, part: BundlePart) -> bool:
    """Whether the bundle is about this part itself: the machine's entry in the register."""
    return part.column == "register"


def _chosen(bundle: Bundle, part_ids: Collection[int]) -> list[states.PartView]:
    views = [view for view in states.board(bundle).parts if view.part.pk in set(part_ids)]
    if not views:
        raise BundleRefused(_("Choose at least one part."))
    return views
