"""Searching folded text: every word of the query occurs, found through an index whatever its length (ACC-02).

Three characters or more are found by trigrams. Names of one or two kanji or kana are shorter than a trigram: a second
index holds single characters and pairs of them (`search_grams`, see portal/common/migrations/0002_search_grams_faster.py).
Two ASCII letters are in every other login name: they are looked for without an index, within the person's scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import StrIndex

from portal.common.text import search_terms

M = TypeVar("M")
Q = TypeVar("Q", bound="QuerySet[Any]")

_TRIGRAM = 3


class Grams(Func):
    """The single characters and pairs of a text that are not ASCII, as an array."""

    function = "search_grams"
    output_field = ArrayField(TextField())  # type: ignore[assignment]


def search_indexes(name: str, field: str = "search_text") -> list[GinIndex]:
    """The two indexes of a model with a folded `search_text`, or another such field; `name` begins their names."""
    return [
        GinIndex(OpClass(F(field), name="gin_trgm_ops"), name=f"{name}_search"),
        GinIndex(Grams(F(field)), name=f"{name}_grams"),
    ]


def matching(rows: Q, query: str, field: str = "search_text") -> Q:
    """The rows whose `search_text` holds every word of the query, whatever its width, case and kana."""
    return holding(rows, search_terms(query), field)


def matching_few(rows: Q, query: str, field: str = "search_text") -> Q:
    """The same for rows of a table without these indexes, which can be gone through: a hundred thousand take a tenth of a second."""
    for term in search_terms(query):
        rows = rows.filter(**{f"{field}__contains": term})
    return rows


def holding(rows: Q, terms: list[str], field: str = "search_text") -> Q:
    """The rows whose `search_text` holds every one of these folded words."""
    grams = [gram for term in terms for gram in grams_of(term)]
    if grams:
        rows = rows.alias(search_grams=Grams(F(field))).filter(search_grams__contains=grams)
    for number, term in enumerate(terms):
        if grams_of(term):
            # The index finds a rare name. A common one is found by going through the newest rows, where STRPOS costs
            # little and, unlike LIKE, is not taken for a further condition that hardly any row meets.
            place = f"place_{number}"
            rows = rows.alias(**{place: StrIndex(F(field), Value(term))}).filter(**{f"{place}__gt": 0})
        else:
            rows = rows.filter(**{f"{field}__contains": term})
    return rows


def grams_of(term: str) -> list[str]:
    """What the second index knows of a term that is too short for the first; nothing for two ASCII letters."""
    if len(term) >= _TRIGRAM:
        return []
    japanese = [character for character in term if not character.isascii()]
    return [term] if len(japanese) == len(term) else japanese


def batched(rows: Iterable[M], size: int) -> Iterator[list[M]]:
    """The rows in lists of `size`, the last one shorter."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
