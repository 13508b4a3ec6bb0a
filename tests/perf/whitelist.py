"""The whitelist of 50,000 entries: each form beside a bare COPY of the same columns, the unchanged pull, the exact check."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from devices.computers.models import Computer, Segment
from devices.guard import publishing, versions
from devices.guard.models import WhitelistVersion
from devices.guard.render import render
from devices.reference import BusinessSystem, ComputerKind
from devices.whitelist.models import WhitelistEntry
from portal.gateways.guard import Form
from portal.orgs.permissions import Role
from portal.workflow.models import ApplicationLine
from tests import factories
from tests.perf.report import Report

ROUNDS, ASKED = 7, 51
LIMIT_MS = 10
FEDERATIONS = 47
_COLUMNS = {
    Form.CSV: "mac, ip, name, kind, organisation_id, segment, approved_at, valid_until",
    Form.JSON: "mac, ip, name, kind, organisation_id, segment, valid_until",
    Form.RADIUS: "mac, vlan",
    Form.NFTABLES: "mac, ip",
}


def measure(report: Report, size: int) -> None:
    """In turn (bare, form, bare, …), so that a machine that gets slower does so for both."""
    _fill(size)
    start = time.perf_counter()
    version = versions.bring_up_to_date(now=timezone.now(), at_once=True)
    report.add(f"whitelist: first version of {size:,} entries", time.perf_counter() - start, "s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for form in Form:
        _measure_form(report, form, version, size)
    _measure_pull(report, size)


def _measure_form(report: Report, form: Form, version: WhitelistVersion, size: int) -> None:
    extract = publishing.extract_for(form, version, timezone.now())
    bare, ours = [], []
    for _round in range(ROUNDS):
        bare.append(_seconds(lambda: _bare_copy(_COLUMNS[form])))
        ours.append(_seconds(lambda: b"".join(render(form, extract))))
    report.add(
        f"whitelist export as {form.value}, {size:,} entries",
        median(ours) * 1000,
        "ms",
        reference="bare COPY of the same columns to CSV",
        reference_value=median(bare) * 1000,
    )


def _bare_copy(columns: str) -> bytes:
    statement = f"COPY (SELECT {columns} FROM devices_listedpair WHERE unlisted_in_id IS NULL) TO STDOUT WITH (FORMAT csv)"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        return b"".join(copy)


def _measure_pull(report: Report, size: int) -> None:
    """Whole requests in this process, with the token of a program of operations."""
    operator = factories.user(Role.OPERATOR, code="operations")
    _row, secret = factories.token(operator)
    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Token {secret}"})
    first: Any = client.get("/api/v1/whitelist/")
    assert first.getvalue().count(b'"mac"') == size
    for name, query in (("", ""), (" of one federation", "?organisation=13")):
        address = f"/api/v1/whitelist/{query}"
        known = {"if-none-match": client.get(address)["ETag"]}
        asked = _asked(partial(client.get, address, headers=known), 304)
        _add(report, f"whitelist: unchanged pull{name} (304), median", *asked)
    macs = WhitelistEntry.system.order_by("?").values_list("mac", flat=True)[:ASKED]
    waiting = iter(list(macs))
    asked = _asked(lambda: client.get("/api/v1/whitelist/check/", {"mac": next(waiting)}), 200)
    _add(report, f"whitelist: exact MAC check among {size:,}, median", *asked)


def _add(report: Report, name: str, seconds: float, worked: float) -> None:
    """By the clock, which on a machine with other work counts that too, and the portal's own processor time in it."""
    for title, value in ((name, seconds), (f"{name} of processor time", worked)):
        report.add(title, value * 1000, "ms", reference="limit", reference_value=LIMIT_MS)


def _asked(ask: Callable[[], Any], status: int) -> tuple[float, float]:
    """Median seconds by the clock and of processor time."""
    times, worked = [], []
    for _number in range(ASKED):
        start, busy = time.perf_counter(), time.process_time()
        answer = ask()
        times.append(time.perf_counter() - start)
        worked.append(time.process_time() - busy)
        assert answer.status_code == status, answer.status_code
    return median(times), median(worked)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _fill(size: int) -> None:
    """Entries of every federation, each with a machine of its own."""
    now, kind = timezone.now(), ComputerKind.objects.get(code="client")
    system = BusinessSystem.objects.get(code="common")
    for number in range(1, FEDERATIONS + 1):
        code = f"{number:02}"
        organisation, template = factories.organisation(code), factories.line(code=code)
        segments = [
            Segment.system.create(
                organisation=organisation,
                network=f"10.{number}.{third}.0/24",
                purpose="CLIENT",
                vlan=100 + third,
                valid_from=factories.LONG_AGO,
            )
            for third in range(20, 26)
        ]
        mine = range(number - 1, size, FEDERATIONS)
        lines = [
            ApplicationLine(
                **{
                    field.attname: getattr(template, field.attname)
                    for field in ApplicationLine._meta.concrete_fields
                    if field.attname not in ("id", "position", "uid")
                },
                position=template.position + n + 1,
            )
            for n in range(len(mine))
        ]
        lines = ApplicationLine.system.bulk_create(lines, batch_size=2000)
        computers = Computer.system.bulk_create(
            [
                Computer(
                    organisation=organisation,
                    name=f"KK{code}-{n:06}",
                    kind=kind,
                    business_system=system,
                    last_line=template,
                )
                for n in mine
            ],
            batch_size=2000,
        )
        WhitelistEntry.system.bulk_create(
            [
                WhitelistEntry(
                    organisation=organisation,
                    computer=computers[i],
                    mac=f"00:0d:5e:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}",
                    ip=f"10.{number}.{20 + i // 250}.{i % 250 + 2}",
                    segment=segments[i // 250],
                    approved_at=now,
                    line=lines[i],
                    last_line=lines[i],
                )
                for i, n in enumerate(mine)
            ],
            batch_size=2000,
        )
