"""Keyset paging: page 1,000 costs what page 1 costs. Rows are ordered by descending id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)

COUNT_LIMIT = 1000


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list: its rows and the cursors of its neighbours (None where there is none)."""

    rows: list[M]
    next_cursor: str | None
    previous_cursor: str | None


def _cursor(direction: str, pk: int) -> str:
    return f"{direction}{pk}"


def _parse(cursor: str | None) -> tuple[str, int] | None:
    if cursor and len(cursor) < 20 and cursor[0] in "ab" and cursor[1:].isascii() and cursor[1:].isdigit():
        return cursor[0], int(cursor[1:])
    return None


def is_cursor(text: str) -> bool:
    """Whether `paginate` would understand the cursor."""
    return _parse(text) is not None


def paginate(queryset: Any, cursor: str | None, size: int = 50) -> Page[Any]:
    """The page at `cursor` ("a<id>": after that row, "b<id>": before it); an unknown cursor gives the first page.

    One statement whatever the page; a last row more than the page tells whether there is a neighbour.
    """
    position = _parse(cursor)
    if position is None:
        rows = list(queryset.order_by("-pk")[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(rows, _cursor("a", rows[-1].pk) if more else None, None)
    direction, pk = position
    if direction == "a":
        rows = list(queryset.filter(pk__lt=pk).order_by("-pk")[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(
            rows, _cursor("a", rows[-1].pk) if more else None, _cursor("b", rows[0].pk) if rows else None
        )
    rows = list(queryset.filter(pk__gt=pk).order_by("pk")[: size + 1])
    more = len(rows) > size
    rows = rows[:size][::-1]
    return Page(rows, _cursor("a", rows[-1].pk) if rows else None, _cursor("b", rows[0].pk) if more else None)


def limited_count(queryset: Any, limit: int = COUNT_LIMIT) -> int:
    """How many rows, but never more than `limit` + 1: "1,000件以上" is enough to know and stays fast."""
    return int(queryset.order_by()[: limit + 1].values("pk").count())
