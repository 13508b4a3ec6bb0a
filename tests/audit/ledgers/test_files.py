"""Works by file: every row is seen, corrected and taken over, all together or the named ones (AUD-03, AUD-05)."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from audit.ledgers import importing
from audit.ledgers.models import Ledger, WorkEntry, WorkImport
from portal.workflow.bulk.errors import FileRefused
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from tests.audit.ledgers.world import NOW, file_of, officer, reviewer, table, typed, work
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def brought(*rows: dict[str, Any], actor: Any = None) -> WorkImport:
    """A file of 中央会's ledger."""
    keeper = actor or reviewer()
    data = table(*rows, ledger=Ledger.CENTRAL, actor=keeper)
    return importing.bring(ledger=Ledger.CENTRAL, name="works.xlsx", data=data, actor=keeper, now=NOW)


def test_the_template_reads_back_and_a_time_that_excel_made_is_taken() -> None:
    keeper = reviewer()
    browser = client_of(keeper)
    template: Any = browser.get(reverse("ledger_central_template"))
    book = load_workbook(BytesIO(b"".join(template.streaming_content)))
    sheet = book.worksheets[0]
    assert sheet.title == "作業報告台帳"  # the ledger's own name, not that of an application
    heads = [str(cell.value) for cell in sheet[1]]
    told = typed(planned_from_clock=dt.time(10, 0), planned_from_on=dt.datetime(2026, 11, 5))  # noqa: DTZ001
    labels = {column.heading: column.name for column in importing.Checker("CENTRAL", keeper, NOW).columns}
    for number, head in enumerate(heads, start=1):
        sheet.cell(row=4, column=number, value=told.get(labels.get(head, "")))
    data = BytesIO()
    book.save(data)

    file = SimpleUploadedFile("works.xlsx", data.getvalue())
    answer = browser.post(reverse("ledger_central_file"), {"file": file})

    made = WorkImport.system.get()
    assert answer.status_code == 302, answer.content.decode()
    assert (made.row_count, made.error_count) == (1, 0), made.rows
    assert browser.get(reverse("work_file", args=[made.pk])).status_code == 200


def test_a_wrong_row_is_corrected_on_the_screen_and_all_rows_become_works() -> None:
    keeper = reviewer()
    found = brought(typed(), typed(organisation="27", planned_until_clock="9:00", text="別"), actor=keeper)
    browser, address = client_of(keeper), reverse("work_file", args=[found.pk])
    page = browser.get(address).content.decode()
    assert found.error_count == 1
    assert "終わりが始まりより前" in page

    too_early = browser.post(address, {"version": "1", "step": "take_all"})
    corrected = browser.post(address, {"version": "1", "r3-planned_until_clock": "13:00"})
    done = browser.post(address, {"version": "2", "step": "take_all"})

    assert (too_early.status_code, corrected.status_code, done.status_code) == (422, 302, 302)
    assert [(w.organisation.code, w.changes.get().verb) for w in WorkEntry.system.order_by("id")] == [
        ("13", "IMPORTED"),
        ("27", "IMPORTED"),
    ]
    found.refresh_from_db()
    assert (found.state, found.taken_count) == ("TAKEN", 2)


def test_named_rows_are_entered_before_the_others_and_never_twice() -> None:
    keeper = reviewer()
    found = brought(typed(), typed(hosts=""), typed(organisation="27"), actor=keeper)
    browser, address = client_of(keeper), reverse("work_file", args=[found.pk])

    nothing = browser.post(address, {"version": "1", "step": "take"})
    wrong = browser.post(address, {"version": "1", "step": "take", "row": ["2", "3"]})
    one = browser.post(address, {"version": "1", "step": "take", "row": ["2"]})
    again = browser.post(address, {"version": "2", "step": "take", "row": ["2"]})

    assert (nothing.status_code, wrong.status_code, one.status_code, again.status_code) == (
        422,
        422,
        302,
        422,
    )
    number = WorkEntry.system.get().work_number
    found.refresh_from_db()
    assert (found.state, found.taken_count, found.error_count) == ("OPEN", 1, 1)
    assert number in browser.get(f"{address}?view=all").content.decode()
    rows: Any = browser.get(reverse("work_file_errors", args=[found.pk]))
    sheet = load_workbook(BytesIO(b"".join(rows.streaming_content))).worksheets[0]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)][:2] == [3, 4]


def test_overlaps_and_works_that_are_there_already_are_told_in_the_preview() -> None:
    keeper = reviewer()
    known = work(actor=keeper)

    found = brought(
        typed(),
        typed(text="別の作業", planned_from_clock="11:00", planned_until_clock="13:00", persons="別 人"),
        typed(organisation="27"),
        actor=keeper,
    )

    said = [" ".join(row["w"]) for row in found.rows]
    assert found.warning_count == 2
    assert known.work_number in said[0]
    assert "既に台帳" in said[0]
    assert "重なって" in said[1]
    assert "2行目" in said[1]
    assert said[2] == ""


def test_a_number_that_is_taken_or_twice_in_the_file_is_an_error_of_its_row() -> None:
    work(work_number="K-1")

    found = brought(
        typed(work_number="K-1"),
        typed(work_number="K-2"),
        typed(work_number="Ｋ-2"),
        typed(organisation="27", work_number="K-1"),
    )

    assert [sorted(row["e"]) for row in found.rows] in (
        [["work_number"], [], ["work_number"], []],
        [["work_number"], [], [], []],
    )


def test_the_same_file_twice_needs_a_reason() -> None:
    keeper = reviewer()
    data = table(typed(), ledger=Ledger.CENTRAL, actor=keeper)
    common: dict[str, Any] = {"ledger": Ledger.CENTRAL, "name": "a.xlsx", "data": data, "now": NOW}
    first = importing.bring(**common, actor=keeper)
    browser, address = client_of(reviewer()), reverse("ledger_central_file")

    told = browser.post(address, {"file": SimpleUploadedFile("b.xlsx", data)})
    taken = browser.post(address, {"file": SimpleUploadedFile("b.xlsx", data), "again_reason": "訂正版"})

    assert (told.status_code, taken.status_code) == (409, 302)
    assert keeper.display_name in told.content.decode()
    importing.discard(import_id=first.pk, version=1, actor=keeper, now=NOW)
    assert WorkImport.system.get(pk=first.pk).rows == []


def test_a_file_that_is_none_is_refused_with_every_reason() -> None:
    keeper = reviewer()
    browser, address = client_of(keeper), reverse("ledger_central_file")

    answers = [
        browser.post(address, {"file": SimpleUploadedFile("x.csv", content)})
        for content in (
            b"\x00\x01\x02",
            "何か,別の表\n1,2\n".encode(),
            "管理番号,知らない列\nK,1\n".encode("cp932"),
        )
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert "知らない列" in answers[2].content.decode()
    assert not WorkImport.system.exists()
    with pytest.raises(FileRefused):
        brought(*[typed() for _n in range(importing.MOST_ROWS + 1)], actor=keeper)


def test_org_02_the_rows_belong_to_the_person_who_brought_them() -> None:
    mine = officer()
    found = file_of(mine)
    colleague, stranger = officer(), officer("27")

    assert client_of(mine).get(reverse("work_file", args=[found.pk])).status_code == 200
    for other in (colleague, stranger, reviewer()):
        assert client_of(other).get(reverse("work_file", args=[found.pk])).status_code == 404
        with pytest.raises(NotAllowed):
            importing.take_over(import_id=found.pk, version=1, actor=other, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        importing.take_over(import_id=found.pk, version=7, actor=mine, now=NOW)
    importing.take_over(import_id=found.pk, version=1, actor=mine, now=NOW)
    with pytest.raises(Refused):
        importing.take_over(import_id=found.pk, version=2, actor=mine, now=NOW)
    assert WorkEntry.system.get().ledger == "FEDERATION"
