"""The list of 20,000 devices, beside a bare query and a plain page of as many bytes, and a workbook of 1,000 permits."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from django.db import connection
from django.template import Context, Engine
from django.test import Client
from django.utils import timezone, translation

from devices.permits.kinds import PERMIT
from devices.permits.models import Device
from devices.permits.tables import DEVICES
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow.bulk import checking, services
from portal.workflow.bulk.columns import columns_of
from portal.workflow.kinds import LineContext
from tests import factories
from tests.bulk.books import book
from tests.devices import world
from tests.devices.inventory import stock
from tests.perf.report import Report, in_turn
from tests.roles import client_of

COUNT, ROWS_SHOWN, ROWS, RUNS, ROUNDS = 20_000, 50, 1000, 31, 3
# The rows of the page as a plain template has them: the same values, links and tags.
_PLAIN = """{% for d in rows %}<tr role="row"><th role="rowheader" scope="row" class="no">\
<a class="u-mono u-nowrap" href="{% url "device_detail" d.number %}">{{ d.number }}</a></th>\
<td role="cell" class="who"><b>{{ d.maker }} {{ d.model }}</b><span class="u-sub">{{ d.get_kind_display }}</span></td>\
<td role="cell" class="u-mono" data-l="製造番号">{{ d.serial }}</td>\
<td role="cell" data-l="組織">{{ d.organisation.short_name }}</td>\
<td role="cell" data-l="許可する操作">{{ d.permit.get_grant_display }}</td>\
<td role="cell" data-l="使用者">{{ d.permit.end_user }}</td>\
<td role="cell" class="st"><span class="c-chip" data-s="done"><svg class="i" viewBox="0 0 20 20" aria-hidden="true">\
<path d="m4 10.500 4 4 8-9"/></svg>{{ d.permit.get_state_display }}</span></td>\
<td role="cell" class="u-num u-nowrap" data-l="有効期限">{{ d.permit.valid_until|date:"Y/n/j" }}</td></tr>
{% endfor %}"""


def measure(report: Report) -> None:
    """Both parts; the register is filled first, unless another section has done so."""
    federations = stock.federations()
    for organisation in federations:
        if Device.system.filter(organisation=organisation).count() < COUNT // len(federations):
            stock.fill(organisation, -(-COUNT // len(federations)))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    _measure_list(report)
    _measure_file(report)


def _measure_list(report: Report) -> None:
    people = {
        "operations": factories.user(Role.OPERATOR, code="operations"),
        "federation": factories.user(Role.SECURITY_OFFICER, code="13"),
    }
    deep = Device.system.order_by("-pk").values_list("pk", flat=True)[COUNT // 2]
    for who, person in people.items():
        client = client_of(User.objects.get(pk=person.pk), SERVER_NAME="127.0.0.1")
        client.get("/devices/")  # the first request of a session also writes when it was
        size, statements = _page(client, "/devices/")
        times = in_turn(lambda _n, client=client: client.get("/devices/"), _bare(size), _bare(), runs=RUNS)  # type: ignore[misc]
        for name, reference, beside in (
            (
                "first page",
                "a bare indexed query of its fields and a plain template of as many bytes",
                times[1],
            ),
            (
                "first page, beside its rows alone",
                "a bare indexed query and a plain template of the rows",
                times[2],
            ),
        ):
            report.add(
                f"device list, {name}, {who}, {COUNT:,} devices",
                times[0],
                "ms",
                reference=reference,
                reference_value=beside,
            )
        for name, address in (
            ("500 rows", "/devices/?rows=500"),
            ("filtered", "/devices/?kind=USB_STORAGE&state=REGISTERED"),
            ("deep page", f"/devices/?cursor=a{deep}"),
        ):
            _size, others = _page(client, address)
            report.add(
                f"device list, {name}, {who}, {COUNT:,} devices",
                in_turn(lambda _n, client=client, address=address: client.get(address), runs=RUNS)[0],  # type: ignore[misc]
                "ms",
            )
            report.add(
                f"device list, {name}, {who}, statements",
                others,
                "statements",
                reference="first page of 50 rows",
                reference_value=statements,
            )


def _page(client: Client, address: str) -> tuple[int, int]:
    """Bytes and statements of one page."""
    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        response = client.get(address)
    assert response.status_code == 200, address
    return len(response.content), len(statements)


def _bare(size: int = 0) -> Callable[[int], str]:
    """What the page is measured by: the fields of its rows in one statement by their index, and a plain template.

    With `size` the rows are written again until the template rendered as many bytes as the page has: its menu, search and
    frame hold as many values and tags to a kilobyte as its rows do. Without it the rows stand alone.
    """
    fields = {field for column in DEVICES.with_columns(None).columns for field in column.reads}
    query = Device.system.select_related("organisation", "permit").only(*fields).order_by("-pk")
    template = Engine.get_default().from_string(_PLAIN)
    once = len(template.render(Context({"rows": query[:ROWS_SHOWN]})).encode())
    rows = max(ROWS_SHOWN, round(ROWS_SHOWN * size / once))

    def render(_number: int) -> str:
        found = list(query[: ROWS_SHOWN + 1])[:ROWS_SHOWN]
        return str(template.render(Context({"rows": islice(cycle(found), rows)})))

    return render


def _measure_file(report: Report) -> None:
    cast = world.Cast()
    machines = [world.computer(code="13").name for _ in range(50)]
    rates = sorted(_rate(cast, machines, number) for number in range(ROUNDS))
    report.add(
        "a workbook of 1,000 devices: read, checked, previewed and taken over with its history",
        rates[ROUNDS // 2],
        "rows/s",
        reference="wanted at least",
        reference_value=300.0,
    )


def _rate(cast: world.Cast, machines: list[str], number: int) -> float:
    data = _workbook(cast, machines, number)
    start = time.perf_counter()
    upload = services.upload_file(
        kind=PERMIT,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        name="bench.xlsx",
        data=data,
        now=timezone.now(),
    )
    with translation.override("ja"):
        checking.check(upload_id=upload.pk, now=timezone.now())
    services.take_over(
        upload_id=upload.pk, actor=cast.applicant, version=None, reason="業務で使うため。", now=timezone.now()
    )
    seconds = time.perf_counter() - start
    upload.refresh_from_db()
    assert (upload.row_count, upload.error_count) == (ROWS, 0), "the rows were not right"
    return ROWS / seconds


def _workbook(cast: world.Cast, machines: list[str], number: int) -> bytes:
    context = LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )
    with translation.override("ja"):
        columns = columns_of(kinds.get(PERMIT), context)
    words = {"device_kind": "USBメモリ/USBハードディスク", "grant": "読み書き可能"}
    rows = []
    for n in range(ROWS):
        machine = machines[n % len(machines)]
        line = world.permit_line(machine, serial=f"BENCH{number}-{n:05}") | words | {"computers": machine}
        rows.append([line.get(column.name, "") for column in columns])
    return book(rows, header=[column.label for column in columns])
