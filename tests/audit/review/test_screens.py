"""The review on the screen: groups, filters, many at once without JavaScript, whole names only for a reason (AUD-03, SEC-02)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.reconciliation.masking import masked, masked_account
from audit.reconciliation.models import Incident, MismatchReason
from audit.reports.models import AuditReport
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit.reports import world
from tests.audit.review.test_reasons import give, made, officer, reviewer
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def address(report: AuditReport, name: str = "audit_sessions", log: str = "database", **more: Any) -> str:
    key = {"month": report.cycle.key, "code": report.organisation.code, "revision": report.revision}
    return reverse(name, kwargs={**key, "log": log, **more})


def text(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(body.decode("utf-8-sig"))


def test_aud_03_ticked_sessions_get_one_reason() -> None:
    report, sessions = made(count=3)
    browser, here = client_of(reviewer()), address(report)

    empty = browser.post(here, {"session": [sessions[0].pk], "code": "", "text": ""})
    nothing = browser.post(here, {"code": "OVERRUN", "text": "延長"})
    done = browser.post(
        here, {"session": [s.pk for s in sessions[:2]], "code": "OVERRUN", "text": "延長した。"}
    )

    assert (empty.status_code, nothing.status_code, done.status_code) == (422, 422, 302)
    assert f'value="{sessions[0].pk}" checked' in text(empty)
    assert MismatchReason.system.count() == 2
    assert "延長した。" in text(browser.get(here))


def test_org_02_a_session_of_another_report_is_as_unknown_as_none_and_gets_no_reason() -> None:
    report, sessions = made("PROVIDED")
    _other, foreign = made("PROVIDED", place="27")
    created, of_created = made(place="14")
    _third, elsewhere = made(place="28")
    takeout = world.mismatch(created.reconciliation, log_kind="TAKEOUT")  # type: ignore[arg-type]
    said = {"code": "OVERRUN", "text": "延長した。"}

    for person, here, own, others in (
        (officer(), address(report), sessions[0].pk, (foreign[0].pk, 999_999_999)),
        (reviewer(), address(created), of_created[0].pk, (elsewhere[0].pk, takeout.pk, 999_999_999)),
    ):
        browser = client_of(person)
        answers = [browser.post(here, said | {"session": [own, other]}).status_code for other in others]
        assert set(answers) == {404}
    assert not MismatchReason.system.exists()


def test_aud_10_the_page_of_a_replaced_revision_writes_no_reason_into_the_one_that_counts() -> None:
    report, sessions = made()
    old = world.report(
        report.cycle, revision=0, status="SUPERSEDED", is_current=False, reconciliation=report.reconciliation
    )
    said = {"code": "OVERRUN", "text": "延長した。"}
    key = {"month": report.cycle.key, "code": "13", "revision": 0}

    sent = client_of(reviewer()).post(address(old), said | {"session": [sessions[0].pk]})
    over_rest = client_of(reviewer()).post(
        reverse("api_audit_reasons", kwargs=key),
        said | {"mismatches": [sessions[0].pk]},
        content_type="application/json",
    )

    assert (sent.status_code, over_rest.status_code) == (409, 409)
    assert "新しい版" in text(sent)
    assert "新しい版" in over_rest.json()["detail"]
    assert not MismatchReason.system.exists()


@pytest.mark.parametrize(
    ("by", "key", "expected"),
    [("code", "U_TIME", 2), ("host", "DB9", 1), ("account", "root", 3), ("day", "2026-09-05", 3)],
)
def test_aud_03_all_sessions_of_a_group_get_one_reason(by: str, key: str, expected: int) -> None:
    report, sessions = made(count=1, account="root", host="DB9", code="U_TIME")
    assert report.reconciliation is not None
    for host, code in (("DB1", "U_TIME"), ("DB2", "U_HOST")):
        world.mismatch(report.reconciliation, account="root", host=host, code=code)
    browser, here = client_of(reviewer()), f"{address(report)}?by={by}"

    page = text(browser.get(here))
    done = browser.post(here, {"group": [key], "code": "OVERRUN", "text": "延長した。"})

    assert f'name="group" value="{key}"' in page
    assert done.status_code == 302
    assert MismatchReason.system.count() == expected
    assert sessions


def test_aud_03_everything_that_a_search_found_gets_one_reason() -> None:
    report, _sessions = made(count=60, host="DB1")
    assert report.reconciliation is not None
    world.mismatch(report.reconciliation, host="DB2")
    browser, here = client_of(reviewer()), f"{address(report)}?host=DB1&shown=open"

    done = browser.post(here, {"everything": "1", "code": "OVERRUN", "text": "延長した。"})

    assert done.status_code == 302
    assert MismatchReason.system.count() == 60
    assert "DB1" not in text(browser.get(f"{address(report)}?by=host&shown=open"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("本番", {"DB1"}),
        ("番", {"DB1"}),  # one character
        ("ｔａｎａｋａ 本", {"DB1"}),  # every word, whatever its width
        ("tanaka", {"DB1", "DB2"}),
        ("a_a", set()),  # no wildcard
        ("本番 sato", set()),
    ],
)
def test_a_search_goes_through_the_sessions_of_this_report_alone(query: str, expected: set[str]) -> None:
    report, _sessions = made(count=1, host="DB1", search_text="db1 tanaka 本番")
    assert report.reconciliation is not None
    world.mismatch(report.reconciliation, host="DB2", search_text="db2 tanaka")
    made(place="27", host="DB3", search_text="db3 tanaka 本番")

    found = text(client_of(reviewer()).get(f"{address(report)}?q={quote(query)}"))

    assert {host for host in ("DB1", "DB2", "DB3") if host in found} == expected


def test_aud_05_both_sides_stand_beside_each_other_and_the_form_is_there_for_whose_turn_it_is() -> None:
    report, sessions = made("PROVIDED")
    world.reason(sessions[0], text="中央会の理由です。")
    mine, central = client_of(officer()), client_of(reviewer())
    here = address(report)

    done = mine.post(
        here, {"session": [sessions[0].pk], "code": "OTHER_OPERATOR", "text": "連合会の理由です。"}
    )

    assert done.status_code == 302
    for browser in (mine, central):
        page = text(browser.get(here))
        assert "中央会の理由です。" in page
        assert "連合会の理由です。" in page
    assert 'name="session"' in text(mine.get(here))
    assert 'name="session"' not in text(central.get(here))
    assert central.post(here, {"session": [sessions[0].pk], "code": "OTHER", "text": "x"}).status_code == 409


def test_aud_04_a_federation_sees_nothing_before_it_was_provided_and_never_anothers() -> None:
    report, sessions = made()
    foreign, _sessions = made("PROVIDED", place="27")
    browser = client_of(officer())

    for name, more in (
        ("audit_sessions", {}),
        ("audit_sessions_export", {}),
        ("audit_sessions_print", {}),
        ("audit_session", {"pk": sessions[0].pk}),
    ):
        assert browser.get(address(report, name, **more)).status_code == 404
        assert browser.get(address(foreign, name, **more)).status_code == 404
    assert browser.get(address(report, log="nonsense")).status_code == 404
    assert client_of(factories.applicant()).get(address(report)).status_code == 403


def test_sec_02_names_of_files_are_shown_whole_only_for_a_reason_that_is_recorded() -> None:
    name = r"\\fs13\share\山田太郎_特定個人情報.xlsx"
    report, (session,) = made(count=1, log_kind="TAKEOUT", object_name=name, medium_permitted=False)
    browser, here = client_of(reviewer()), address(report, log="takeout")
    one = address(report, "audit_session", log="takeout", pk=session.pk)

    pages = [
        text(browser.get(each))
        for each in (here, one, address(report, "audit_sessions_print", log="takeout"))
    ]
    why = {"step": "reveal", "reveal-purpose": "CHECK", "reveal-text": "持出し先の確認"}
    refused = browser.post(here, why | {"reveal-text": " "})
    shown = [text(browser.post(each, why)) for each in (here, one)]

    assert all("山田太郎" not in page and "山●●●.xlsx" in page for page in pages)
    assert refused.status_code == 422
    assert "山田太郎" not in text(refused)
    assert all("山田太郎" in page for page in shown)
    kept = TrailEntry.objects.filter(action="audit_report.reveal")
    assert [entry.detail["reason"]["text"] for entry in kept] == ["持出し先の確認"] * 2


def test_sec_02_rest_gives_whole_names_of_files_only_for_a_purpose_and_a_reason_that_are_recorded() -> None:
    report, _sessions = made(count=1, log_kind="TAKEOUT", object_name=r"C:\a\山田太郎.xlsx")
    key = {"month": report.cycle.key, "code": "13", "revision": 1}
    here = reverse("api_audit_mismatches", kwargs=key) + "?log=TAKEOUT"
    browser, why = client_of(reviewer()), {"X-Purpose": "CHECK", "X-Reason": quote("持出し先の確認")}

    def names(**headers: str) -> list[str]:
        return [row["object_name"] for row in browser.get(here, headers=headers).json()["results"]]

    assert names() == ["山●●●.xlsx"]
    for wrong in ({"X-Purpose": "CHECK"}, {"X-Reason": "x"}, why | {"X-Purpose": "NONSENSE"}):
        assert browser.get(here, headers=wrong).status_code == 400
    assert not TrailEntry.objects.filter(action="audit_report.reveal").exists()
    assert names(**why) == [r"C:\a\山田太郎.xlsx"]
    kept = TrailEntry.objects.get(action="audit_report.reveal")
    assert kept.detail["reason"] == {"purpose": "CHECK", "text": "持出し先の確認"}


def test_a_masked_name_says_nothing_about_a_person() -> None:
    assert masked("山田太郎.xlsx", "TAKEOUT") == "山●●●.xlsx"
    assert masked("山田太郎", "TAKEOUT") == "山●●●"
    assert masked("a.山田太郎の全部", "TAKEOUT") == "a●●●"
    assert masked("KOJIN.HIHOKENSHA", "DATABASE") == "KOJIN.HIHOKENSHA"
    assert masked("", "TAKEOUT") == ""
    assert [masked_account(name) for name in ("yamada-taro", "sa", "")] == ["y●●●o", "s●●●", ""]


def test_sec_02_a_file_of_mismatches_asks_why_and_holds_both_reasons() -> None:
    report, sessions = made(log_kind="TAKEOUT", object_name="山田.xlsx")
    give(sessions[:1], reviewer(), text="障害対応。")
    browser, here = client_of(reviewer()), address(report, "audit_sessions_export", log="takeout")

    why = {"purpose": "CHECK", "text": "月次点検"}
    refused = browser.post(here, why | {"purpose": ""})
    given = text(browser.post(here, why))
    book = browser.post(f"{here}?format=xlsx", why)

    assert (refused.status_code, book.status_code) == (422, 200)
    assert "障害対応。" in given
    assert given.count("山田.xlsx") == 2
    kept = TrailEntry.objects.filter(action="audit_report.sessions_export").first()
    assert kept is not None
    assert kept.detail["reason"]["text"] == "月次点検"


def test_an_incident_is_read_and_closed_on_the_screen() -> None:
    _report, sessions = made()
    one = reviewer()
    give(sessions, one, code="MISUSE", text="夜間の参照")
    number = Incident.system.get().number
    page = reverse("incident", args=[number])
    manager = client_of(factories.user(Role.SECURITY_MANAGER))

    assert "夜間の参照" in text(client_of(one).get(page))
    assert client_of(one).post(page, {"result": "x"}).status_code == 403
    assert client_of(officer("27")).get(page).status_code == 404
    assert manager.post(page, {"result": ""}).status_code == 422
    assert manager.post(page, {"result": "正当な作業"}).status_code == 302
    assert manager.post(page, {"result": "もう一度"}).status_code == 409
    assert number in text(manager.get(reverse("incident_list") + "?state=CLOSED&q=夜間"))
    assert number not in text(manager.get(reverse("incident_list") + "?state=OPEN"))


def test_a_session_leads_to_its_suspicion_and_back_for_those_who_may_see_both() -> None:
    report, sessions = made(count=2)
    one, manager = reviewer(), factories.user(Role.SECURITY_MANAGER)
    give(sessions[:1], one, code="MISUSE", text="夜間の参照")
    number = Incident.system.get().number
    session, other = (address(report, "audit_session", pk=each.pk) for each in sessions)
    incident = reverse("incident", args=[number])

    assert f'href="{incident}"' in text(client_of(one).get(session))
    assert f'href="{incident}"' not in text(client_of(one).get(other))
    assert f'href="{session}"' in text(client_of(one).get(incident))
    assert session not in text(client_of(manager).get(incident)), "the report was not provided yet (ORG-02)"


def test_lists_cost_the_same_for_many_rows(django_assert_num_queries: Any) -> None:
    report, _sessions = made(count=1)
    assert report.reconciliation is not None
    browser = client_of(reviewer())
    pages = [address(report), f"{address(report)}?by=host"]
    for page in pages:
        browser.get(page)
    before = []
    for page in pages:
        with CaptureQueriesContext(connection) as first:
            browser.get(page)
        before.append(len(first))
    person = reviewer()
    for n in range(29):
        world.reason(world.mismatch(report.reconciliation, host=f"DB{n}"), by=person)

    for page, count in zip(pages, before, strict=True):
        with django_assert_num_queries(count + (page == pages[0])):  # the reasons, once there are any
            browser.get(page)


def test_mismatches_and_reasons_over_rest() -> None:
    report, sessions = made()
    browser = client_of(reviewer())
    key = {"month": report.cycle.key, "code": "13", "revision": 1}
    base = reverse("api_audit_mismatches", kwargs=key)

    read = browser.get(f"{base}?log=DATABASE&shown=open").json()["results"]
    wrong = browser.post(
        reverse("api_audit_reasons", kwargs=key),
        {"mismatches": [sessions[0].pk, 999_999], "code": "OTHER", "text": "x"},
        content_type="application/json",
    )
    given = browser.post(
        reverse("api_audit_reasons", kwargs=key),
        {"mismatches": [row["id"] for row in read], "code": "MISUSE", "text": "夜間の参照"},
        content_type="application/json",
    )

    assert [row["id"] for row in read] == [s.pk for s in reversed(sessions)]
    assert (wrong.status_code, given.status_code) == (404, 200)
    assert browser.get(base).json()["results"][0]["central_reason"]["code"] == "MISUSE"
    assert [row["month"] for row in browser.get(reverse("api_audit_incidents")).json()["results"]] == [
        "2026-09"
    ]
    AuditReport.system.update(status="CENTRAL_CONFIRMED")
    late = browser.post(
        reverse("api_audit_reasons", kwargs=key),
        {"mismatches": [sessions[0].pk], "code": "OTHER", "text": "x"},
        content_type="application/json",
    )
    assert late.status_code == 409
    assert late.json()["code"] == "changed-meanwhile"


def test_aud_03_a_reason_is_given_on_the_page_of_the_session_too() -> None:
    report, sessions = made(count=2)
    here = address(report, "audit_session", pk=sessions[0].pk)
    browser = client_of(reviewer())

    wrong = browser.post(here, {"step": "give", "code": "", "text": ""})
    done = browser.post(here, {"step": "give", "code": "OVERRUN", "text": "延長した。"})

    assert wrong.status_code == 422
    assert text(wrong).count("エラー：") == 1  # once in the title
    assert done.status_code == 302
    assert MismatchReason.system.get().mismatch == sessions[0]
    assert address(report, "audit_session", pk=sessions[0].pk) not in text(browser.get(done["Location"]))
    assert 'value="give"' not in text(client_of(central_auditor()).get(here))
    answer = client_of(central_auditor()).post(here, {"step": "give", "code": "OVERRUN", "text": "x"})
    assert answer.status_code in (403, 409)
    assert MismatchReason.system.count() == 1


def central_auditor() -> User:
    return factories.user(Role.AUDITOR, code="central")


def test_every_label_of_the_review_leads_to_its_own_field() -> None:
    report, _sessions = made()

    page = text(client_of(reviewer()).get(address(report)))

    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))
