"""The figures of the dashboard as the template draws them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.dashboards.matrix import EXCEPTIONS, LATE_NOW, Cell, Mark, Matrix, Row
from portal.common.templatetags.portal import icon

_ICONS = {
    Mark.DONE: "check",
    Mark.LATE: "clock",
    Mark.TO_MAKE: "pen",
    Mark.CENTRAL: "cycle",
    Mark.FEDERATION: "eye",
    Mark.CORRECTION: "swap",
    Mark.ASKED: "help",
    Mark.OVERDUE: "alert",
    Mark.LONG_OVERDUE: "warning",
    Mark.NONE: "minus",
}
LEGEND = [(mark, _ICONS[mark]) for mark in (*reversed(Mark),)]
_OPEN = frozenset({*LATE_NOW, Mark.ASKED, Mark.TO_MAKE, Mark.CENTRAL, Mark.FEDERATION, Mark.CORRECTION})
_HEIGHT = 80.0
_STEP = 40.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One federation of the matrix, ready to be shown."""

    name: str
    cells: list[SafeString]
    note: str  # what comes next in the current month
    group: str  # heading above it; empty when it is that of the line before


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One figure at the top."""

    label: str
    count: int
    state: str
    picture: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """One month of a chart: what was returned late below, what is overdue on top; in units of the drawing."""

    label: str
    x: float
    late: int
    over: int
    late_height: float
    over_height: float

    @property
    def total(self) -> int:
        """Both."""
        return self.late + self.over

    @property
    def late_y(self) -> float:
        """Where the lower part begins."""
        return _HEIGHT - self.late_height

    @property
    def over_y(self) -> float:
        """Where the upper part begins."""
        return self.late_y - self.over_height


@lru_cache(maxsize=64)  # a matrix has 564 cells of nine kinds
def _mark(mark: Mark, label: str) -> SafeString:
    return format_html('<span class="m" data-s="{}">{}</span>', mark.value, icon(_ICONS[mark], label))


def table(matrix: Matrix, *, only_open: bool) -> list[Line]:
    """The lines: those with something to look into first, then in the order of the federations."""
    labels = {mark: str(mark.label) for mark in Mark}
    urgent = [row for row in matrix.rows if row.urgency < len(EXCEPTIONS)]
    urgent.sort(key=lambda row: row.urgency)
    rest = [row for row in matrix.rows if row.urgency >= len(EXCEPTIONS)]
    if only_open:
        rest = [row for row in rest if row.current.mark in _OPEN]
    first, second = str(_("To be looked into")), str(_("All others")) if urgent else ""
    address = _addresses()
    lines = []
    for heading, rows in ((first, urgent), (second, rest)):
        for number, row in enumerate(rows):
            lines.append(_line(row, labels, address, heading if number == 0 else ""))
    return lines


def _line(row: Row, labels: dict[Mark, str], address: str, group: str) -> Line:
    cells = [_cell(cell, labels, address) for cell in row.cells]
    return Line(name=row.organisation.short_name, cells=cells, note=_note(row.current), group=group)


def _cell(cell: Cell, labels: dict[Mark, str], address: str) -> SafeString:
    shown = _mark(cell.mark, labels[cell.mark])
    report = cell.report
    if report is None:
        return format_html("<span>{}</span>", shown)
    place = address.replace("2000-01", f"{report.month:%Y-%m}").replace("CODE", report.code)
    return format_html('<a href="{}">{}</a>', place.replace("/9999", f"/{report.revision}"), shown)


@lru_cache(maxsize=1)
def _addresses() -> str:
    """A page's address with places for month, federation and revision: reversing 564 of them takes 20 ms."""
    return reverse("audit_report", args=["2000-01", "CODE", 9999])


def _note(cell: Cell) -> str:
    if cell.owed is None:
        return ""
    return f"{cell.owed.get_step_display()} {cell.owed.due_on.month}/{cell.owed.due_on.day}"


def kpis(matrix: Matrix) -> list[Kpi]:
    """The four figures at the top."""
    counts = matrix.counts
    done = counts[Mark.DONE] + counts[Mark.LATE]
    running = sum(counts[mark] for mark in (Mark.CENTRAL, Mark.FEDERATION, Mark.CORRECTION, Mark.TO_MAKE))
    overdue = sum(counts[mark] for mark in LATE_NOW) + matrix.overdue_before
    return [
        Kpi(label=str(Mark.DONE.label), count=done, state="done", picture="check"),
        Kpi(label=str(_("To be made or being checked")), count=running, state="run", picture="cycle"),
        Kpi(label=str(_("Enquiries open")), count=counts[Mark.ASKED], state="ask", picture="help"),
        Kpi(label=str(_("Overdue, all months")), count=overdue, state="late", picture="warning"),
    ]


def late_chart(matrix: Matrix) -> list[Column]:
    """Federations that returned late or are overdue, month by month."""
    late, over = matrix.by_month(Mark.LATE), matrix.by_month(*LATE_NOW)
    highest = max((a + b for a, b in zip(late, over, strict=True)), default=0) or 1
    return [
        Column(
            label=f"{month.first.month}月",
            x=number * _STEP,
            late=late[number],
            over=over[number],
            late_height=_HEIGHT * late[number] / highest,
            over_height=_HEIGHT * over[number] / highest,
        )
        for number, month in enumerate(matrix.months)
    ]
