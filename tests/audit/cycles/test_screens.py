"""監査カレンダー, the page of a month, calendars and REST: who sees what of the months (AUD-02 … AUD-08, ORG-02)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.cycles import calendar, selectors, services
from audit.cycles.models import AuditCycle
from audit.reports.models import ReportStatus
from portal.workflow.calendar.entries import Look
from tests import factories
from tests.audit import world
from tests.audit.world import jst
from tests.roles import client_for

NOW = jst(2026, 9, 25, 10)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch, db: None) -> dt.datetime:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return NOW


@pytest.fixture
def months(now: dt.datetime) -> tuple[AuditCycle, AuditCycle]:
    """August: 13 has its report, the others wait at the central association; September has begun."""
    august, september = world.open_cycle(dt.date(2026, 8, 1)), world.open_cycle()
    world.all_reports(august, ReportStatus.CREATED, made_at=jst(2026, 8, 27, 10))
    world.report(august, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))
    return august, september


def text_of(browser: Client, url: str) -> str:
    response = browser.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_calendar_shows_twelve_months_today_and_what_is_late(months: Any) -> None:
    page = text_of(client_for("AUDIT_REVIEWER", code="central"), "/audit/calendar/")

    assert page.count('id="m-') == 10  # nothing before the first open month
    assert "令和8年9月25日（金）" in page
    assert "前の工程が9月29日までのため、9月30日へ" in page
    assert page.count('aria-current="date"') == 2  # step 4 of August, step 1 of September
    assert page.count(">期限超過<") == 2  # the check of August, due on the 18th: in the list and in the table
    assert page.count("前工程待ち") == 1  # nobody is called late for a step that did not come to them yet
    assert "1/47" in page
    assert page.index("2026/8分 工程2") < page.index("2026/8分 工程7")  # late first


def test_a_federation_sees_the_days_of_all_and_the_progress_of_its_own_provided_report(months: Any) -> None:
    own = text_of(client_for("SECURITY_OFFICER", code="13"), "/audit/cycles/2026-08/")
    other = text_of(client_for("SECURITY_OFFICER", code="27"), "/audit/cycles/2026-08/")

    assert "9月25日～9月28日の営業日は2日で" in own
    assert "1/1" in own
    assert "47" not in own.split("<main")[1]
    assert "1/1" not in other
    assert "国保中央会から提供されると" in other
    assert "この工程で止まっている連合会" not in other  # AUD-04: nothing before the report is provided


def test_those_who_follow_see_who_owes_each_step(months: Any) -> None:
    page = text_of(client_for("OPERATOR", code="operations"), "/audit/cycles/2026-08/")

    assert "この工程で止まっている連合会" in page
    assert "(46)" in page
    assert "(1)" in page
    assert client_for("OPERATOR", code="operations").get("/audit/cycles/2026-12/").status_code == 404


def test_the_number_of_statements_does_not_grow_with_the_months(
    now: dt.datetime, django_assert_num_queries: Any
) -> None:
    reviewer = factories.user("AUDIT_REVIEWER", code="central")
    world.open_cycle(dt.date(2026, 1, 1), jst(2026, 1, 21))
    reviewer.current_memberships  # noqa: B018  read once per request
    with django_assert_num_queries(7):
        assert len(selectors.months(dt.date(2026, 1, 1), dt.date(2026, 12, 1), user=reviewer)) == 12
    services.open_due_cycles(NOW)
    assert AuditCycle.objects.count() == 9
    with django_assert_num_queries(7):
        assert len(selectors.months(dt.date(2026, 1, 1), dt.date(2026, 12, 1), user=reviewer)) == 12


def test_due_days_of_the_own_party_stand_in_the_calendar_of_changes(months: Any) -> None:
    def titles(*roles: str, code: str, **fields: Any) -> list[tuple[str, str, str]]:
        look = Look(
            user=factories.user(*roles, code=code),
            organisations=(),
            everything=False,
            first=dt.date(2026, 9, 1),
            last=dt.date(2026, 10, 31),
            now=NOW,
            **fields,
        )
        return [(e.uid, e.day.isoformat(), e.state) for e in calendar.entries(look)]

    assert titles("OPERATOR", code="operations") == [
        ("audit-2026-09-1", "2026-09-28", "RUNNING"),
        ("audit-2026-10-1", "2026-10-28", "PLANNED"),  # not open yet
    ]
    assert titles("SECURITY_OFFICER", code="13") == [
        ("audit-2026-08-4", "2026-09-29", "RUNNING"),
        ("audit-2026-08-5", "2026-09-30", "PLANNED"),
        ("audit-2026-08-6", "2026-09-30", "PLANNED"),
        ("audit-2026-09-4", "2026-10-27", "PLANNED"),
        ("audit-2026-09-5", "2026-10-28", "PLANNED"),
        ("audit-2026-09-6", "2026-10-28", "PLANNED"),
    ]
    assert titles("APPLICANT", code="13") == []
    assert titles("APPROVER", code="13") == []  # decides applications, no step of a report
    assert titles("OPERATOR", code="operations", kind="accounts.register") == []


def test_the_feed_gives_each_role_its_due_days_with_a_token(months: Any, settings: Any) -> None:
    person = factories.user("SECURITY_MANAGER", code="13")
    _row, token = factories.token(person)
    headers = {"Authorization": f"Token {token}"}

    mine = Client().get("/api/v1/audit/calendar/feed/", headers=headers)
    everything = Client().get("/api/v1/audit/calendar/feed/?owner=ALL", headers=headers)
    refused = Client().get("/api/v1/audit/calendar/feed/?owner=13", headers=headers)

    assert mine["Content-Type"].startswith("text/calendar")
    lines = mine.content.decode().replace("\r\n ", "").split("\r\n")
    uids = [line for line in lines if line.startswith("UID:")]
    assert any(line.startswith("UID:audit-2026-08-4@") for line in uids)
    assert len(uids) == len(set(uids))
    assert not any(line.startswith("UID:audit-2026-09-1@") for line in uids)
    assert "DTSTART;VALUE=DATE:20260929" in lines
    assert "UID:audit-2026-09-1@" in everything.content.decode()
    assert refused.status_code == 400


def test_the_months_over_rest_say_which_days_are_frozen(months: Any) -> None:
    browser = client_for("AUDIT_REVIEWER", code="central")

    found = browser.get("/api/v1/audit/cycles/?from=2026-08&owner=FEDERATION").json()

    assert [(m["month"], m["is_open"]) for m in found[:3]] == [
        ("2026-08", True),
        ("2026-09", True),
        ("2026-10", False),
    ]
    assert [s["step"] for s in found[0]["steps"]] == [4, 5, 6]
    assert found[0]["steps"][0]["due_on"] == "2026-09-29"
    assert found[0]["steps"][0]["total"] == 47
    assert found[0]["steps"][0]["standing"] == "RUNNING"
    assert browser.get("/api/v1/audit/cycles/?from=soon").status_code == 400
    assert browser.get("/audit/calendar/?from=2026-99&owner=nobody").status_code == 200


def test_late_reports_are_counted_by_one_statement_within_scope_and_of_the_own_party(
    months: Any, django_assert_num_queries: Any
) -> None:
    people = [
        factories.user("AUDIT_REVIEWER", code="central"),
        factories.user("OPERATOR", code="operations"),
        factories.user("SECURITY_OFFICER", code="13"),
        factories.user("SECURITY_OFFICER", code="27"),
    ]
    day, found = dt.date(2026, 10, 2), []
    for person in people:
        parties = selectors.parties(person)
        with django_assert_num_queries(1):
            found.append(selectors.late_count(person, day, parties))

    assert found == [46, 47, 1, 0]
    assert selectors.late_count(people[0], day) == 94
    assert selectors.late_count(people[0], dt.date(2026, 9, 18)) == 0


def test_late_reports_stand_on_the_home_page_of_who_owes_them(months: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: jst(2026, 10, 2, 10))

    assert "期限を過ぎた監査報告" in text_of(client_for("AUDIT_REVIEWER", code="central"), "/")
    assert "期限を過ぎた監査報告" in text_of(client_for("SECURITY_OFFICER", code="13"), "/")
    assert "期限を過ぎた監査報告" not in text_of(client_for("SECURITY_OFFICER", code="27"), "/")
