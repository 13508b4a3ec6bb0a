"""The screens of the dormant accounts (ACC-14)."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import JST
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.models import Application, Status
from tests import factories
from tests.accounts.dormancy.conftest import CUT, NOW, Office, line_of
from tests.roles import client_for, client_of

MONTH, LIST = "/dormant/2026-12/", "/dormant/2026-12/13/"


def post(client: Any, lines: list[DormantLine], answer: str, reason: str = "", query: str = "") -> Any:
    data = {"line": [line.choice for line in lines], "answer": answer, "reason": reason}
    return client.post(f"{LIST}answer/{query}", data)


def text_of(response: Any) -> str:
    content: bytes = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


# --- lists -----------------------------------------------------------------------------------------------------------------
def test_the_list_shows_who_was_away_how_long_and_what_is_not_certain(office: Office) -> None:
    office.account("away", display_name="鈴木 美咲", last_logon=CUT - dt.timedelta(days=30))
    office.account("never", must_change_password=True)
    office.directory.controllers["ldaps://dc2.kokuho.pr:636"] = DirectoryUnavailable("no answer")
    office.list()

    page = text_of(client_of(office.applicant).get(LIST))

    for words in (
        "鈴木 美咲",
        "2026/5/2" if timezone.localdate().year != 2026 else "5/2",
        "lastLogonTimestamp",
    ):
        assert words in page
    assert "初期パスワード未使用" in page
    assert page.count("確認できなかったドメインコントローラ") == 2  # on every row
    assert page.count("dc2.kokuho.pr") >= 3
    assert "令和8年12月15日" in page
    entry = TrailEntry.objects.get(action="dormant.view")
    assert (entry.actor, entry.object_label) == (office.applicant, "2026-12 13")


def test_the_list_is_filtered_by_word_answer_and_kind(office: Office) -> None:
    office.account("tk-suzuki", display_name="鈴木 美咲", last_logon=CUT)
    office.account("tk-sato", display_name="佐藤 太郎")
    review = office.list()
    DormantLine.system.filter(pk=line_of(review, "tk-sato").pk).update(
        answer="KEEP", reason="休職中", answered_by=office.applicant, answered_at=NOW
    )
    client = client_of(office.manager)

    def found(query: str) -> list[str]:
        return [line.login_name for line in client.get(f"{LIST}?{query}").context["page"].rows]

    assert found("") == ["tk-sato", "tk-suzuki"]
    assert found("q=ｽｽﾞｷ") == []
    assert found("q=鈴木") == ["tk-suzuki"]
    assert found("q=ＳＡＴＯ") == ["tk-sato"]
    assert found("answer=open") == ["tk-suzuki"]
    assert found("answer=KEEP") == ["tk-sato"]
    assert found("kind=never") == ["tk-sato"]
    assert found("answer=no-such&kind=x") == ["tk-sato", "tk-suzuki"]


def test_the_list_shows_the_answer_of_last_month(office: Office) -> None:
    office.account("away")
    client = client_of(office.applicant)
    post(client, [line_of(office.list(), "away")], "KEEP", "休職中")

    office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST))

    page = text_of(client.get("/dormant/2027-01/13/"))
    assert "休職中" in page
    assert "未回答" in page


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_statements_for_one_row_and_thirty(office: Office, rows: int) -> None:
    for number in range(rows):
        office.account(f"account{number:02}")
    review = office.list()
    paper = factories.application(applicant=office.applicant, status=Status.IN_REVIEW)
    review.lines.update(answer="DELETE", answered_by=office.applicant, answered_at=NOW, application=paper)
    client = client_of(office.applicant)
    client.get(LIST)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(LIST)

    assert len(response.context["page"].rows) == rows
    assert len(queries) <= 20, [query["sql"][:150] for query in queries]


# --- answers ---------------------------------------------------------------------------------------------------------------
def test_several_rows_are_answered_at_once_and_the_filters_stay(office: Office) -> None:
    for name in ("one", "two", "three"):
        office.account(name)
    review = office.list()
    client = client_of(office.applicant)

    response = post(
        client, [line_of(review, "one"), line_of(review, "two")], "KEEP", "休職中", "?answer=open"
    )

    assert response.status_code == 302
    assert response["Location"] == f"{LIST}?answer=open"
    assert review.lines.filter(answer="KEEP", reason="休職中").count() == 2
    assert "2件" in text_of(client.get(LIST))


@pytest.mark.parametrize(
    ("choose", "answer", "reason", "field"),
    [(True, "KEEP", " ", "reason"), (False, "KEEP", "休職中", "line"), (True, "", "x", "answer")],
)
def test_what_is_missing_is_said_and_what_was_chosen_stays(
    office: Office, choose: bool, answer: str, reason: str, field: str
) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    client = client_of(office.applicant)

    response = post(client, [line] if choose else [], answer, reason)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    page = text_of(response)
    assert (f'value="{line.choice}" checked' in page) is choose
    line.refresh_from_db()
    assert line.is_open


@pytest.mark.usefixtures("deletable")
def test_delete_leads_to_the_draft(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    client = client_of(office.applicant)

    post(client, [line], "DELETE")

    number = Application.system.get().number
    page = text_of(client.get(LIST))
    assert f"/applications/{number}/confirm/" in page
    assert LIST in text_of(client.get(f"/applications/{number}/"))


def test_a_manager_is_not_offered_delete(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    client = client_of(office.manager)

    assert 'value="DELETE"' not in text_of(client.get(LIST)).split("c-decide")[1]
    assert post(client, [line], "DELETE").status_code == 422


def test_somebody_else_was_quicker(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    post(client_of(office.manager), [line], "KEEP", "休職中")
    client = client_of(office.applicant)

    post(client, [line], "KEEP", "別の理由")

    page = text_of(client.get(LIST))
    assert office.manager.display_name in page
    assert "先に" in page
    line.refresh_from_db()
    assert line.reason == "休職中"


def test_who_logged_on_since_drops_out_with_a_word(office: Office) -> None:
    account = office.account("back")
    line = line_of(office.list(), "back")
    office.directory.controllers = {"ldaps://dc1.kokuho.pr:636": {account.guid: NOW}}
    client = client_of(office.applicant)

    post(client, [line], "KEEP", "使う")

    page = text_of(client.get(LIST))
    assert "その後ログオンしています" in page
    assert f'value="{line.pk}:2"' not in page


def test_a_replaced_list_is_shown_without_answers(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST))
    client = client_of(office.applicant)

    assert "c-decide" not in text_of(client.get(LIST))
    assert post(client, [line], "KEEP", "休職中").status_code == 409


# --- the report --------------------------------------------------------------------------------------------------------------
def answered_month(office: Office) -> DormantReview:
    """A month of federation 13 with one line of each sort."""
    for name in ("kept", "going", "gone", "back", "silent"):
        office.account(name)
    office.account("other", code="27")
    review = office.list()
    rows = DormantLine.system
    by = {"answered_by": office.applicant, "answered_at": NOW}
    rows.filter(pk=line_of(review, "kept").pk).update(answer="KEEP", reason="休職中", **by)
    rows.filter(pk=line_of(review, "back").pk).update(left="LOGGED_ON")
    paper = factories.application(applicant=office.applicant, status=Status.FULFILLING)
    for name, status in (("going", OperationStatus.WAITING), ("gone", OperationStatus.DONE)):
        on = factories.line({"login_name": name}, application=paper, subject_key=name)
        done = {"settled_at": NOW} if status == OperationStatus.DONE else {}
        factories.operation(on, status=status, **done)
        rows.filter(pk=line_of(review, name).pk).update(answer="DELETE", application=paper, **by)
    return review


@pytest.mark.usefixtures("every_organisation")
def test_the_report_counts_what_became_of_each_account(office: Office) -> None:
    answered_month(office)
    client = client_for(Role.AUDITOR, code="central")

    report = client.get(MONTH).context["report"]

    row = next(row for row in report.rows if row.review.organisation.code == "13")
    counts = row.counts
    assert (counts.total, counts.kept, counts.deleting, counts.deleted, counts.left, counts.waiting) == (
        5,
        1,
        2,
        1,
        1,
        1,
    )
    assert report.total.total == 6
    assert len(report.rows) == DormantReview.system.count()  # also those without a dormant account


def test_a_federation_sees_its_own_row_only(office: Office) -> None:
    answered_month(office)
    client = client_of(office.applicant)

    assert [row.review.organisation.code for row in client.get(MONTH).context["report"].rows] == ["13"]
    assert client.get("/dormant/").context["months"][0].counts.total == 5
    assert client.get("/dormant/2026-12/27/").status_code == 404  # ORG-02
    assert client.get("/dormant/2026-11/").status_code == 404


def test_the_report_names_the_controllers_that_did_not_answer(office: Office) -> None:
    office.directory.controllers["ldaps://dc2.kokuho.pr:636"] = DirectoryUnavailable("no answer")
    office.account("away")
    office.list()

    page = text_of(client_of(factories.operator()).get(MONTH))

    assert "dc2.kokuho.pr" in page


@pytest.mark.usefixtures("every_organisation")
def test_the_report_takes_the_same_statements_for_all_organisations(office: Office) -> None:
    answered_month(office)
    counted = []
    for client in (client_of(office.applicant), client_for(Role.AUDITOR, code="central")):
        client.get(MONTH)
        with CaptureQueriesContext(connection) as queries:
            client.get(MONTH)
        counted.append(len(queries))

    assert abs(counted[0] - counted[1]) <= 1, counted
    assert max(counted) <= 15


# --- downloads ---------------------------------------------------------------------------------------------------------------
def test_downloads_hold_what_the_pages_show(office: Office) -> None:
    office.account("evil", display_name="=1+1")
    answered_month(office)
    client = client_of(office.applicant)

    table = text_of(client.get(f"{LIST}export/?answer=KEEP"))
    everything = text_of(client.get(f"{LIST}export/"))
    report = text_of(client.get(f"{MONTH}export/"))
    workbook = load_workbook(BytesIO(b"".join(client.get(f"{LIST}export/?format=xlsx").streaming_content)))

    assert "休職中" in table
    assert "silent" not in table
    assert "'=1+1" in everything
    assert len(everything.strip().splitlines()) == 7
    assert "東京都" in report
    rows = list(workbook.active.iter_rows(values_only=True))
    assert len(rows) == 7
    assert {row[0] for row in rows[1:]} == {"evil", "kept", "going", "gone", "back", "silent"}
    cell = next(row for row in workbook.active.iter_rows() if row[0].value == "evil")[1]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert TrailEntry.objects.filter(action="dormant.export").count() == 4
