"""Pages by key, also where something decides before the id: every row once, forwards and backwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.common.pagination import paginate
from portal.orgs.models import Organisation

pytestmark = pytest.mark.django_db
ORDER = ("kind", "-sort_order")


def _walk(rows: Any, order: tuple[str, ...]) -> tuple[list[int], list[list[int]]]:
    """Every page forwards; gives the ids and the pages that one comes back through."""
    found, cursor, pages = [], "", []
    while True:
        page = paginate(rows, cursor, 7, order=order)
        found += [row.pk for row in page.rows]
        pages.append([row.pk for row in page.rows])
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    back = []
    while page.previous_cursor is not None:
        page = paginate(rows, page.previous_cursor, 7, order=order)
        if page.rows:
            back.append([row.pk for row in page.rows])
        if page.previous_cursor is None:
            break
    assert back == pages[:-1][::-1]
    return found, pages


@pytest.mark.parametrize("order", [(), ORDER])
def test_every_row_is_on_one_page_in_the_order_that_was_asked_for(order: tuple[str, ...]) -> None:
    rows = Organisation.objects.all()

    found, pages = _walk(rows, order)

    assert found == list(rows.order_by(*order, "-pk").values_list("pk", flat=True))
    assert len(pages) > 5


def test_rows_that_are_equal_in_the_order_are_told_apart_by_the_id() -> None:
    Organisation.objects.update(sort_order=3)

    found, _pages = _walk(Organisation.objects.all(), ("sort_order",))

    assert found == sorted(found, reverse=True)


def test_a_page_takes_one_statement_and_another_one_only_where_an_order_has_to_be_looked_up() -> None:
    rows = Organisation.objects.all()
    ordered = paginate(rows, "", 7, order=ORDER).next_cursor
    for cursor, order, statements in (("", (), 1), ("a20", (), 1), ("", ORDER, 1), (ordered, ORDER, 2)):
        with CaptureQueriesContext(connection) as sent:
            paginate(rows, cursor, 7, order=order)
        assert len(sent) == statements


def test_a_cursor_whose_row_is_gone_shows_the_first_page() -> None:
    rows = Organisation.objects.all()

    assert paginate(rows, "a999999", 7, order=ORDER).rows == paginate(rows, "", 7, order=ORDER).rows


def test_org_02_a_cursor_tells_nothing_of_a_row_that_is_not_in_the_list() -> None:
    rows = Organisation.objects.filter(kind="FEDERATION")
    outside = Organisation.objects.exclude(kind="FEDERATION")

    found = [paginate(rows, f"{way}{row.pk}", 7, order=ORDER).rows for row in outside for way in "ab"]

    assert found == [paginate(rows, "", 7, order=ORDER).rows] * (2 * len(outside))
