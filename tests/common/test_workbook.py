"""Workbooks that the portal makes: nothing in them is ever run, nothing loses its zeros."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
from typing import Any

from openpyxl import load_workbook

from portal.common.workbook import workbook_response


def opened(rows: list[list[Any]], name: str = "一覧.xlsx") -> Any:
    response = workbook_response(name, ["番号", "=氏名"], rows)
    return load_workbook(io.BytesIO(b"".join(response.streaming_content))).active  # type: ignore[arg-type]


def test_a_cell_that_begins_like_a_formula_is_text() -> None:
    sheet = opened([["=1+1", "+81"], ["@SUM(A1)", "-"]])

    assert [[cell.data_type for cell in row] for row in sheet.iter_rows()] == [["s", "s"]] * 3
    assert sheet["A2"].value == "=1+1"


def test_leading_zeros_numbers_and_days_stay_what_they_are() -> None:
    sheet = opened([["00123", 7], ["\x00a\x0b", dt.date(2026, 12, 1)]])

    assert [sheet["A2"].value, sheet["B2"].value] == ["00123", 7]
    assert sheet["A3"].value == "a"
    assert sheet["B3"].value.date() == dt.date(2026, 12, 1)


def test_times_are_japanese_times() -> None:
    sheet = opened([[dt.datetime(2026, 11, 30, 15, 30, tzinfo=dt.UTC), ""]])

    assert sheet["A2"].value.isoformat() == "2026-12-01T00:30:00"


def test_the_header_stands_still_and_the_name_is_japanese() -> None:
    response = workbook_response("申請一覧.xlsx", ["番号"], [])

    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active  # type: ignore[arg-type]
    assert sheet is not None
    assert sheet.freeze_panes == "A2"
    assert "%E7%94%B3" in response["Content-Disposition"]


def test_a_process_that_makes_no_workbook_does_not_carry_what_makes_them() -> None:
    """openpyxl, lxml and Pillow would be 13 MB of every worker (portal.common.xlsx)."""
    asked = "import django, sys; django.setup(); print(sorted({'openpyxl', 'lxml', 'PIL', 'weasyprint'} & set(sys.modules)))"

    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", asked], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
