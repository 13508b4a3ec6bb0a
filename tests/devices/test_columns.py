"""What the columns of the registers say they read is all that they read: a list loads nothing else of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from accounts.tables import ACCOUNTS
from devices.computers.tables import COMPUTERS
from devices.permits.tables import DEVICES
from devices.whitelist.tables import WHITELIST
from portal.common.tables import Shown, Table
from portal.workflow.tables import APPLICATIONS
from tests import factories
from tests.devices import world
from tests.devices.whitelist import corpus

pytestmark = pytest.mark.django_db


def entry() -> models.Model:
    return corpus.entry(world.computer(), world.segment(), "00:0d:5e:00:00:01", "10.13.20.9")


ROWS: list[tuple[Table[Any], Callable[[], models.Model]]] = [
    (ACCOUNTS, factories.directory_account),
    (APPLICATIONS, lambda: factories.application(status="IN_REVIEW")),
    (COMPUTERS, world.computer),
    (DEVICES, lambda: world.registered(world.Cast()).device),
    (WHITELIST, entry),
]


@pytest.mark.parametrize(("table", "make"), ROWS, ids=[table.name for table, _make in ROWS])
def test_a_column_needs_no_statement_beyond_what_it_says_it_reads(
    table: Table[Any], make: Callable[[], models.Model], django_assert_num_queries: Any
) -> None:
    rows = type(make())._base_manager.all()

    for column in table.columns:
        alone = Shown(table=table, columns=[column])
        with django_assert_num_queries(1):
            for row in alone.prepared(rows):
                column.shown(row)
                column.text(row)
