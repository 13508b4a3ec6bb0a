"""Opening the quarter's inventory for 47 federations with 500 devices each, beside a bare copy of the same rows."""

from __future__ import annotations

import time

from django.db import connection

from devices.inventory import opening
from devices.inventory.models import InventoryLine
from portal.common.time import JST
from tests.devices.inventory import stock
from tests.perf.report import Report

DEVICES = 500


def measure(report: Report) -> None:
    """Once: a quarter is opened once."""
    for organisation in stock.federations():
        stock.fill(organisation, DEVICES)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    now = stock.AS_OF.replace(year=2027, month=1, day=1).astimezone(JST)
    start = time.perf_counter()
    opening.open_campaign(now=now, period=now)
    seconds = time.perf_counter() - start
    count = InventoryLine.system.count()
    assert count == 47 * DEVICES, count
    report.add(
        f"opening a campaign for 47 x {DEVICES} devices",
        seconds,
        "s",
        reference="bare INSERT … SELECT of as many rows without constraints",
        reference_value=_bare(),
    )


def _bare() -> float:
    """The same lines into a table of their own."""
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_lines AS SELECT * FROM inventory_inventoryline")
        seconds = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_lines")
    return seconds
