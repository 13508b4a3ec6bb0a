"""The engine against an independent one (issue 6): every row has the same code and the same work, and every work that was
missed, or that brought too much, is the same."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from audit.reconciliation.engine import DATABASE, Subject, Work, micros, reconcile
from audit.reconciliation.models import Code
from tests.audit.reconciliation import data
from tests.audit.reconciliation.oracle import Oracle

ROWS, WORKS = 20_000, 600
DAY = dt.timedelta(days=1)
# Three hundred machines leave no moment with two works of one account, five leave none without any work near.
LEFT_OUT = {data.WIDE: Code.AMBIGUOUS, data.DENSE: Code.U_NOPLAN}


def _reaching_into(like: Work, since: dt.datetime) -> Work:
    """A work that began before the month, of an account that nobody else has."""
    times = {"planned_from": since - DAY / 12, "planned_until": since + DAY / 24}
    plain = replace(like, id=WORKS + 1, number="W-REACHES", accounts=("early",), objects=(), medium_serial="")
    return replace(plain, **times, actual_from=None, actual_until=None, cancelled=False, expected_files=None)


def _trace(work: Work) -> data.Row:
    """One access for it, when it had just begun."""
    subject = Subject(DATABASE, work.hosts[0], work.accounts, object_name="T_KOJIN_1")
    return data.Row(ROWS, micros(work.planned_from), subject)


@pytest.mark.parametrize("shape", [data.WIDE, data.DENSE], ids=["wide", "dense"])
def test_every_row_is_judged_as_by_an_independent_engine(shape: data.Shape, tmp_path: Path) -> None:
    works = data.works(shape, WORKS)
    rules = replace(data.rules(), covers_from=data.FROM + 3 * DAY, covers_until=data.UNTIL - 3 * DAY)
    reaching = _reaching_into(works[0], rules.covers_from)
    every = [*data.rows(shape, works, ROWS - 1), _trace(reaching)]
    works.append(reaching)
    before = [row for row in every if row.at < micros(rules.covers_from)]
    rows = [row for row in every if row.at >= micros(rules.covers_from)]
    found: dict[int, tuple[str, str | None]] = {}

    def note(row_id: int, code: str, work: Work | None) -> None:
        found[row_id] = code, work.number if work else None

    result = reconcile(data.together(rows), works, rules, before=data.together(before), each=note)
    oracle = Oracle(tmp_path, rows, works, rules, before)
    other = oracle.judged()

    differing = [(row, found[row.id], other[row.id]) for row in rows if found[row.id] != other[row.id]]
    assert not differing, differing[:3]
    assert len(found) == len(other) == len(rows) == ROWS - len(before)
    codes = Counter(code for code, _number in found.values())
    assert codes == sum((Counter(counts) for counts in result.counts.values()), Counter())
    # Of whole works: what nobody left a trace of, and what was more than declared in all.
    alone = Counter(
        (s.code, s.work.number, s.volume) for s in result.sessions if s.work and not s.object_name
    )
    assert alone == Counter(dict.fromkeys(oracle.without_a_trace(), 1))
    # Data that leaves a code out would prove nothing about it; no shape leaves out the one of the other.
    assert set(codes) | {code for code, _number, _volume in alone} == set(Code) - {LEFT_OUT[shape]}
    assert {code for code, _number, _volume in alone} == {"L_NOLOG", "X_VOLUME"}


def test_the_order_of_the_rows_changes_nothing() -> None:
    works, rules = data.works(data.DENSE, WORKS), data.rules()
    rows = list(data.rows(data.DENSE, works, 5_000))

    one, other = data.together(rows), data.together(rows[::-1])

    assert reconcile(one, works, rules) == reconcile(other[::-1], works[::-1], rules)
