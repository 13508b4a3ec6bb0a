"""Where each thing of the map stands in the picture: an SVG of plain attributes, as the strict CSP wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from requests.networks.models import SegmentPool
from requests.networks.pool import AHEAD, FREE, HALF, USED
from requests.networks.selectors import Cell, Row

_LABEL, _CELL, _LINE, _HEAD = 150, 72, 26, 48
_SIGNS = {FREE: "", HALF: "◐", USED: "■", AHEAD: "◇"}


@dataclass(frozen=True, kw_only=True)
class Box:
    """One cell in the picture."""

    x: int
    y: int
    cell: Cell
    target: str  # id of the table row that says more; "" when this person sees no more

    @property
    def sign(self) -> str:
        """What tells the state without colour."""
        return _SIGNS[self.cell.place.state]

    @property
    def middle(self) -> tuple[int, int]:
        """Where the sign stands."""
        return self.x + _CELL // 2, self.y + _LINE - 8


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The whole map in its own units."""

    width: int
    height: int
    heads: list[tuple[int, SegmentPool]]
    labels: list[tuple[int, str]]
    boxes: list[Box]
    cell_width: int = _CELL - 4
    cell_height: int = _LINE - 4


def drawn(rows: Sequence[Row], pools: Sequence[SegmentPool]) -> Picture:
    """A line for each federation, a column for each row of the figures."""
    boxes, labels = [], []
    for number, row in enumerate(rows):
        top = _HEAD + number * _LINE
        labels.append((top + _LINE - 9, row.organisation.short_name))
        for column, cell in enumerate(row.cells):
            target = cell.anchor if cell.shown else ""
            boxes.append(Box(x=_LABEL + column * _CELL, y=top, cell=cell, target=target))
    return Picture(
        width=_LABEL + len(pools) * _CELL,
        height=_HEAD + len(rows) * _LINE + 4,
        heads=[(_LABEL + column * _CELL + _CELL // 2, each) for column, each in enumerate(pools)],
        labels=labels,
        boxes=boxes,
    )
