"""A register as a file: CSV for every size, Excel up to a size that Excel and the portal handle with ease."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.csvfile import csv_response
from portal.common.pagination import limited_count
from portal.common.tables import Shown
from portal.common.workbook import workbook_response

CSV, EXCEL = "csv", "xlsx"
FORMATS = (CSV, EXCEL)
CSV_LIMIT = 1_000_000
EXCEL_LIMIT = 20_000
PRINT_LIMIT = 1_000
_CHUNK = 1000


def file_format(value: str) -> str:
    """The format that a URL asks for; CSV when it names none that exists."""
    return value if value in FORMATS else CSV


def limit_of(kind: str) -> int:
    """How many rows a file of this format holds at most."""
    return EXCEL_LIMIT if kind == EXCEL else CSV_LIMIT


def table_response(
    kind: str, name: str, table: Shown[Any], rows: QuerySet[Any]
) -> HttpResponse | StreamingHttpResponse:
    """The rows as a download called `name` (without ending), in the columns of `table`; the caller records it first."""
    lines = table.lines(_read(table.prepared(rows)[: limit_of(kind)]))
    return rows_response(kind, name, table.header, lines)


def rows_response(
    kind: str, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse | StreamingHttpResponse:
    """Rows that are no register as a download called `name` (without ending)."""
    if kind == EXCEL:
        return workbook_response(f"{name}.xlsx", header, rows)
    return csv_response(f"{name}.csv", header, rows)


def _read(rows: QuerySet[Any]) -> Iterator[Any]:
    return rows.iterator(chunk_size=_CHUNK)


def too_many(kind: str, rows: QuerySet[Any]) -> str | None:
    """Why these rows do not go into one file of this format; None when they do."""
    limit = limit_of(kind)
    if kind == CSV or limited_count(rows, limit) <= limit:
        return None
    text = _("An Excel file holds up to %(limit)s rows. Narrow the filters, or download the list as CSV.")
    return text % {"limit": f"{limit:,}"}


def print_context(rows: QuerySet[Any], table: Shown[Any]) -> dict[str, Any]:
    """What components/list_print.html shows of a register: the newest rows, and whether there are more."""
    found = list(table.prepared(rows)[: PRINT_LIMIT + 1])
    return {
        "table": table,
        "rows": table.rows(found[:PRINT_LIMIT]),
        "count": min(len(found), PRINT_LIMIT),
        "more": len(found) > PRINT_LIMIT,
        "made_at": timezone.now(),
    }
