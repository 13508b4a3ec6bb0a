"""Workbooks and texts as people make them, right and wrong."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook

HEADER = (
    "姓",
    "名",
    "フリガナ（セイ）",
    "フリガナ（メイ）",
    "ログイン名",
    "所属",
    "職員番号",
    "初期パスワード受信担当者",
)


def person(number: int, recipient: str) -> list[Any]:
    """One right row."""
    return [
        "鈴木",
        "美咲",
        "スズキ",
        "ミサキ",
        f"tk{number:05}-suzuki",
        "審査第二課",
        f"{number:05}",
        recipient,
    ]


def saved(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def book(
    rows: Sequence[Sequence[Any]],
    header: Sequence[Any] = HEADER,
    change: Callable[[Any], None] | None = None,
) -> bytes:
    """A workbook with one sheet; `change` does to the sheet what people do."""
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    if change is not None:
        change(sheet)
    return saved(made)
