"""Quotation marks hide no line: one that is never closed costs its own at most, and a text within them that looks like rows
takes nothing out of the log, its own access neither (AUD-01, AUD-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.imports import findings, storing
from audit.imports.allowed import AllowList
from audit.imports.layout import EPOCH, MOST_LINES, Layout
from audit.imports.parsing import Known, KnownHost, Parsed, Parser
from audit.imports.rows import WRITTEN
from audit.reconciliation.engine import micros
from tests.audit.imports import logs

EARLIEST, LATEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


WHOLE = 1 << 20
# The text stands left of the time.
TEXT_FIRST = "event_id,object,_time,host,db_user,action"


def read(
    data: bytes, size: int = WHOLE, header: str = logs.HEADER, layout: Layout | None = None
) -> list[Parsed]:
    """The pieces of a file, read one after the other as an import does it."""
    host = KnownHost(1, "dbsv13", 13, True)
    known = Known({"dbsv13": host}, AllowList(), micros(EARLIEST), micros(LATEST))
    layout = layout or Layout.brought("DATABASE")
    parser = Parser(layout=layout, header=header, encoding="utf-8", import_id=1, known=known)
    found, line = [], 1
    for piece in storing.pieces(iter([f"{header}\n".encode() + data]), size):
        first = line == 1
        rest = piece.partition(b"\n")[2] if first else piece
        found.append(parser.parse(rest, line + first, 1))
        line += piece.count(b"\n")
    return found


def rows(found: list[Parsed], field: str = "object_name") -> dict[str, str]:
    """Number at the source and object, or another field, of every row."""
    number, name = WRITTEN.index("source_id"), WRITTEN.index(field)
    every = [row.decode().split("\t") for parsed in found for row in parsed.rows]
    made = {row[number]: row[name] for row in every}
    assert len(made) == len(every)
    return made


def said(found: list[Parsed]) -> dict[str, list[int]]:
    """The lines that each finding names."""
    made: dict[str, list[int]] = {}
    for parsed in found:
        for line, code, _detail in parsed.problems:
            made.setdefault(code, []).append(line)
    return made


def accounted(found: list[Parsed]) -> int:
    """Lines that became a row, wait, were refused, or go on with the row before."""
    named = said(found)
    refused = sum(len(lines) for code, lines in named.items() if code in findings.REFUSED)
    taken = sum(len(parsed.rows) + len(parsed.held) for parsed in found)
    return taken + refused + len(named.get("CONTINUED", ()))


def test_an_open_quotation_mark_takes_no_line_along() -> None:
    others = [logs.line(event=f"e{n}") for n in range(5 * MOST_LINES)]
    lines = [logs.line(event="broken", object_name='"T_KOJIN'), *others]

    found = read("\n".join([*lines, ""]).encode())

    assert said(found) == {"QUOTE": [2]}
    assert len(rows(found)) == len(others)


@pytest.mark.parametrize("opened", ['"T_KOJIN', '"a,b', '"a,b,c,d'])
@pytest.mark.parametrize("closed", ['T_KOJIN"', 'a,b"'])
def test_two_lines_whose_quotation_marks_fit_together_hide_nothing_between_them(
    opened: str, closed: str
) -> None:
    """The record is as wide as the headings; somebody with two accesses could hide those between, and the second."""
    lines = [
        logs.line(event="opens", object_name=opened),
        logs.line(event="hidden", user="sato"),
        logs.line(event="closes", object_name=closed),
    ]

    found = read("\n".join([*lines, ""]).encode())

    users = rows(found, "db_user")
    assert users["hidden"] == "sato"
    named = said(found)
    assert 2 in named.get("QUOTE", []) + named.get("TWO_WAYS", [])
    assert ("closes" in users) is (closed == 'T_KOJIN"')  # the other one is too wide
    assert accounted(found) == 3


def test_two_lines_whose_quotation_marks_fit_together_are_two_rows() -> None:
    lines = [logs.line(event="opens", object_name='"x,y'), logs.line(event="closes", object_name='z"')]

    found = read("\n".join([*lines, ""]).encode())

    assert rows(found) == {"opens": f"x,y,5,0\\n{lines[1][:-5]}", "closes": 'z"'}
    assert said(found) == {"TWO_WAYS": [2]}


@pytest.mark.parametrize(
    "inner", ["2026-09-01 10:00:00,", "2026-09-01 10:00:00,a,b", logs.line(event="inner", user="sato")]
)
@pytest.mark.parametrize("last", ["FROM x", "2026-09-01 10:00:00,b", ""])
def test_a_text_that_looks_like_rows_takes_its_own_access_out_of_no_log(inner: str, last: str) -> None:
    text = f"SELECT 1\n{inner}\nIN ({inner}\n{last}"
    lines = [logs.line(event="a", object_name=f'"{text}"'), logs.line(event="b")]

    found = read("\n".join([*lines, ""]).encode())

    kept = rows(found)
    assert kept.pop("a") == text.replace("\n", "\\n")
    assert kept.pop("b") == "T_KOJIN"
    assert list(kept) == (["inner"] if "inner" in inner else [])
    named = said(found)
    assert named.pop("TWO_WAYS") == [2]
    assert set(named) == {"CONTINUED"}
    assert accounted(found) == 5


def test_numbers_of_a_text_that_are_times_for_the_mapping_cost_nothing() -> None:
    layout = replace(Layout.brought("DATABASE"), time_format=EPOCH)
    lines = [logs.line("1788200000", event="a", object_name='"IN (\n1788200001,\n1788200002)"')]
    lines.append(logs.line("1788200003", event="b"))

    found = read("\n".join([*lines, ""]).encode(), layout=layout)

    assert set(rows(found)) == {"a", "b"}
    assert said(found) == {"TWO_WAYS": [2], "CONTINUED": [3, 4]}


def test_two_halves_with_a_text_left_of_the_time_make_no_row_of_two_people() -> None:
    lines = [
        'e1,"a,b,2026-09-01 10:00:00,dbsv13,tanaka,SELECT',
        "e3,T_KOJIN,2026-09-01 10:00:00,dbsv13,suzuki,SELECT",
        'e2,b",2026-09-01 11:00:00,dbsv13,sato,SELECT',
    ]

    for some in (lines, [lines[0], lines[2]]):
        found = read("\n".join([*some, ""]).encode(), header=TEXT_FIRST)

        assert rows(found, "db_user") == {"e2": "sato"} | ({"e3": "suzuki"} if some is lines else {})
        assert said(found) == {"QUOTE": [2]}


def test_a_text_left_of_the_time_that_holds_a_time_itself_costs_nothing() -> None:
    line = 'e1,"SELECT 1,2026-09-01 10:00:00,x\nFROM y",2026-09-01 11:00:00,dbsv13,tanaka,SELECT\n'

    found = read(line.encode(), header=TEXT_FIRST)

    assert rows(found, "db_user") == {"e1": "tanaka"}
    assert said(found) == {"TWO_WAYS": [2], "CONTINUED": [3]}


def test_an_open_quotation_mark_in_the_last_column_makes_no_row_of_its_line() -> None:
    broken = logs.line(event="broken").removesuffix(",0") + ',"0'

    for lines in ([broken], [logs.line(event="a"), broken], [broken, logs.line(event="a")]):
        found = read("\n".join([*lines, ""]).encode())

        assert said(found) == {"QUOTE": [2 + lines.index(broken)]}
        assert "broken" not in rows(found)
        assert accounted(found) == len(lines)


def test_lines_that_are_no_record_together_are_read_one_by_one() -> None:
    lines = [logs.line(event="broken", object_name='"T_KOJIN'), 'no row"', logs.line(event="a")]

    found = read("\n".join([*lines, ""]).encode())

    assert said(found) == {"QUOTE": [2], "COLUMNS": [3]}
    assert list(rows(found)) == ["a"]


@dataclass(frozen=True)
class Written:
    """A record as somebody wrote it. `whole`: what its object is, None where it is broken."""

    text: str
    whole: str | None


_TIME, _ROW = "2026-09-01 10:00:00,", "(row)"  # a whole row instead
_WORDS = st.text(alphabet="ab 表,0", max_size=6)
_TEXTS = st.one_of(_WORDS, _WORDS.map(_TIME.__add__), st.just(_ROW))
_LINES = st.lists(_TEXTS, min_size=2, max_size=4).map("\n".join)
_PLAIN = str.maketrans({"\n": " ", ",": ";"})


def _written(number: int, kind: str, value: str) -> Written:
    event = f"e{number}"
    word = value.translate(_PLAIN)
    if kind == "plain":
        return Written(logs.line(event=event, object_name=word), word)
    if kind == "quoted":
        for place in range(value.count(_ROW)):
            value = value.replace(_ROW, logs.line(event=f"in {event}, {place}".replace(",", "")), 1)
        text = logs.line(event=event, object_name=f'"{value},""x"""')
        return Written(text, f'{value},"x"'.replace("\n", "\\n"))
    if kind == "open":
        return Written(logs.line(event=event, object_name='"' + value.replace("\n", " ")), None)
    if kind == "stray":
        return Written(logs.line(event=event, object_name=f'{word}a"'), f'{word}a"')
    return Written(logs.line(event=event).removesuffix(",0") + f',"{word}', None)


@given(
    st.lists(st.tuples(st.sampled_from(["plain", "quoted", "stray", "open", "last"]), _LINES), max_size=25),
    st.sampled_from([WHOLE, 150]),
)
@settings(max_examples=150, deadline=None)
def test_every_line_is_accounted_for_whatever_quotation_marks_do(
    chosen: list[tuple[str, str]], size: int
) -> None:
    written = [_written(number, kind, value) for number, (kind, value) in enumerate(chosen)]
    data = "".join(f"{each.text}\n" for each in written)
    unpaired = any(each.text.count('"') % 2 for each in written)
    if unpaired and any(_TIME in value or _ROW in value for _kind, value in chosen):
        size = WHOLE  # a border of pieces may tear a value then; its lines are named

    found = read(data.encode(), size)

    assert accounted(found) == sum(bool(line) for line in data.split("\n"))
    kept, line = rows(found), 2
    for number, each in enumerate(written):
        if each.whole is not None:
            assert kept[f"e{number}"] == each.whole
        elif f"e{number}" in kept:  # with what comes after it, up to a quotation mark that fits
            assert line in said(found)["TWO_WAYS"]
        line += each.text.count("\n") + 1
