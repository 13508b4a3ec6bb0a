"""A quotation mark that is never closed hides no line: only its own is left out, and that is said (AUD-01, AUD-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.imports import findings, storing
from audit.imports.allowed import AllowList
from audit.imports.layout import MOST_LINES, Layout
from audit.imports.parsing import WRITTEN, Known, KnownHost, Parsed, Parser
from audit.reconciliation.engine import micros
from tests.audit.imports import logs

EARLIEST, LATEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def read(data: bytes, size: int = 1 << 20) -> list[Parsed]:
    """The pieces of a file, read one after the other as an import does it."""
    host = KnownHost(1, "dbsv13", 13, True)
    known = Known({"dbsv13": host}, AllowList(), micros(EARLIEST), micros(LATEST))
    parser = Parser(
        layout=Layout.brought("DATABASE"), header=logs.HEADER, encoding="utf-8", import_id=1, known=known
    )
    found, line = [], 1
    for piece in storing.pieces(iter([f"{logs.HEADER}\n".encode() + data]), size):
        first = line == 1
        rest = piece.partition(b"\n")[2] if first else piece
        found.append(parser.begin(rest, line + first, 1).to_the_end())
        line += piece.count(b"\n")
    return found


def rows(found: list[Parsed]) -> dict[str, str]:
    """Number at the source and object of every row."""
    number, name = WRITTEN.index("source_id"), WRITTEN.index("object_name")
    every = [row.split("\t") for parsed in found for row in parsed.rows]
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
    """The record would be as wide as the headings; somebody with two accesses could hide those between."""
    lines = [
        logs.line(event="opens", object_name=opened),
        logs.line(event="hidden", user="sato"),
        logs.line(event="closes", object_name=closed),
    ]

    found = read("\n".join([*lines, ""]).encode())

    assert "hidden" in rows(found)
    assert 2 in said(found)["QUOTE"]
    assert accounted(found) == 3


def test_two_lines_whose_quotation_marks_fit_together_are_not_one_row() -> None:
    lines = [logs.line(event="opens", object_name='"x,y'), logs.line(event="closes", object_name='z"')]

    found = read("\n".join([*lines, ""]).encode())

    assert rows(found) == {"closes": 'z"'}
    assert said(found) == {"QUOTE": [2]}


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


# No digit, so that nothing in a value is a time; no comma in what is broken, else two halves may fit each other.
_WORDS = st.text(alphabet="ab 表", max_size=6)
_LINES = st.lists(_WORDS, min_size=2, max_size=4).map("\n".join)


def _written(number: int, kind: str, value: str) -> Written:
    event = f"e{number}"
    if kind == "plain":
        word = value.replace("\n", " ")
        return Written(logs.line(event=event, object_name=word), word)
    if kind == "quoted":
        text = logs.line(event=event, object_name=f'"{value},""x"""')
        return Written(text, f'{value},"x"'.replace("\n", "\\n"))
    word = value.replace("\n", " ")
    if kind == "open":
        return Written(logs.line(event=event, object_name=f'"{word}'), None)
    if kind == "stray":
        return Written(logs.line(event=event, object_name=f'{word}a"'), f'{word}a"')
    return Written(logs.line(event=event).removesuffix(",0") + f',"{word}', None)


@given(
    st.lists(st.tuples(st.sampled_from(["plain", "quoted", "stray", "open", "last"]), _LINES), max_size=25),
    st.sampled_from([1 << 20, 150]),
)
@settings(max_examples=150, deadline=None)
def test_every_line_is_accounted_for_whatever_quotation_marks_do(
    chosen: list[tuple[str, str]], size: int
) -> None:
    written = [_written(number, kind, value) for number, (kind, value) in enumerate(chosen)]
    data = "".join(f"{each.text}\n" for each in written)

    found = read(data.encode(), size)

    assert accounted(found) == sum(bool(line) for line in data.split("\n"))
    kept = rows(found)
    for number, whole in enumerate(each.whole for each in written):
        if whole is None:
            assert f"e{number}" not in kept
        else:
            assert kept[f"e{number}"] == whole
