"""What became of the parts of bundles, read from the linked applications each time: nothing of it is stored twice (REQ-13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.permissions import Role
from portal.workflow import fulfilling
from portal.workflow.models import EDITABLE, Application, ApplicationLine, ApprovalStage, StageStatus, Status
from requests.bundles.models import Bundle, BundleMachine, BundlePart, Column

WAITS_CODE = "waits_for_part"


class PartState(TextChoices):
    """Where a part stands, for people."""

    LEFT_OUT = "LEFT_OUT", pgettext_lazy("part", "left out")
    NOT_APPLIED = "NOT_APPLIED", pgettext_lazy("part", "not applied for yet")
    TO_CORRECT = "TO_CORRECT", pgettext_lazy("part", "to be corrected")
    DECIDING = "DECIDING", pgettext_lazy("part", "to be approved")
    WAITING = "WAITING", pgettext_lazy("part", "waiting")
    WORKING = "WORKING", pgettext_lazy("part", "being carried out")
    STUCK = "STUCK", pgettext_lazy("part", "operations look at it")
    REFUSED = "REFUSED", pgettext_lazy("part", "refused")
    NOT_DONE = "NOT_DONE", pgettext_lazy("part", "not done")
    DONE = "DONE", pgettext_lazy("part", "done")


FINISHED = frozenset({PartState.DONE, PartState.LEFT_OUT})
# A person of the federation must do something, or the bundle never ends.
OWED = frozenset({PartState.NOT_APPLIED, PartState.TO_CORRECT, PartState.REFUSED, PartState.NOT_DONE})
# What can be applied for anew from the board.
AGAIN = frozenset({PartState.NOT_APPLIED, PartState.REFUSED, PartState.NOT_DONE})
_GONE = frozenset({Status.REJECTED, Status.WITHDRAWN})


@dataclass(frozen=True, kw_only=True)
class PartView:
    """One part as the board shows it."""

    part: BundlePart
    state: PartState
    detail: str = ""
    """What it waits for, or why it was not done."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in FINISHED

    @property
    def may_apply_again(self) -> bool:
        """Whether the board offers to apply for it (anew)."""
        return self.state in AGAIN


@dataclass(kw_only=True)
class Row:
    """One machine with its parts."""

    machine: BundleMachine
    parts: list[PartView] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do on this machine."""
        return bool(self.parts) and all(part.is_finished for part in self.parts)

    def of(self, column: str) -> list[PartView]:
        """The parts of one column."""
        return [part for part in self.parts if part.part.column == column]


@dataclass(kw_only=True)
class Board:
    """A bundle with every machine and part."""

    bundle: Bundle
    rows: list[Row]

    @property
    def parts(self) -> list[PartView]:
        """All parts."""
        return [part for row in self.rows for part in row.parts]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do at all."""
        return bool(self.rows) and all(row.is_done for row in self.rows)

    @property
    def finished(self) -> int:
        """How many parts are done or left out."""
        return sum(part.is_finished for part in self.parts)

    @property
    def owed(self) -> list[PartView]:
        """The parts for which a person of the federation must do something."""
        return [part for part in self.parts if part.state in OWED]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns that have a part, in their order: value and label."""
        used = {part.part.column for part in self.parts}
        return [(value, str(label)) for value, label in Column.choices if value in used]

    def cells(self) -> list[tuple[Row, list[tuple[str, list[PartView]]]]]:
        """Each row with its cells: the label of the column and what is in it."""
        return [(row, [(label, row.of(value)) for value, label in self.columns]) for row in self.rows]


def boards(bundles: Sequence[Bundle]) -> list[Board]:
    """The boards of these bundles, in the same number of statements however many they and their machines are."""
    machines = BundleMachine.system.filter(bundle__in=bundles).order_by("bundle_id", "position")
    parts = list(BundlePart.system.filter(bundle__in=bundles).select_related("application", "left_out_by"))
    known = _Known([part.application for part in parts if part.application is not None], parts)
    rows: dict[int, list[Row]] = {}
    by_machine: dict[int, Row] = {}
    for machine in machines:
        row = by_machine[machine.pk] = Row(machine=machine)
        rows.setdefault(machine.bundle_id, []).append(row)
    for part in parts:
        state, detail = known.state_of(part)
        by_machine[part.machine_id].parts.append(PartView(part=part, state=state, detail=detail))
    return [Board(bundle=bundle, rows=rows.get(bundle.pk, [])) for bundle in bundles]


def board(bundle: Bundle) -> Board:
    """The board of one bundle."""
    return boards([bundle])[0]


class _Known:
    """The lines, open stages and operations of the linked applications."""

    def __init__(self, applications: Iterable[Application], parts: Sequence[BundlePart]) -> None:
        found = {application.pk: application for application in applications}
        lines = ApplicationLine.system.filter(application__in=found)
        lines = lines.only("application_id", "position", "result", "is_open", "subject_key")
        self._lines = {(line.application_id, line.position): line for line in lines} if found else {}
        stages = ApprovalStage.system.filter(application__in=found, status=StageStatus.OPEN)
        self._stages = (
            {stage.application_id: stage for stage in stages.select_related("organisation")} if found else {}
        )
        operations = Operation.system.filter(line__application__in=found, step="") if found else ()
        self._operations: dict[int, list[Operation]] = {}
        for operation in operations:
            self._operations.setdefault(operation.line_id, []).append(operation)
        self._expected: dict[int, set[int]] = {}
        for part in parts:
            if part.application_id is not None and part.position is not None:
                self._expected.setdefault(part.application_id, set()).add(part.position)

    def state_of(self, part: BundlePart) -> tuple[PartState, str]:
        """Where a part stands, and what is to be said about it."""
        application = part.application
        if part.left_out_at is not None:
            return PartState.LEFT_OUT, part.left_out_reason
        if application is None:
            return PartState.NOT_APPLIED, ""
        line = self._lines.get((application.pk, part.position or 0))
        if application.status in EDITABLE:
            return PartState.TO_CORRECT, str(Status(application.status).label)
        if application.status in _GONE:
            return PartState.REFUSED, str(Status(application.status).label)
        if line is None or self._was_shortened(application):
            return PartState.NOT_DONE, _("The application does not name it any more.")
        if application.status == Status.IN_REVIEW:
            return PartState.DECIDING, self._who_decides(application)
        return self._carried_out(application, line)

    def _was_shortened(self, application: Application) -> bool:
        """Whether lines were taken out of it while it was corrected: then nobody knows which line is whose."""
        return application.line_count < len(self._expected.get(application.pk, ()))

    def _who_decides(self, application: Application) -> str:
        stage = self._stages.get(application.pk)
        if stage is None:
            return ""
        return _("%(stage)s: %(role)s, %(organisation)s") % {
            "stage": _(stage.label),
            "role": Role(stage.role).label,
            "organisation": stage.organisation.short_name,
        }

    def _carried_out(self, application: Application, line: ApplicationLine) -> tuple[PartState, str]:
        operations = self._operations.get(line.pk, [])
        statuses = {operation.status for operation in operations}
        if not operations:  # the approval itself was the result
            return (PartState.DONE, "") if application.status == Status.COMPLETED else (PartState.WORKING, "")
        if OperationStatus.CLOSED in statuses and not line.is_open:
            return PartState.NOT_DONE, fulfilling.result_text(line)
        if statuses == {OperationStatus.DONE}:
            return PartState.DONE, ""
        if statuses & {OperationStatus.ATTENTION, OperationStatus.MANUAL}:
            stopped = next(
                o for o in operations if o.status in (OperationStatus.ATTENTION, OperationStatus.MANUAL)
            )
            return PartState.STUCK, stopped.error_message
        waiting = next((o for o in operations if o.status == OperationStatus.WAITING), None)
        if waiting is not None:
            return PartState.WAITING, waiting.error_message or _waits_until(application)
        return PartState.WORKING, ""


def _waits_until(application: Application) -> str:
    day: Any = application.desired_on
    return _("Effective date: %(day)s") % {"day": f"{day:%Y/%m/%d}"} if day else ""
