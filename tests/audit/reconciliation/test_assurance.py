"""“No mismatch” is said only of logs that speak: a silent sender must not look like “no access” (AUD-10)."""

from __future__ import annotations

from typing import Any

import pytest

from audit.reconciliation.assurance import Assurance, assurance


def line(rows: int, missing: int = 0, sends: str = "DAILY", kind: str = "DATABASE") -> dict[str, Any]:
    """What a run froze of one machine."""
    days = [f"2026-09-{day:02}" for day in range(1, missing + 1)]
    return {"host": "db", "log_kind": kind, "days_with_rows": rows, "days_missing": days, "sends": sends}


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        ([], Assurance.NO_MACHINE),
        ([line(30, kind="TAKEOUT")], Assurance.NO_MACHINE),
        ([line(0, 30)], Assurance.NOTHING_CAME),
        ([line(0, sends="IRREGULAR")], Assurance.NOTHING_CAME),
        ([line(29, 1), line(30)], Assurance.GAPS),
        ([line(0, 30), line(30)], Assurance.GAPS),
        ([line(2, sends="IRREGULAR")], Assurance.IRREGULAR),
        ([line(2, sends="IRREGULAR"), line(30)], Assurance.WHOLE),
        ([line(30)], Assurance.WHOLE),
    ],
)
def test_aud_10_how_much_nothing_says(coverage: list[dict[str, Any]], expected: Assurance) -> None:
    found = assurance(coverage, "DATABASE")

    assert found == expected
    assert found.is_silent == (expected in (Assurance.NO_MACHINE, Assurance.NOTHING_CAME))


def test_aud_10_a_run_from_before_that_was_kept_is_read_as_before() -> None:
    old = line(30)
    del old["sends"]

    assert assurance([old], "DATABASE") == Assurance.WHOLE
