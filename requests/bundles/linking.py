"""What the engine asks about linked applications: what lies beside one, and what an operation must wait for (REQ-13)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common import bell
from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import SETTLED, Operation, OperationStatus
from portal.fulfilment.registry import Waits
from portal.orgs.models import User
from portal.workflow import kinds
from portal.workflow.linked import LinkedLine
from portal.workflow.models import Application, ApplicationLine, Status
from requests.bundles import states
from requests.bundles.composing import KINDS, LAST, Composer, new_since
from requests.bundles.models import Action, Bundle, BundleEvent, BundleMachine, BundlePart

LOOK_TASK = "requests.tasks.look_at_bundle"
_LOOK_AGAIN = timedelta(minutes=30)
_NEVER = (Status.REJECTED, Status.WITHDRAWN, Status.NOT_DONE)


def linked_lines(application: Application) -> Iterator[LinkedLine]:
    """The lines that are carried out before this application, or were; nothing for one that no bundle opened."""
    if application.kind not in KINDS:
        return
    own = list(BundlePart.system.filter(application=application).values_list("bundle_id", "wave"))
    if not own:
        return
    beside = BundlePart.system.filter(
        bundle__in={bundle for bundle, _wave in own},
        wave__lt=max(wave for _bundle, wave in own),
        left_out_at=None,
        application__isnull=False,
    )
    rows = beside.exclude(application=application).exclude(application__status__in=_NEVER)
    wanted = {(part.application_id, part.position) for part in rows}
    lines = ApplicationLine.system.filter(application__in={pk for pk, _position in wanted})
    for line in lines.select_related("application"):
        if (line.application_id, line.position) in wanted and line.subject_key:
            kind = kinds.get(line.application.kind)
            yield LinkedLine(kind=kind.code, payload=kind.load(line.payload, line.payload_version))


def opened_with(application: Application) -> set[int]:
    """The ids of all applications of the same form."""
    if application.kind not in KINDS:
        return set()
    bundles = BundlePart.system.filter(application=application).values("bundle")
    parts = BundlePart.system.filter(bundle__in=bundles, application__isnull=False)
    return set(parts.values_list("application_id", flat=True))


def waits(operations: Sequence[Operation], now: datetime) -> dict[int, Waits]:
    """The operations that must wait for another part of their machine, by id (registry.hold_back)."""
    concerned = {
        (each.line.application_id, each.line.position): each.pk
        for each in operations
        if each.kind in KINDS and not each.step
    }
    if not concerned:
        return {}
    rows = BundlePart.system.filter(application__in={application for application, _ in concerned})
    parts: dict[int, list[BundlePart]] = {}
    for part in rows.filter(left_out_at=None).select_related("bundle", "machine"):
        if operation_id := concerned.get((part.application_id, part.position)):  # type: ignore[arg-type]
            parts.setdefault(operation_id, []).append(part)
    found = {operation_id: _waits(own, now) for operation_id, own in parts.items()}
    return {operation_id: waiting for operation_id, waiting in found.items() if waiting}


def _waits(parts: Sequence[BundlePart], now: datetime) -> Waits | None:
    """Whether one must wait; the last one of a machine looks once more for what is left.

    The register says "in use" as long as anything hangs on the machine: so a removal cannot be forgotten half-way.
    """
    for part in parts:
        unfinished = _unfinished_before(part)
        if not unfinished and part.wave == LAST:
            unfinished = [added.label for added in add_what_is_left(part, now)]
        if unfinished:
            text = _("Waits until this is done: %(parts)s") % {"parts": "、".join(unfinished[:5])}
            return Waits(code=states.WAITS_CODE, message=text, until=now + _LOOK_AGAIN)
    return None


def _unfinished_before(part: BundlePart) -> list[str]:
    board = states.board(part.bundle)
    return [
        view.part.label
        for row in board.rows
        if row.machine.pk == part.machine_id
        for view in row.parts
        if view.part.wave < part.wave and not view.is_finished
    ]


def add_what_is_left(part: BundlePart, now: datetime) -> list[BundlePart]:
    """What hangs on the machine that goes and no part speaks of becomes a part. Asks targets: no lock may be held."""
    bundle, machine = part.bundle, part.machine
    name = str(part.line.get("name") or "")
    # The address of a machine that was exchanged is the new one's now.
    addresses = [] if bundle.action == Action.REPLACE else machine.addresses
    composer = Composer(action=bundle.action, organisation=bundle.organisation, day=today(now))
    found = composer.hanging({name: addresses})[name]
    added = new_since(bundle.parts.all(), [each for each in found if each.kind != part.kind])
    if not added:
        return []
    with transaction.atomic():
        Bundle.system.select_for_update(no_key=True).get(pk=bundle.pk)
        fresh = new_since(bundle.parts.all(), added)  # another worker may have been faster
        made = [
            BundlePart.system.create(
                bundle=bundle,
                organisation_id=bundle.organisation_id,
                machine=machine,
                column=each.column,
                wave=part.wave - 1,
                kind=each.kind,
                key=each.key[:400],
                label=each.label[:300],
                line=dict(each.line),
            )
            for each in fresh
        ]
        if made:
            note(bundle, BundleEvent.Verb.FOUND, now=now, text="、".join(each.label for each in made))
    return made


def settled(operations: Sequence[Operation], now: datetime) -> None:
    """Operations of a bundle are settled: what waits for them may go on. Runs in the transaction of that change."""
    ends = [each for each in operations if each.kind in KINDS and not each.step and each.status in SETTLED]
    if not ends:
        return
    rows = BundlePart.system.filter(application__in={each.line.application_id for each in ends})
    for pk in sorted(set(rows.values_list("bundle_id", flat=True))):
        bell.ring_on_commit(LOOK_TASK, str(pk))


def wake_waiting(bundle: Bundle, now: datetime) -> int:
    """Let the operations look that wait for another part; how many."""
    rows = Operation.system.filter(
        line__application__in=bundle.parts.values("application"),
        status=OperationStatus.WAITING,
        error_code=states.WAITS_CODE,
    )
    return fulfilment.wake(list(rows.values_list("pk", flat=True)), now)


def note(
    bundle: Bundle, verb: BundleEvent.Verb, *, now: datetime, text: str = "", actor: User | None = None
) -> None:
    """One entry in the history, in the caller's transaction."""
    BundleEvent.system.create(
        bundle=bundle,
        organisation_id=bundle.organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        verb=verb,
        note=text[:1000],
    )


def machines_of(bundle: Bundle) -> list[BundleMachine]:
    """The rows of a bundle in their order."""
    return list(BundleMachine.system.filter(bundle=bundle).order_by("position"))
