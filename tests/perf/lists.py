"""The application list at ten thousand and at a million rows: first page, page 1,000, an exact search."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.models import Application
from tests import factories
from tests.perf.report import Report
from tests.roles import client_of

RUNS = 31


def measure(report: Report, small: int, large: int) -> None:
    """Both sizes with the same code in one database that grows in between."""
    operator = factories.user(Role.OPERATOR, code="operations")
    clerk = factories.user(Role.APPLICANT, code="13")
    figures: dict[int, dict[str, tuple[float, int]]] = {}
    for size in (small, large):
        _fill(size)
        figures[size] = _measure_size(operator, clerk)
    for name, (seconds, statements) in figures[large].items():
        before, statements_before = figures[small][name]
        report.add(
            f"application list, {name}, {large:,} applications",
            seconds * 1000,
            "ms",
            reference=f"the same at {small:,}",
            reference_value=before * 1000,
        )
        report.add(
            f"application list, {name}, statements",
            statements,
            "statements",
            reference=f"the same at {small:,}",
            reference_value=statements_before,
        )


def _fill(size: int) -> None:
    missing = size - Application.system.count()
    start = time.perf_counter()
    call_command("demo_data", federations=47, accounts=0, applications=max(missing, 0), verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(
        f"{Application.system.count():,} applications after {time.perf_counter() - start:.0f} s", flush=True
    )


def _measure_size(operator: User, clerk: User) -> dict[str, tuple[float, int]]:
    newest = Application.system.order_by("-pk").values_list("pk", flat=True)
    total = newest.count()
    deep = newest[min(50 * 1000, total - 51)]
    own = Application.system.filter(organisation__code="13").order_by("-pk")
    number = own[min(own.count() - 1, 100)].number
    pages = {
        "first page, operations": (operator, "/applications/"),
        "page 1,000 (or the last), operations": (operator, f"/applications/?cursor=a{deep}"),
        "exact search, operations": (operator, f"/applications/?q={number}"),
        "first page, federation": (clerk, "/applications/"),
        "exact search, federation": (clerk, f"/applications/?q={number}"),
    }
    clients = {
        person.pk: client_of(User.objects.get(pk=person.pk), SERVER_NAME="127.0.0.1")
        for person in (operator, clerk)
    }
    return {name: _measure_page(clients[person.pk], url) for name, (person, url) in pages.items()}


def _measure_page(client: Client, url: str) -> tuple[float, int]:
    """Median seconds of a whole request in this process, and its number of statements."""
    assert client.get(url).status_code == 200, url
    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        client.get(url)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        client.get(url)
        times.append(time.perf_counter() - start)
    return median(times), len(statements)
