"""Keyset paging: page 1,000 costs what page 1 costs. Rows are ordered by descending id, or by something else before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Q

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


def paginate(queryset: Any, cursor: str | None, size: int = 50, *, order: Sequence[str] = ()) -> Page[Any]:
    """The page at `cursor` ("a<id>": after that row, "b<id>": before it); an unknown cursor gives the first page, and with
    `order` one whose row is not, or no more, in the list.

    `order` names what decides before the id, as for order_by: ("-cycle__month", "organisation__sort_order"); none of it may be
    null. Without it one statement whatever the page, with it one more that looks where the row of the cursor stands. A last row
    more than the page tells whether there is a neighbour.
    """
    names = (*order, "-pk")
    position = _parse(cursor)
    values = _values_at(queryset, position[1], names) if position else None
    if position is None or values is None:
        rows = list(queryset.order_by(*names)[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(rows, _cursor("a", rows[-1].pk) if more else None, None)
    if position[0] == "a":
        rows = list(queryset.filter(_beyond(names, values)).order_by(*names)[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        return Page(
            rows, _cursor("a", rows[-1].pk) if more else None, _cursor("b", rows[0].pk) if rows else None
        )
    back = [_turned(name) for name in names]
    rows = list(queryset.filter(_beyond(back, values)).order_by(*back)[: size + 1])
    more = len(rows) > size
    rows = rows[:size][::-1]
    return Page(rows, _cursor("a", rows[-1].pk) if rows else None, _cursor("b", rows[0].pk) if more else None)


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _values_at(queryset: Any, pk: int, names: Sequence[str]) -> tuple[Any, ...] | None:
    """What the row of a cursor is ordered by; None when it is not, or no more, in the list.

    Asked within the list: the place of a row that somebody may not see would tell what it is ordered by (ORG-02).
    """
    plain = [name.removeprefix("-") for name in names]
    if set(plain) == {"pk"}:
        return (pk,) * len(names)
    found: tuple[Any, ...] | None = queryset.filter(pk=pk).order_by().values_list(*plain).first()
    return found


def _beyond(names: Sequence[str], values: Sequence[Any]) -> Q:
    """The rows that stand after these values."""
    found, same = Q(), Q()
    for name, value in zip(names, values, strict=True):
        field = name.removeprefix("-")
        found |= same & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= Q(**{field: value})
    return found


def limited_count(queryset: Any, limit: int = COUNT_LIMIT) -> int:
    """How many rows, but never more than `limit` + 1: "1,000件以上" is enough to know and stays fast."""
    return int(queryset.order_by()[: limit + 1].values("pk").count())
