"""The list as a table: downloaded with a drop-down, filled in, handed in again; every error with its cell (ACC-14)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from accounts.dormancy.models import DormantLine, DormantReview
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.models import Application
from tests.accounts.dormancy.conftest import CUT, Office, line_of
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
LIST = "/dormant/2026-12/13/"


@pytest.fixture
def review(office: Office) -> DormantReview:
    for name in ("one", "two", "three", "four"):
        office.account(name, last_logon=CUT)
    return office.list()


def downloaded(client: Any) -> Workbook:
    response = client.get(f"{LIST}table/")
    assert response.status_code == 200
    return load_workbook(BytesIO(b"".join(response.streaming_content)))


def handed_in(client: Any, book: Workbook, **options: Any) -> Any:
    file = BytesIO()
    book.save(file)
    file.seek(0)
    file.name = "回答.xlsx"
    return client.post(f"{LIST}upload/", {"file": file}, **options)


def rows_of(book: Workbook) -> dict[str, int]:
    return {row[0].value: row[0].row for row in book.active.iter_rows(min_row=2)}


def fill(book: Workbook, login_name: str, answer: str, reason: str = "") -> int:
    row = rows_of(book)[login_name]
    book.active[f"F{row}"], book.active[f"G{row}"] = answer, reason
    return row


def test_a_filled_table_answers_and_what_is_empty_stays_open(office: Office, review: DormantReview) -> None:
    client = client_of(office.applicant)
    book = downloaded(client)
    [rule] = book.active.data_validations.dataValidation
    fill(book, "one", "残す", "育児休業中のため")
    fill(book, "two", "削除する")

    response = handed_in(client, book, follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert "2件" in response.content.decode()
    assert rule.formula1 == '"残す,削除する"'
    kept, deleted = line_of(review, "one"), line_of(review, "two")
    assert (kept.answer, kept.reason, kept.answered_by) == ("KEEP", "育児休業中のため", office.applicant)
    assert deleted.answer == "DELETE"
    assert deleted.application == Application.system.get()
    assert line_of(review, "three").answer == ""
    assert TrailEntry.objects.filter(action="dormant.answer").count() == 2


def test_every_error_is_said_at_once_with_its_cell_and_nothing_is_answered(
    office: Office, review: DormantReview
) -> None:
    client = client_of(office.applicant)
    book = downloaded(client)
    good = fill(book, "one", "残す", "育児休業中のため")
    no_reason, unknown = fill(book, "two", "残す"), fill(book, "three", "保留")
    no_answer = fill(book, "four", "", "来月確認します")
    book.active.append(["nobody", "", "", "", "", "削除する"])
    book.active.append(["one", "", "", "", "", "削除する"])

    response = handed_in(client, book)

    assert response.status_code == 422
    said = response.context["file_problems"]
    for cell in (f"G{no_reason}", f"F{unknown}", f"F{no_answer}", "A6", "A7", f"A{good}"):
        assert any(problem.startswith(f"{cell}：") for problem in said), cell
    assert len(said) == 6
    assert not DormantLine.system.exclude(answer="").exists()


def test_the_table_handed_in_as_it_was_downloaded_changes_nothing(
    office: Office, review: DormantReview
) -> None:
    client = client_of(office.applicant)
    book = downloaded(client)
    fill(book, "one", "残す", "休職中")
    handed_in(client, book)
    version = line_of(review, "one").version

    handed_in(client, downloaded(client))

    line = line_of(review, "one")
    assert (line.answer, line.reason, line.version) == ("KEEP", "休職中", version)


def test_what_a_colleague_answered_meanwhile_stays(office: Office, review: DormantReview) -> None:
    client = client_of(office.applicant)
    book = downloaded(client)
    theirs = downloaded(client_of(office.manager))
    fill(theirs, "one", "残す", "担当者に確認済み")
    handed_in(client_of(office.manager), theirs)
    fill(book, "one", "削除する")

    page = handed_in(client, book, follow=True).content.decode()

    assert line_of(review, "one").reason == "担当者に確認済み"
    assert office.manager.display_name in page


def test_who_may_not_apply_is_offered_and_allowed_keep_only(office: Office, review: DormantReview) -> None:
    client = client_of(office.manager)
    book = downloaded(client)
    [rule] = book.active.data_validations.dataValidation
    row = fill(book, "one", "削除する")

    response = handed_in(client, book)

    assert rule.formula1 == '"残す"'
    assert response.status_code == 422
    assert response.context["file_problems"][0].startswith(f"F{row}：")


@pytest.mark.parametrize(
    "data", [b"", b"MZ\x90\x00\x03 an .exe", b"%PDF-1.7", "氏名,所属\n鈴木,総務課\n".encode("cp932")]
)
def test_another_file_is_refused_with_words(office: Office, review: DormantReview, data: bytes) -> None:
    file = BytesIO(data)
    file.name = "回答.xlsx"

    response = client_of(office.applicant).post(f"{LIST}upload/", {"file": file})

    assert response.status_code == 422
    assert response.context["file_problems"]


def test_nobody_else_gets_or_hands_in_the_table(office: Office, review: DormantReview) -> None:  # ORG-02
    for role, code, status in ((Role.AUDITOR, "13", 403), (Role.APPLICANT, "27", 404)):
        client = client_for(role, code=code)
        assert client.get(f"{LIST}table/").status_code == status
        assert client.post(f"{LIST}upload/").status_code == status
