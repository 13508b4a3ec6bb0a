"""Machines that nobody registered are counted and listed without reading every line that waits (AUD-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Max, Min
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import waiting
from audit.imports import selectors
from audit.imports.models import HeldLine
from portal.common.pagination import COUNT_LIMIT
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.imports import logs
from tests.roles import client_for

pytestmark = pytest.mark.django_db
_CARD = "ログにある未登録の機器"


def held(**machines: int) -> None:
    """So many lines that wait of each machine, an hour between two."""
    made = logs.upload(logs.text(logs.line()))
    number = 0
    for name, count in machines.items():
        for hour in range(count):
            number += 1
            HeldLine.objects.create(
                log_import=made,
                line_number=number,
                host=name.upper() if hour else name,
                key=name,
                event_at=logs.NOW + dt.timedelta(hours=hour),
                raw=b"x",
            )


def whole_table() -> list[tuple[Any, ...]]:
    """The same by reading every line."""
    rows = HeldLine.objects.values("key").annotate(n=Count("pk"), first=Min("event_at"), last=Max("event_at"))
    return list(rows.order_by("key").values_list("key", "n", "first", "last"))


def test_aud_10_unknown_machines_are_those_of_the_whole_table_in_one_statement() -> None:
    held(db03=1, db01=4, kk13=7)

    with CaptureQueriesContext(connection) as sent:
        found = selectors.unknown_hosts()
    with CaptureQueriesContext(connection) as counted:
        count = selectors.unknown_count()

    assert [(one.key, one.lines, one.first, one.last) for one in found] == whole_table()
    assert [one.name for one in found] == ["db01", "db03", "kk13"]  # as the first line spells it
    assert (count, len(sent), len(counted)) == (3, 1, 1)


def test_aud_10_nothing_waits_without_a_line() -> None:
    assert (selectors.unknown_hosts(), selectors.unknown_count()) == ([], 0)
    assert not selectors.lines_being_taken_in()


def test_aud_10_more_lines_than_are_counted_are_more_and_more_machines_than_are_shown_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "COUNT_LIMIT", 2)
    held(db01=4, db02=2, db03=1)

    assert [one.lines for one in selectors.unknown_hosts()] == [3, 2, 1]
    assert selectors.unknown_count() == 3
    assert [one.key for one in selectors.unknown_hosts(most=2)] == ["db01", "db02"]
    assert COUNT_LIMIT == 1000


def test_aud_10_a_machine_that_was_registered_is_unknown_no_more_and_its_lines_are_said_to_wait() -> None:
    held(db01=2, db02=1)
    logs.host("db01")

    page = client_for(Role.OPERATOR, code="operations").get(reverse("log_hosts")).content.decode()

    assert [one.key for one in selectors.unknown_hosts()] == ["db02"]
    cards = {str(card.label): card.count for card in waiting.of(factories.operator(), timezone.now())}
    assert cards[_CARD] == 1
    assert "登録済みの機器のログ行が取込みを待っています" in page
