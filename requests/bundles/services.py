"""Everything that changes a bundle: drafts, submission, leaving out, applying anew, calling off, and the end (REQ-13).

All functions take keywords only, with the `actor` and the moment `now`, are one transaction each and lock the bundle first.
Errors are those of portal.workflow.errors and BundleRefused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS
from portal.trail import services as trail
from portal.workflow import people, together
from portal.workflow.content import Content, Errors, missing_reason, text_problem
from portal.workflow.drafts import create_draft, require_may_apply
from portal.workflow.errors import ContentChanged, NobodyCanDecide, NotAllowed
from portal.workflow.models import FINAL, Application, ApplicationLine
from portal.workflow.numbers import next_number
from portal.workflow.plans import Plan
from requests.bundles import states
from requests.bundles.composing import Composer, Part, group_of
from requests.bundles.linking import machines_of, note, wake_waiting
from requests.bundles.models import Action, Bundle, BundleEvent, BundleMachine, BundlePart
from requests.bundles.states import PartState

PREFIX = "PC"
REASON_LENGTH = 500
_Verb = BundleEvent.Verb


class BundleRefused(Exception):
    """The bundle cannot do this now; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wrote: the header, and the rows as the form of a row gave them."""

    reason: str = ""
    desired_on: date | None = None
    rows: Sequence[Mapping[str, Any]] = ()


@dataclass(kw_only=True)
class Reviewed:
    """One part with what its kind says: its plan, or why it is refused."""

    part: Part
    plan: Plan | None = None
    errors: list[str] = field(default_factory=list)
    left_out: str = ""
    waits_for_other: bool = False
    """It can be applied for only after another part about the same name."""

    @property
    def is_refused(self) -> bool:
        """Whether the bundle cannot be submitted with it."""
        return bool(self.errors) and not self.left_out


@dataclass(kw_only=True)
class Review:
    """A draft looked at with every kind's own eyes, nothing created yet."""

    parts: list[Reviewed]
    orders: list[together.Order]
    checked: list[together.Checked]
    header: Errors
    by_row: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    """Errors by row and field of the form."""
    general: dict[int, list[str]] = field(default_factory=dict)
    """Errors of a row that have no field there."""

    @property
    def is_good(self) -> bool:
        """Whether it can be submitted."""
        return not self.header and bool(self.orders) and not any(part.is_refused for part in self.parts)


# --- Drafts -----------------------------------------------------------------------------------------------------------
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
    _trail(bundle, "create", actor, now)
    return bundle


@transaction.atomic
def save(*, bundle_id: int, actor: User, draft: Draft, version: int | None, now: datetime) -> Bundle:
    """Keep what was written so far. Raises ContentChanged, NotAllowed, BundleRefused."""
    bundle = _lock(bundle_id)
    _require_draft(bundle, actor, now)
    if version is not None and version != bundle.version:
        raise ContentChanged
    bundle.version += 1
    _keep(bundle, draft)
    _trail(bundle, "save", actor, now)
    return bundle


@transaction.atomic
def discard(*, bundle_id: int, actor: User, now: datetime) -> None:
    """A draft that nobody wants is called off: it was never submitted. Raises NotAllowed, BundleRefused."""
    bundle = _lock(bundle_id)
    _require_draft(bundle, actor, now)
    _finish(bundle, Bundle.State.CALLED_OFF, now, _Verb.CALLED_OFF, actor=actor)


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


# --- Submission -------------------------------------------------------------------------------------------------------
def review(*, bundle: Bundle, actor: User, left_out: Mapping[str, str], now: datetime) -> Review:
    """Compose the parts and have every kind check its lines, knowing of the others. Asks targets: no lock may be held.

    `left_out` gives the reasons by Part.choice.
    """
    composer = Composer(action=bundle.action, organisation=bundle.organisation, day=today(now))
    parts = composer.parts(machines_of(bundle))
    reviewed = [Reviewed(part=part, left_out=_left_out(part, left_out)) for part in parts]
    orders, places = _orders(reviewed)
    checked = together.check_all(orders, organisation=bundle.organisation, actor=actor, day=today(now))
    found = Review(parts=reviewed, orders=orders, checked=checked, header=_header_errors(bundle, now))
    for each in reviewed:
        _judge(found, each, places.get(id(each)))
    return found


def _left_out(part: Part, reasons: Mapping[str, str]) -> str:
    return "" if part.is_base else reasons.get(part.choice, "").strip()[:REASON_LENGTH]


def _header_errors(bundle: Bundle, now: datetime) -> Errors:
    errors: Errors = {}
    if problem := missing_reason(bundle.reason):
        errors["reason"] = [problem]
    if not together.check_date(bundle.desired_on, now):
        errors["desired_on"] = [_("This date has passed. Choose today or a later date, or leave it empty.")]
    if not bundle.machine_count:
        errors["rows"] = [_("Enter at least one machine.")]
    return errors


def _orders(parts: Sequence[Reviewed]) -> tuple[list[together.Order], dict[int, tuple[int, int]]]:
    """One application for each kind, with a line for each part; where each part's line stands.

    Two machines can share a line: a device permit that names both ends once.
    """
    lines: dict[str, list[Mapping[str, Any]]] = {}
    shared: dict[tuple[str, str], int] = {}
    groups: dict[tuple[str, str], str] = {}
    order_of: dict[str, int] = {}
    places: dict[int, tuple[int, int]] = {}
    for each in parts:
        part = each.part
        if each.left_out:
            continue
        group, key = (part.kind, group_of(part)), (part.kind, part.key)
        if group in groups and groups[group] != part.key:
            each.waits_for_other = True
            continue
        groups[group] = part.key
        order = order_of.setdefault(part.kind, len(order_of))
        own = lines.setdefault(part.kind, [])
        may_share = not part.fields  # what a machine brings is its own; what ends, ends once
        if not may_share or key not in shared:
            own.append(part.line)
            shared[key] = len(own) - 1
        places[id(each)] = order, shared[key]
    return [together.Order(kind=kind, lines=tuple(found)) for kind, found in lines.items()], places


def _judge(found: Review, each: Reviewed, place: tuple[int, int] | None) -> None:
    if place is None:
        return
    order, position = place
    checked = found.checked[order]
    line = checked.lines[position]
    each.plan = line.plan if line is not None else None
    start = f"lines.{position}"
    for path, texts in checked.errors.items():
        if path != start and not path.startswith(f"{start}."):
            continue
        each.errors += [text for text in texts if text not in each.errors]
        name = each.part.fields.get(path.removeprefix(start).removeprefix("."), "")
        if name:
            kept = found.by_row.setdefault(each.part.row, {}).setdefault(name, [])
        else:
            kept = found.general.setdefault(each.part.row, [])
        kept += [text for text in texts if text not in kept]


def submit(
    *, bundle_id: int, actor: User, left_out: Mapping[str, str], version: int | None, now: datetime
) -> tuple[Bundle, Review]:
    """Open every linked application, or none.

    The review says what was refused, at its row and field; then the bundle is still a draft. Raises ContentChanged,
    NotAllowed, NobodyCanDecide, BundleRefused.
    """
    seen = Bundle.system.select_related("organisation", "applicant").get(pk=bundle_id)
    _require_draft(seen, actor, now)
    if version is not None and version != seen.version:
        raise ContentChanged
    found = review(bundle=seen, actor=actor, left_out=left_out, now=now)
    if not found.is_good:
        return seen, found
    try:
        return _submit_reviewed(seen, found, actor, now), found
    except together.Refused as error:  # a name was taken between the check and here
        _note_refused(found, error)
        return seen, found


def _note_refused(found: Review, error: together.Refused) -> None:
    kind = found.orders[error.order].kind
    texts = [text for texts in error.errors.values() for text in texts]
    for each in found.parts:
        if each.part.kind == kind and not each.left_out:
            each.errors += texts
            found.general.setdefault(each.part.row, []).extend(texts)


@transaction.atomic
def _submit_reviewed(seen: Bundle, found: Review, actor: User, now: datetime) -> Bundle:
    bundle = _lock(seen.pk)
    _require_draft(bundle, actor, now)
    if bundle.version != seen.version:  # changed while the targets were asked
        raise ContentChanged
    opened = together.open_all(
        found.orders,
        found.checked,
        organisation_id=bundle.organisation_id,
        actor=actor,
        reason=bundle.reason,
        desired_on=bundle.desired_on,
        now=now,
    )
    bundle.state, bundle.submitted_at = Bundle.State.OPEN, now
    bundle.version += 1
    bundle.save(update_fields=["state", "submitted_at", "version", "updated_at"])
    _store_parts(bundle, found, opened, actor, now)
    note(
        bundle,
        _Verb.SUBMITTED,
        now=now,
        actor=actor,
        text="、".join(application.number for application in opened),
    )
    _trail(bundle, "submit", actor, now)
    return bundle


def _store_parts(
    bundle: Bundle, found: Review, opened: Sequence[Application], actor: User, now: datetime
) -> None:
    places = _orders(found.parts)[1]
    machines = {machine.position: machine for machine in machines_of(bundle)}
    rows = []
    for each in found.parts:
        part, place = each.part, places.get(id(each))
        machine = machines[part.row]
        if address := str(part.line.get("ip") or ""):
            machine.addresses = list(dict.fromkeys([*machine.addresses, address]))
        rows.append(
            BundlePart(
                bundle=bundle,
                organisation_id=bundle.organisation_id,
                machine=machine,
                column=part.column,
                wave=part.wave,
                kind=part.kind,
                key=part.key,
                label=part.label,
                line=dict(part.line),
                application=opened[place[0]] if place else None,
                position=place[1] if place else None,
                left_out_reason=each.left_out,
                left_out_by=actor if each.left_out else None,
                left_out_at=now if each.left_out else None,
            )
        )
    BundlePart.system.bulk_create(rows)
    BundleMachine.system.bulk_update(machines.values(), ["addresses"])
    for each in found.parts:
        if each.left_out:
            note(bundle, _Verb.LEFT_OUT, now=now, actor=actor, text=f"{each.part.label}: {each.left_out}")


# --- On the board -----------------------------------------------------------------------------------------------------
@transaction.atomic
def leave_out(
    *, bundle_id: int, part_ids: Collection[int], actor: User, reason: str, now: datetime
) -> Bundle:
    """Leave parts out with a reason: those that were refused, not done or not applied for yet.

    Raises NotAllowed, and BundleRefused for a part that is under way, and for what the bundle is about itself.
    """
    bundle = _lock(bundle_id)
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
    _trail(bundle, "leave_out", actor, now)
    _look(bundle, now)
    return bundle


@transaction.atomic
def apply_again(
    *, bundle_id: int, part_ids: Collection[int], actor: User, now: datetime
) -> list[Application]:
    """New drafts for parts that were refused, not done or not applied for yet: one for each kind, to be corrected and submitted.

    Raises NotAllowed, BundleRefused.
    """
    bundle = _lock(bundle_id)
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
    bundle = _lock(bundle_id)
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
    _finish(bundle, Bundle.State.CALLED_OFF, now, _Verb.CALLED_OFF, actor=actor, text=reason)
    return bundle


@transaction.atomic
def look(*, bundle_id: int, now: datetime) -> bool:
    """Let go on what may go on, and end the bundle when all is done; True when it ended. Safe to repeat."""
    bundle = _lock(bundle_id)
    return bundle.state == Bundle.State.OPEN and _look(bundle, now)


def _look(bundle: Bundle, now: datetime) -> bool:
    if states.board(bundle).is_done:
        _finish(bundle, Bundle.State.DONE, now, _Verb.DONE)
        return True
    wake_waiting(bundle, now)
    return False


def is_base(bundle: Bundle, part: BundlePart) -> bool:
    """Whether the bundle is about this part itself: the machine's entry in the register."""
    return part.column == "register"


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


def _chosen(bundle: Bundle, part_ids: Collection[int]) -> list[states.PartView]:
    views = [view for view in states.board(bundle).parts if view.part.pk in set(part_ids)]
    if not views:
        raise BundleRefused(_("Choose at least one part."))
    return views


def _require_draft(bundle: Bundle, actor: User, now: datetime) -> None:
    if bundle.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant can do this."))
    require_may_apply(actor, bundle.organisation_id, now)
    if bundle.state != Bundle.State.DRAFT:
        raise BundleRefused(_("This was submitted already."))


def _finish(
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
    _trail(bundle, verb.lower(), actor, now)


def _lock(bundle_id: int) -> Bundle:
    rows = Bundle.system.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organisation", "applicant").get(pk=bundle_id)


def _trail(bundle: Bundle, action: str, actor: User | None, now: datetime) -> None:
    trail.record(
        action=f"bundle.{action}",
        now=now,
        actor=actor,
        object_type="bundle",
        object_id=bundle.pk,
        object_label=bundle.number,
        object_organisation_id=bundle.organisation_id,
    )


def most_machines() -> int:
    """How many machines fit into one bundle."""
    return int(settings.BUNDLES["max_machines"])


__all__ = [
    "BundleRefused",
    "Draft",
    "NobodyCanDecide",
    "Review",
    "Reviewed",
    "apply_again",
    "call_off",
    "create",
    "discard",
    "leave_out",
    "look",
    "may_act",
    "review",
    "save",
    "submit",
]
