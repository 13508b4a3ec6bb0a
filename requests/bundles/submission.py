"""Looking at a draft with every kind's own eyes, and opening all its applications or none (REQ-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.orgs.models import User
from portal.workflow import together
from portal.workflow.content import Errors, missing_reason
from portal.workflow.errors import ContentChanged
from portal.workflow.models import Application
from portal.workflow.plans import Plan
from requests.bundles.composing import Composer, Part, group_of
from requests.bundles.linking import machines_of, note
from requests.bundles.models import Bundle, BundleEvent, BundleMachine, BundlePart
from requests.bundles.records import REASON_LENGTH, lock, record_action, require_draft

_Verb = BundleEvent.Verb


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
    require_draft(seen, actor, now)
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
    bundle = lock(seen.pk)
    require_draft(bundle, actor, now)
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
    record_action(bundle, "submit", actor, now)
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
                follows=each.waits_for_other,
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
