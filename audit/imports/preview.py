"""What a file would become, before it is imported: its first lines through the mapping, its days, and what of it is there already."""

from __future__ import annotations

import csv
import re
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from audit.imports import findings, loading, mappings
from audit.imports.errors import Refused
from audit.imports.layout import MOST_LINES
from audit.imports.models import LogCoverage, LogImport
from audit.imports.parsing import Parsed, Parser
from audit.imports.rows import WRITTEN
from audit.imports.times import day_of
from audit.imports.wording import LABELS, MEANINGS
from audit.reconciliation.masking import masked, masked_account

_ESCAPED, _ESCAPES = re.compile(r"\\(.)"), {"t": "\t", "n": "\n", "r": "\r"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_ROWS = 10
_LINES = 2_000  # of the first and of the last piece: enough to see machines and days
_SHOWN = tuple(name for name in LABELS if name in WRITTEN)
_ACCOUNTS, _OBJECTS = ("db_user", "os_user"), ("object_name", "target")


@dataclass
class Preview:
    """For the page. `refused` is why it cannot be imported as things stand."""

    refused: str = ""
    columns: list[tuple[Any, str]] = field(
        default_factory=list
    )  # field and the heading it comes from, "" for none
    unread: list[str] = field(default_factory=list)  # headings that the mapping does not name
    labels: list[Any] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    is_masked: bool = False  # something of the rows is hidden
    problems: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    days: list[date] = field(default_factory=list)  # first and last
    there: int = 0  # machines and days of these lines of which another import has brought rows


def preview_of(made: LogImport, now: datetime, *, whole: bool = False) -> Preview:
    """The file through the mapping in force; accounts and names of files masked unless `whole` (SEC-02)."""
    made.mapping, made.allowed = mappings.current_mapping(), mappings.current_access()
    shown = Preview()
    layout = mappings.layout_of(made.mapping, made.log_kind)
    if not made.is_json:
        headings = _headings(made, layout.delimiter)
        known = {heading for heading in layout.headings.values() if heading}
        shown.columns = [(LABELS[name], layout.headings.get(name, "")) for name in LABELS]
        shown.columns = [(label, heading if heading in headings else "") for label, heading in shown.columns]
        shown.unread = [heading for heading in headings if heading not in known]
    try:
        loading.check_columns(made)
    except Refused as refused:
        shown.refused = refused.reason
        return shown
    parsed = _parsed(made, loading.parser_of(made, now))
    _show_rows(shown, parsed, made.log_kind, whole=whole)
    said: dict[str, Any] = {}
    findings.merge(said, parsed.problems)
    shown.problems = findings.worded(said)
    shown.unknown = sorted({host for _line, host, _at, _raw in parsed.held})[:20]
    days = sorted(each.day for each in parsed.coverage)
    if days:
        shown.days = [day_of(days[0]), day_of(days[-1])]
        pairs = {(each.host_id, day_of(each.day)) for each in parsed.coverage}
        rows = LogCoverage.system.filter(log_kind=made.log_kind, host__in={host for host, _day in pairs})
        brought = rows.filter(day__range=shown.days).values_list("host_id", "day").distinct()
        shown.there = len(pairs & set(brought))
    return shown


def _headings(made: LogImport, delimiter: str) -> list[str]:
    return next(csv.reader([made.header], delimiter=delimiter), [])


def _parsed(made: LogImport, parser: Parser) -> Parsed:
    """The first lines of the first piece and the last of the last. What is said of records that begin or end beyond these is
    not true: lines beyond are read as well, and nothing is said of them."""
    first, last = made.chunks.get(number=0), made.chunks.get(number=made.chunk_count - 1)
    lines = zlib.decompress(first.data).removesuffix(b"\n").split(b"\n")
    skipped = 0 if made.is_json else 1
    # Each as a whole: a record may go over several lines.
    chosen = [(skipped + 1, b"\n".join(lines[skipped : _LINES + MOST_LINES]))]
    looked_at = [range(skipped + 1, _LINES + 1)]
    if last.pk != first.pk:
        tail = zlib.decompress(last.data).removesuffix(b"\n").split(b"\n")
        start = max(len(tail) - _LINES, 0)
        before = max(start - MOST_LINES, 0)
        chosen.append((last.first_line + before, b"\n".join(tail[before:])))
        looked_at.append(range(last.first_line + start, last.first_line + len(tail)))
    parsed = parser.parse_lines(chosen)
    parsed.problems = [
        problem for problem in parsed.problems if any(problem[0] in lines for lines in looked_at)
    ]
    return parsed


def _show_rows(shown: Preview, parsed: Parsed, log_kind: str, *, whole: bool) -> None:
    """The first rows in the columns that the file has; whether numbers are involved the machine may say as well."""
    lacking = {name for name, (_label, heading) in zip(LABELS, shown.columns, strict=False) if not heading}
    names = [name for name in _SHOWN if name not in lacking - {"involves_number"}]
    shown.labels = [LABELS[name] for name in names]
    for row in parsed.rows[:_ROWS]:
        values = row.decode().removesuffix("\n").split("\t")
        read = {name: _as_it_was(values[WRITTEN.index(name)]) for name in names}
        told = read if whole else {name: _masked(name, value, log_kind) for name, value in read.items()}
        shown.rows.append([_worded(name, value) for name, value in told.items()])
        shown.is_masked |= told != read


def _worded(name: str, value: str) -> str:
    """A value that stands for a word of the mapping, as people say it."""
    if name == "involves_number":
        value = "YES" if value == "t" else "NO"
    return str(MEANINGS.get(name, {}).get(value, value))


def _masked(name: str, value: str, log_kind: str) -> str:
    if name in _ACCOUNTS:
        return masked_account(value)
    return masked(value, log_kind) if name in _OBJECTS else value


def _as_it_was(value: str) -> str:
    """A value as people write it: without the escapes of COPY (a path has backslashes), and without the offset of Japan."""
    if value == "\\N":
        return ""
    plain = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)
    return plain.removesuffix("+09:00") if _MOMENT.match(plain) else plain
