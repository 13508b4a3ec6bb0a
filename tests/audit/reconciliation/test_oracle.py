"""The engine against an independent one (issue 6): every row has the same code and the same work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from audit.reconciliation.engine import Work, reconcile
from tests.audit.reconciliation import data
from tests.audit.reconciliation.oracle import Oracle

ROWS, WORKS = 20_000, 600


@pytest.mark.parametrize("shape", [data.WIDE, data.DENSE], ids=["wide", "dense"])
def test_every_row_is_judged_as_by_an_independent_engine(shape: data.Shape, tmp_path: Path) -> None:
    works, rules = data.works(shape, WORKS), data.rules()
    rows = list(data.rows(shape, works, ROWS))
    found: dict[int, tuple[str, str | None]] = {}

    def note(row_id: int, code: str, work: Work | None) -> None:
        found[row_id] = code, work.number if work else None

    result = reconcile(data.together(rows), works, rules, each=note)
    other = Oracle(tmp_path, rows, works, rules).judged()

    differing = [(row, found[row.id], other[row.id]) for row in rows if found[row.id] != other[row.id]]
    assert not differing, differing[:3]
    assert len(found) == len(other) == ROWS
    codes = Counter(code for code, _number in found.values())
    assert codes == sum((Counter(counts) for counts in result.counts.values()), Counter())
    # Data that leaves a code out would prove nothing about it.
    assert set(codes) >= {
        "OK",
        "TOL",
        "U_TIME",
        "U_ACCOUNT",
        "X_SCOPE",
        "X_MEDIUM",
        "X_VOLUME",
        "L_CANCELLED",
    }


def test_the_order_of_the_rows_changes_nothing() -> None:
    works, rules = data.works(data.DENSE, WORKS), data.rules()
    rows = list(data.rows(data.DENSE, works, 5_000))

    one, other = data.together(rows), data.together(rows[::-1])

    assert reconcile(one, works, rules) == reconcile(other[::-1], works[::-1], rules)
