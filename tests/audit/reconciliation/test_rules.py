"""The rules of the reconciliation, one by one (docs/adr/0044)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from audit.reconciliation import engine
from audit.reconciliation.engine import REMOVABLE, TAKEOUT, Result, Rules, Subject, Work, micros
from tests.audit.reconciliation.data import Row, together

DAY = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
RULES = Rules(covers_from=DAY - dt.timedelta(days=10), covers_until=DAY + dt.timedelta(days=19))
WORK = Work(
    id=1,
    number="W-1",
    planned_from=DAY + dt.timedelta(hours=1),
    planned_until=DAY + dt.timedelta(hours=2),
    hosts=("DBSV13",),
    accounts=("tanaka",),
)
SUBJECT = Subject("DATABASE", "dbsv13", ("app", "KOKUHO\\Tanaka"), client="PC-1", object_name="T_KOJIN")


def at(minutes: float, *, volume: int = 1, subject: Subject = SUBJECT, number: int = 1) -> Row:
    """A row so many minutes after the planned work began."""
    return Row(number, micros(WORK.planned_from + dt.timedelta(minutes=minutes)), subject, volume)


def reconcile(
    rows: Sequence[Row], works: Sequence[Work], rules: Rules, *, before: Sequence[Row] = (), each: Any = None
) -> Result:
    """The engine over single rows."""
    return engine.reconcile(together(rows), works, rules, before=together(before), each=each)


def judged(row: Row, *works: Work, rules: Rules = RULES) -> tuple[str, str | None]:
    """Code and work number."""
    found: list[tuple[str, str | None]] = []
    reconcile(
        [row], works, rules, each=lambda _id, code, work: found.append((code, work.number if work else None))
    )
    return found[0]


def subject(**values: Any) -> Subject:
    """Like SUBJECT but for these."""
    names = (
        "log_kind",
        "host",
        "accounts",
        "client",
        "object_name",
        "action",
        "medium_type",
        "medium_serial",
    )
    return Subject(**{name: getattr(SUBJECT, name) for name in names} | values)


def test_r2_r3_r4_a_row_within_machine_account_and_time_fits() -> None:
    assert judged(at(0), WORK) == ("OK", "W-1")
    assert judged(at(60), WORK) == ("OK", "W-1")


def test_r4_the_tolerance_of_the_work_counts_at_both_ends() -> None:
    assert judged(at(-15), WORK) == ("TOL", "W-1")
    assert judged(at(75), WORK) == ("TOL", "W-1")
    assert judged(at(75.01), WORK) == ("U_TIME", "W-1")
    assert judged(at(76), replace(WORK, tolerance=dt.timedelta(minutes=30))) == ("TOL", "W-1")


def test_r4_what_was_done_counts_before_what_was_planned() -> None:
    done = replace(
        WORK,
        actual_from=WORK.planned_from + dt.timedelta(hours=5),
        actual_until=WORK.planned_from + dt.timedelta(hours=6),
    )

    assert judged(at(0), done)[0] == "U_TIME"
    assert judged(at(310), done)[0] == "OK"


def test_further_than_a_day_from_any_work_a_row_is_unplanned() -> None:
    assert judged(at(60 + 15 + 24 * 60), WORK)[0] == "U_TIME"
    assert judged(at(60 + 16 + 24 * 60), WORK) == ("U_NOPLAN", None)


def test_what_is_wrong_is_named_by_the_two_that_fit() -> None:
    assert judged(at(5, subject=subject(accounts=("sato",))), WORK) == ("U_ACCOUNT", "W-1")
    assert judged(at(5, subject=subject(host="other")), WORK) == ("U_HOST", "W-1")
    assert judged(at(5, subject=subject(host="other", accounts=("sato",))), WORK) == ("U_NOPLAN", None)


@pytest.mark.parametrize(
    ("declared", "name", "code"),
    [
        ((), "T_KOJIN", "OK"),
        (("t_kojin",), "T_KOJIN", "OK"),
        (("T_KOJIN",), "KOKUHO.T_KOJIN", "OK"),
        (("T_KO*",), "T_KOJIN", "OK"),
        (("T_SHIKAKU",), "T_KOJIN", "X_SCOPE"),
        (("list.csv",), r"D:\work\LIST.CSV", "OK"),
        ((r"D:\work\*",), r"D:\work\x.csv", "OK"),
        ((r"D:\work\*",), r"D:\other\x.csv", "X_SCOPE"),
    ],
)
def test_r5_the_object_lies_within_the_declared_scope(
    declared: tuple[str, ...], name: str, code: str
) -> None:
    assert judged(at(5, subject=subject(object_name=name)), replace(WORK, objects=declared)) == (code, "W-1")


def test_r6_a_medium_must_be_permitted_that_day_and_be_the_one_of_the_work() -> None:
    medium = subject(log_kind=TAKEOUT, medium_type=REMOVABLE, medium_serial="AB-1")
    start = micros(WORK.planned_from + dt.timedelta(minutes=10))
    permitted = replace(RULES, permits={"ab-1": ((start, start + 3600 * 10**6),)})

    assert judged(at(5, subject=medium), WORK, rules=permitted)[0] == "X_MEDIUM"
    assert judged(at(10, subject=medium), WORK, rules=permitted)[0] == "OK"
    assert judged(at(10, subject=medium), replace(WORK, medium_serial="ab-1"), rules=permitted)[0] == "OK"
    assert (
        judged(at(10, subject=medium), replace(WORK, medium_serial="zz-9"), rules=permitted)[0] == "X_MEDIUM"
    )
    without = subject(log_kind=TAKEOUT, medium_type=REMOVABLE)
    assert judged(at(10, subject=without), WORK, rules=permitted)[0] == "X_MEDIUM"
    result = reconcile([at(10, subject=without)], [], RULES)
    assert (result.sessions[0].code, result.sessions[0].medium_permitted) == ("U_NOPLAN", False)


def test_r7_one_row_and_a_whole_work_hold_to_what_was_declared() -> None:
    work = replace(WORK, expected_rows=100)

    assert judged(at(5, volume=100), work)[0] == "OK"
    assert judged(at(5, volume=101), work)[0] == "X_VOLUME"
    assert judged(at(5, volume=150), replace(work, volume_factor=1.5))[0] == "OK"
    total = reconcile([at(5, volume=60), at(6, volume=60, number=2)], [work], RULES)
    assert [(s.code, s.volume, s.work) for s in total.sessions] == [("X_VOLUME", 120, work)]


def test_the_nearest_window_wins_and_the_number_decides_ties() -> None:
    later = replace(
        WORK,
        id=2,
        number="W-0",
        planned_from=WORK.planned_until + dt.timedelta(minutes=20),
        planned_until=WORK.planned_until + dt.timedelta(hours=1),
    )

    assert judged(at(69), WORK, later) == ("AMBIGUOUS", "W-1")
    assert judged(at(71), WORK, later) == ("AMBIGUOUS", "W-0")
    assert judged(at(70), WORK, later) == ("AMBIGUOUS", "W-0")
    assert judged(at(30), WORK, replace(WORK, id=3, number="W-9")) == ("AMBIGUOUS", "W-1")
    assert judged(
        at(60), WORK, replace(later, planned_from=WORK.planned_until + dt.timedelta(minutes=1))
    ) == ("OK", "W-1")


def test_the_ledger_of_the_central_association_speaks_first() -> None:
    own = replace(WORK, id=2, number="A-1", rank=1)

    assert judged(at(5), WORK, own) == ("OK", "W-1")
    assert reconcile([at(5)], [WORK, own], RULES).sessions == []


def test_a_work_without_a_row_is_missed_when_it_is_over() -> None:
    assert [(s.code, s.row_count) for s in reconcile([], [WORK], RULES).sessions] == [("L_NOLOG", 0)]
    assert reconcile([], [replace(WORK, cancelled=True)], RULES).sessions == []
    running = replace(RULES, covers_until=WORK.planned_from + dt.timedelta(minutes=30))
    assert reconcile([], [WORK], running).sessions == []


def test_a_trace_before_the_month_shows_that_a_work_was_done() -> None:
    rules = replace(RULES, covers_from=WORK.planned_from + dt.timedelta(minutes=30))

    result = reconcile([], [WORK], rules, before=[at(5)])

    assert (result.sessions, result.counts) == ([], {})


def test_rows_of_a_cancelled_work_are_named() -> None:
    assert judged(at(5), replace(WORK, cancelled=True)) == ("L_CANCELLED", "W-1")
    assert judged(at(5), replace(WORK, cancelled=True), replace(WORK, id=2, number="W-2")) == ("OK", "W-2")


def test_rows_that_differ_alike_fold_into_sessions_cut_at_ten_minutes() -> None:
    rows = [at(minute, number=n) for n, minute in enumerate((200, 205, 215, 225.1), start=1)]

    sessions = reconcile(rows, [], RULES).sessions

    assert [(s.row_count, s.host, s.account, s.client, s.object_name) for s in sessions] == [
        (3, "dbsv13", "app", "PC-1", "T_KOJIN"),
        (1, "dbsv13", "app", "PC-1", "T_KOJIN"),
    ]


def test_a_fingerprint_lasts_until_the_rows_or_the_finding_change() -> None:
    rows = [at(200), at(205, number=2)]

    def print_of(rows: Sequence[Row], works: Sequence[Work], rules: Rules) -> str:
        return reconcile(rows, works, rules).sessions[0].fingerprint

    first = print_of(rows, [], RULES)

    assert print_of(rows[::-1], [], RULES) == first
    assert print_of([*rows, at(2000, number=9)], [], RULES) == first
    assert print_of([*rows, at(206, number=3)], [], RULES) != first
    assert print_of(rows, [WORK], RULES) != first


def test_rows_of_a_machine_that_do_not_come_together_are_refused_before_anything_is_told() -> None:
    """What is said of a machine is told before the next one is looked at; a session would be cut in two unseen."""
    one, other = together([at(200), at(201, subject=subject(host="dbsv14"))])
    again = together([at(205, number=2)])

    with pytest.raises(ValueError, match="together"):
        engine.reconcile([one, other, *again], [], RULES)


def test_rows_that_fit_a_work_are_one_line_with_its_number_whatever_they_were_about() -> None:
    """AUD-02: a record that fits work which 中央会 planned carries the 管理番号 of that work."""
    other = subject(object_name="T_OTHER", action="UPDATE")

    result = reconcile([at(5), at(15, volume=3), at(30, subject=other), at(500)], [WORK], RULES)

    (line,) = result.fitting
    assert (line.code, line.work, line.row_count, line.volume) == ("OK", WORK, 3, 5)
    assert (line.first_at, line.last_at) == (at(5)[1], at(30)[1])
    assert (line.object_name, line.actions) == ("", ("UPDATE",))
    assert [each.code for each in result.sessions] == ["U_TIME"]
