"""Home, inbox, drafts and the list: whose rows they show, filters in the URL, tabs, CSV, and what a page costs."""

from __future__ import annotations

import csv
import html
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.models import Application, SavedFilter
from tests import factories, roles
from tests.fakes import FakeDirectory, use_directory
from tests.workflow.pages import Desk, browser

pytestmark = pytest.mark.django_db
PAGES = ["/", "/applications/", "/applications/inbox/", "/applications/drafts/"]


@pytest.fixture
def directory(monkeypatch: Any) -> FakeDirectory:
    return use_directory(monkeypatch)


@pytest.fixture
def desk(directory: FakeDirectory) -> Desk:
    return Desk()


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


@pytest.mark.parametrize("address", [*PAGES, "/applications/export/", "/applications/new/"])
def test_every_page_needs_a_login(address: str) -> None:
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.OPERATOR, Role.AUDIT_REVIEWER)])
def test_every_role_gets_every_page_and_an_empty_one_says_why(address: str, role: str) -> None:
    response = roles.client_for(role).get(address)

    assert response.status_code == 200
    assert "c-empty" in text(response)


def test_home_shows_what_waits_and_what_came_back(desk: Desk) -> None:
    waiting, returned = desk.submitted(), desk.submitted(desk.line("tk0413-sato"))
    client = browser(desk.approver)
    client.post(
        f"/applications/{returned.number}/return/", desk.seen(returned, comment="所属を直してください。")
    )

    assert waiting.number in text(client.get("/"))
    assert "?status=RETURNED" in text(browser(desk.applicant).get("/"))


def test_the_inbox_never_holds_an_own_application(desk: Desk) -> None:
    factories.membership(desk.applicant, Role.APPROVER, code=desk.code)
    application = desk.submitted()

    assert application.number not in text(browser(desk.applicant).get("/applications/inbox/"))  # ORG-04
    assert application.number in text(browser(desk.approver).get("/applications/inbox/"))


def test_the_earliest_deadline_comes_first(desk: Desk) -> None:
    first, second = desk.submitted(), desk.submitted(desk.line("tk0413-sato"))
    Application.system.filter(pk=second.pk).update(due_on="2020-01-06")

    page = text(browser(desk.approver).get("/applications/inbox/"))

    assert page.index(second.number) < page.index(first.number)


def test_a_deputy_finds_the_principals_work_in_the_inbox(desk: Desk) -> None:
    application = desk.submitted()
    deputy = factories.user(Role.USER, code=desk.code)
    factories.deputy(desk.approver, deputy, Role.APPROVER, code=desk.code)

    client = browser(deputy)

    assert application.number in text(client.get("/applications/inbox/"))
    assert 'href="/applications/inbox/"' in text(client.get("/"))


def test_the_list_is_filtered_by_the_url_and_each_filter_can_be_taken_off(desk: Desk) -> None:
    sato = desk.submitted(desk.line("tk0413-sato", family_name="佐藤"))
    suzuki = desk.submitted()

    page = text(browser(desk.approver).get("/applications/?q=佐藤&status=IN_REVIEW"))

    assert sato.number in page
    assert suzuki.number not in page
    assert 'href="/applications/?status=IN_REVIEW"' in page.replace("&amp;", "&")


@pytest.mark.parametrize(
    "query",
    [
        "status=NOTHING",
        "kind=x",
        "organisation=99",
        "due=never",
        "cursor=zzz",
        "cursor=a999999999999999999",
        "q=" + "あ" * 3000,
        "mine=x",
    ],
)
def test_a_strange_url_gives_a_page(desk: Desk, query: str) -> None:
    assert browser(desk.approver).get(f"/applications/?{query}").status_code == 200


def test_a_day_that_is_none_is_said_and_stays_as_it_was_typed(desk: Desk) -> None:
    application = desk.submitted()

    page = text(browser(desk.approver).get("/applications/", {"since": "11/31", "until": "R8.12.31"}))

    assert 'value="11/31"' in page
    assert 'value="2026/12/31"' in page
    assert "c-banner" in page
    assert application.number in page


def test_a_list_says_how_many_stand_in_an_application(desk: Desk) -> None:
    desk.submitted(desk.line(), desk.line("tk0413-sato"), desk.line("tk0414-ito"))

    page = text(browser(desk.approver).get("/applications/"))

    assert "ほか2件" in page


def test_reading_a_list_of_names_leaves_a_trace(desk: Desk) -> None:  # SEC-02
    browser(desk.applicant).get("/applications/", {"q": "鈴木"})
    browser(desk.approver).get("/applications/inbox/")

    listed = TrailEntry.objects.filter(action="application.list").order_by("pk")
    assert [entry.actor for entry in listed] == [desk.applicant, desk.approver]
    assert "q=" in listed[0].detail["filters"]


def test_no_hit_says_what_to_do(desk: Desk) -> None:
    desk.submitted()

    page = text(browser(desk.approver).get("/applications/?q=nobody"))

    assert "c-empty" in page
    assert 'href="/applications/"' in page


def test_a_filter_is_kept_as_a_tab_of_ones_own_and_removed(desk: Desk) -> None:
    client = browser(desk.approver)

    client.post("/applications/filters/", {"name": "差戻し中", "query": "status=RETURNED&evil=1"})
    tab = SavedFilter.objects.get()

    assert tab.query == "status=RETURNED"
    assert "差戻し中" in text(client.get("/applications/"))
    assert "差戻し中" not in text(browser(desk.applicant).get("/applications/"))
    browser(desk.applicant).post(f"/applications/filters/{tab.pk}/remove/")
    assert SavedFilter.objects.exists()
    client.post(f"/applications/filters/{tab.pk}/remove/")
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "あ" * 41])
def test_a_tab_needs_a_short_name(desk: Desk, name: str) -> None:
    response = browser(desk.approver).post(
        "/applications/filters/", {"name": name, "query": "status=RETURNED"}
    )

    assert response.status_code == 302
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("query", ["q=" + "審" * 200, "q=" + "%E5%AF%A9" * 200], ids=["typed", "of the page"])
def test_a_tab_whose_filter_does_not_fit_is_refused_with_its_reason(desk: Desk, query: str) -> None:
    client = browser(desk.applicant)

    answer = client.post("/applications/filters/", {"name": "長い", "query": query}, follow=True)

    assert answer.status_code == 200
    assert not SavedFilter.objects.exists()
    (message,) = answer.context["messages"]
    assert "40" not in str(message)  # not the name is too long


def test_a_person_has_at_most_ten_tabs(desk: Desk) -> None:
    client = browser(desk.approver)

    for number in range(12):
        client.post("/applications/filters/", {"name": f"tab {number}", "query": "mine=1"})

    assert SavedFilter.objects.count() == 10


# --- CSV ---------------------------------------------------------------------------------------------------------------


def rows(response: Any) -> list[list[str]]:
    content = b"".join(response.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")  # Excel takes it for UTF-8
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_export_holds_what_the_list_shows_and_leaves_a_trace(desk: Desk) -> None:
    sato, _other = desk.submitted(desk.line("tk0413-sato")), desk.submitted()

    found = rows(browser(desk.approver).get("/applications/export/?q=sato"))

    assert [row[0] for row in found[1:]] == [sato.number]
    assert TrailEntry.objects.get(action="application.export").actor == desk.approver


def test_the_export_stays_in_the_own_federation(desk: Desk) -> None:
    desk.submitted()

    assert len(rows(roles.client_for(Role.APPROVER, code="27").get("/applications/export/"))) == 1


def test_no_cell_is_a_formula(desk: Desk) -> None:
    application = desk.submitted()
    Application.system.filter(pk=application.pk).update(subject='=HYPERLINK("http://x")')

    found = rows(browser(desk.approver).get("/applications/export/"))

    assert found[1][found[0].index("対象")].startswith("'=")


# --- what a page costs -------------------------------------------------------------------------------------------------


def test_thirty_rows_cost_as_many_statements_as_one(desk: Desk) -> None:
    client = browser(desk.approver)

    def statements() -> dict[str, int]:
        counted = {}
        for address in ("/", "/applications/", "/applications/inbox/"):
            client.get(address)
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            counted[address] = len(asked)
        return counted

    desk.submitted()
    for_one = statements()
    for number in range(29):
        desk.submitted(desk.line(f"tk{number:04}-sato"))

    assert statements() == for_one


def test_thirty_drafts_cost_as_many_statements_as_one(desk: Desk) -> None:
    client = browser(desk.applicant)
    desk.draft()
    client.get("/applications/drafts/")
    with CaptureQueriesContext(connection) as for_one:
        client.get("/applications/drafts/")
    for number in range(29):
        desk.draft(desk.line(f"tk{number:04}-sato"))

    with CaptureQueriesContext(connection) as for_many:
        client.get("/applications/drafts/")

    assert len(for_many) == len(for_one)
