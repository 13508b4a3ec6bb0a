"""Files as people hand them in: everything right is read, everything wrong is named with its address (ACC-13)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.kinds import REGISTER
from portal.workflow import kinds
from portal.workflow.bulk import excel, files
from portal.workflow.bulk.columns import columns_of
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.bulk.tables import Table, read_table
from portal.workflow.kinds import LineContext
from tests import factories
from tests.bulk.books import HEADER, book, person, saved

pytestmark = pytest.mark.django_db

MOST = 2000


@pytest.fixture
def place() -> LineContext:
    factories.recipient(name="受信 一郎", email="ichiro@kokuho13.example.jp")
    factories.recipient(name="受信 二郎", email="jiro@kokuho13.example.jp")
    return LineContext(
        organisation=factories.organisation("13"),
        actor=None,
        application=None,
        today=dt.date(2026, 11, 25),
    )


Read = Callable[..., Table]


@pytest.fixture
def read(place: LineContext) -> Read:
    columns = columns_of(kinds.get(REGISTER), place)

    def reader(data: bytes, name: str = "職員.xlsx", most: int = MOST) -> Table:
        return read_table(name, data, columns, max_rows=most)

    return reader


def reasons(call: Callable[[], Any]) -> list[str]:
    with pytest.raises(FileRefused) as caught:
        call()
    return caught.value.reasons


def one(number: int = 1) -> list[Any]:
    return person(number, "jiro@kokuho13.example.jp")


def test_a_right_workbook_is_read_with_row_numbers_and_choices_by_label_or_address(
    read: Read, place: LineContext
) -> None:
    ichiro, jiro = (str(pk) for pk, _label in columns_of(kinds.get(REGISTER), place)[-1].choices)
    rows = [person(1, "受信 一郎 <ichiro@kokuho13.example.jp>"), [None] * 8, one(2), ["", " ", "　"]]

    table = read(book(rows))

    assert [row["n"] for row in table.rows] == [2, 4]
    assert [row["v"]["recipient_id"] for row in table.rows] == [ichiro, jiro]
    assert table.rows[0]["v"]["staff_number"] == "00001"
    assert all(row["p"] == {} for row in table.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_texts_in_every_encoding_and_with_every_delimiter_are_read(
    read: Read, encoding: str, delimiter: str
) -> None:
    lines = [delimiter.join(HEADER), delimiter.join(one(7)), "", delimiter.join([f'"{v}"' for v in one(8)])]

    table = read("\r\n".join(lines).encode(encoding), "職員.csv")

    assert [row["v"]["login_name"] for row in table.rows] == ["tk00007-suzuki", "tk00008-suzuki"]
    assert [row["n"] for row in table.rows] == [2, 4]
    assert table.rows[0]["v"]["staff_number"] == "00007"


def test_what_excel_makes_of_entries_is_understood(read: Read) -> None:
    header = [*HEADER, "利用期限（最終日）"]
    rows = [
        [*one(1)[:6], 123, one()[7], dt.date(2027, 3, 31)],
        [*one(2)[:6], 123.0, one()[7], 46477],  # a serial number is a day in a column of days
        [*one(3)[:6], 45, one()[7], "R9.3.31"],
        [*one(4)[:6], 1e15, one()[7], None],
    ]

    def zeros(sheet: Any) -> None:
        sheet["G4"].number_format = "00000"

    table = read(book(rows, header, zeros))

    assert [row["v"]["staff_number"] for row in table.rows] == ["123", "123", "00045", "1000000000000000"]
    assert [row["v"].get("expires_on") for row in table.rows] == ["2027-03-31", "2027-03-31", "R9.3.31", None]


def test_headings_are_found_in_other_rows_widths_and_as_technical_names(read: Read) -> None:
    header = [
        "family_name",
        "given_name",
        "ﾌﾘｶﾞﾅ(ｾｲ)",
        "フリガナ （メイ）※必須",
        "login_name",
        "所　属",
        "職員番号",
        "recipient_id",
    ]

    def title(sheet: Any) -> None:
        sheet.insert_rows(1, 2)
        sheet["A1"] = "職員の登録"

    table = read(book([one(1)], header, title))

    assert [row["n"] for row in table.rows] == [4]
    assert table.rows[0]["v"]["family_kana"] == "スズキ"


def test_hidden_rows_are_read_and_said(read: Read) -> None:
    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    table = read(book([one(1), one(2)], change=hide))

    assert len(table.rows) == 2
    assert "3" in table.notes[0]


def formula(sheet: Any) -> None:
    sheet["E3"] = '=CONCATENATE("tk","1")'


def merged(sheet: Any) -> None:
    sheet.merge_cells("F2:F3")


def error_value(sheet: Any) -> None:
    sheet["F3"] = "#N/A"
    sheet["F3"].data_type = "e"


def a_day(sheet: Any) -> None:
    sheet["G3"] = dt.date(2026, 3, 4)


def a_time(sheet: Any) -> None:
    sheet["G3"] = dt.time(3, 4)


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        (formula, "login_name", "数式"),
        (merged, "department", "F2:F3"),
        (error_value, "department", "#N/A"),
        (a_day, "staff_number", "日付"),
        (a_time, "staff_number", "時刻"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_cell_that_cannot_be_used_is_named_and_its_value_not_believed(
    read: Read, change: Callable[[Any], None], field: str, word: str
) -> None:
    table = read(book([one(1), one(2)], change=change))

    row = table.rows[-1]
    assert (row["n"], list(row["p"])) == (3, [field])
    assert word in row["p"][field][0]
    assert field not in row["v"]


def zipped(data: bytes, **parts: bytes) -> bytes:
    """The workbook with further parts in its archive."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
RIGHT = book([one(1)])
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "x.csv", "空"),
    "old workbook": (OLE, "x.xls", ".xls"),
    "encrypted": (OLE + "EncryptedPackage".encode("utf-16-le"), "x.xlsx", "パスワード"),
    "macros": (zipped(RIGHT, xl__vbaProject_dot_bin=b"x"), "x.xlsm", "マクロ"),
    "unpacks too large": (zipped(RIGHT, xl__media=b"0" * (3 * 1024 * 1024)), "x.xlsx", "展開"),
    "not a workbook": (zipped(b"", a_dot_txt=b"x"), "x.xlsx", "Excel"),
    "damaged": (RIGHT[: len(RIGHT) // 2], "x.xlsx", "壊れ"),
    "pdf": (b"%PDF-1.7 ...", "x.pdf", "表"),
    "unknown characters": (b"\x81\xff\x90" * 30, "x.csv", "文字"),
    "quotation mark": (",".join(HEADER).encode() + b'\n"a"b,c\n', "x.csv", "2"),
    "no headings": (b"a,b,c\n1,2,3\n", "x.csv", "ログイン名"),
    "no rows": (book([]), "x.xlsx", "行"),
    "unknown column": (book([[*one(1), "x"]], [*HEADER, "血液型"]), "x.xlsx", "I1"),
    "column twice": (book([[*one(1), "x"]], [*HEADER, "所属"]), "x.xlsx", "I1"),
    "missing columns": (book([one(1)[:4]], HEADER[:4]), "x.xlsx", "所属"),
    "password column": (book([[*one(1), "geheim"]], [*HEADER, "初期パスワード"]), "x.xlsx", "I1"),
    "pw column": (book([[*one(1), "geheim"]], [*HEADER, "PW"]), "x.xlsx", "I1"),
    "password in full width": (book([[*one(1), "geheim"]], [*HEADER, "Ｐａｓｓｗｏｒｄ"]), "x.xlsx", "I1"),
    "values without heading": (book([[*one(1), "x"]]), "x.xlsx", "I2"),
    "formula as heading": (book([one(1)], ["=A2", *HEADER[1:]]), "x.xlsx", "A1"),
    "too many rows": (book([one(n) for n in range(6)]), "x.xlsx", "6"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(
    read: Read, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "_MAX_UNPACKED", 2 * 1024 * 1024)
    data, name, word = REFUSED[case]

    said = reasons(lambda: read(data, name, most=5))

    assert any(word in reason for reason in said), said
    assert "geheim" not in " ".join(said)


def test_every_problem_of_the_headings_is_told_at_once(read: Read) -> None:
    header = ["姓", "姓", "血液型", "ログイン名"]

    said = reasons(lambda: read(book([["a", "b", "c", "d"]], header)))

    assert [text[:2] for text in said[:2]] == ["B1", "C1"]
    assert len(said) == 2 + 5


def test_an_entity_in_the_xml_is_refused(read: Read) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(RIGHT)) as old, zipfile.ZipFile(file, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
                data = data.replace(b"<worksheet", bomb + b"<worksheet", 1)
            new.writestr(part, data)

    assert "壊れ" in reasons(lambda: read(file.getvalue()))[0]


def test_a_sheet_that_says_it_is_huge_or_is_costs_nothing(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def far(sheet: Any) -> None:
        sheet["XFD1048576"] = "x"

    monkeypatch.setattr(excel, "_MAX_CELLS", 30)

    assert reasons(lambda: read(book([one(1)], change=far)))
    assert reasons(lambda: read(book([one(n) for n in range(20)])))


def test_the_template_reads_as_no_rows_and_offers_the_choices(read: Read, place: LineContext) -> None:
    data = saved(files.template_book(kinds.get(REGISTER), place))

    assert reasons(lambda: read(data)) == reasons(lambda: read(book([])))
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    rules = [rule for rule in sheet.data_validations.dataValidation if rule.type == "list"]
    assert rules
    assert {cell.number_format for cell in sheet[5][1:]} == {"@"}


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(("family_name", "given_name", "login_name", "department", "staff_number"), NAMES)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_the_template_writes_reads_back_as_the_same_rows(
    read: Read, place: LineContext, rows: list[dict[str, str]]
) -> None:
    recipient = columns_of(kinds.get(REGISTER), place)[-1].choices[0][0]
    filled = [{**row, "recipient_id": recipient} for row in rows]

    table = read(saved(files.filled_book(kinds.get(REGISTER), place, filled)))

    assert [row["v"] for row in table.rows] == filled


@pytest.mark.parametrize("code", ["13", "operations"])
def test_every_kind_has_a_template_that_reads_back_as_empty(code: str) -> None:
    place = LineContext(
        organisation=factories.organisation(code), actor=None, application=None, today=dt.date(2026, 11, 25)
    )
    for kind in kinds.kinds_for(place.organisation):
        columns = columns_of(kind, place)
        data = saved(files.template_book(kind, place))

        assert columns, kind.code
        assert reasons(lambda: read_table("x.xlsx", data, columns, max_rows=5)) == [  # noqa: B023
            "見出しの下に行がありません。"
        ], kind.code
