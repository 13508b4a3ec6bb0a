"""The pages of audit reports: each party does its steps there, nothing typed is lost, nobody sees another's (AUD-02…AUD-07)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.reconciliation.models import Side
from audit.reports.models import AuditReport
from audit.retention.models import Disposal
from portal.notices import messages, places
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail import sealing
from portal.trail.errors import SealNotFresh
from portal.trail.models import TrailEntry
from requests.enquiries import services as enquiries
from requests.enquiries.models import Enquiry
from tests import factories
from tests.audit.reports import world
from tests.audit.reports.steps import People, central, do, explain, one_file, walk
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def report() -> AuditReport:
    return world.report(world.cycle(dt.date(2026, 6, 1)))


def address(report: AuditReport, name: str = "audit_report") -> str:
    return reverse(name, args=[report.cycle.key, report.organisation.code, report.revision])


def post(actor: User, report: AuditReport, step: str, **values: Any) -> Any:
    report.refresh_from_db()
    data = {f"{step}-{name}": value for name, value in {"version": report.version, **values}.items()}
    answer = client_of(actor).post(address(report), {"step": step, **data})
    report.refresh_from_db()
    return answer


def page(actor: User, report: AuditReport) -> str:
    return client_of(actor).get(address(report)).content.decode()


def test_each_party_does_its_steps_on_the_page(people: People, report: AuditReport) -> None:
    world.run(report.cycle)
    way = [
        ("create", people.operator, "レポートを作成する"),
        ("central_confirm", people.confirmer, "中央会の確認を完了する"),
        ("provide", people.confirmer, "国保連合会へ提供する"),
        ("federation_confirm", people.manager, "連合会の確認を完了する"),
        ("send_back", people.manager, "返送して原本を保管する"),
        ("store_copy", people.reviewer, "複写を保管する"),
    ]
    for step, actor, button in way:
        assert button in page(actor, report), step
        assert button not in page(central(Role.AUDITOR), report), step
        assert post(actor, report, step).status_code == 302, step
        if step in ("central_confirm", "federation_confirm"):
            world.files(report, "PROVIDED" if step == "central_confirm" else "ORIGINAL")

    assert report.status == "COPY_STORED"
    assert "この月の手続きは完了しています" in page(people.manager, report)


def test_what_is_missing_is_said_in_place_of_the_button(people: People, report: AuditReport) -> None:
    world.mismatch(world.run(report.cycle))
    do("create", report, people.operator)

    text = page(people.confirmer, report)
    answer = post(people.confirmer, report, "central_confirm")

    assert "不一致理由が1件未記入" in text
    assert 'value="central_confirm"' not in text
    assert answer.status_code == 422


def test_org_02_a_federation_sees_its_own_report_once_it_is_provided(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "central_confirm")
    own, other = client_of(people.officer), client_of(factories.user(Role.SECURITY_MANAGER, code="14"))
    assert own.get(address(report)).status_code == 404
    assert address(report) not in own.get(reverse("audit_report_list")).content.decode()

    do("provide", report, people.confirmer)

    assert own.get(address(report)).status_code == 200
    assert address(report) in own.get(reverse("audit_report_list")).content.decode()
    assert other.get(address(report)).status_code == 404
    assert address(report) not in other.get(reverse("audit_report_list")).content.decode()
    for person in (factories.user(Role.APPLICANT), factories.user(Role.APPROVER), central(Role.USER)):
        assert client_of(person).get(address(report)).status_code == 403


def test_two_on_one_screen_the_second_is_told_who_was_faster(people: People, report: AuditReport) -> None:
    walk(report, people, "central_confirm")
    other = central(Role.APPROVER)
    version = report.version
    do("provide", report, people.confirmer)

    answer = client_of(other).post(address(report), {"step": "provide", "provide-version": version})

    assert answer.status_code == 422
    assert people.confirmer.display_name in answer.content.decode()
    assert report.events.filter(verb="provided").count() == 1


def test_aud_04_many_are_provided_at_once_from_a_list_with_check_boxes(people: People) -> None:
    cycle = world.cycle(dt.date(2026, 6, 1))
    ready, other, changed = (world.report(cycle, code) for code in ("13", "14", "15"))
    for each in (ready, other, changed):
        walk(each, people, "central_confirm")
    address = reverse("audit_report_many", args=["provide"])
    browser = client_of(people.confirmer)

    shown = browser.get(f"{address}?month={cycle.key}")
    nothing = browser.post(address, {})
    done = browser.post(
        address, {"report": [f"{ready.pk}:{ready.version}", f"{changed.pk}:{changed.version - 1}"]}
    )

    assert shown.content.decode().count('name="report"') == 3
    assert nothing.status_code == 302
    assert done.status_code == 422
    assert changed.organisation.name in done.content.decode()
    assert ready.organisation.name not in done.content.decode()
    assert list(AuditReport.system.filter(status="PROVIDED")) == [ready]
    for person in (people.operator, people.manager, people.reviewer):
        assert client_of(person).post(address, {}).status_code == 403


def test_aud_07_a_file_that_differs_is_refused_on_the_page(people: People, report: AuditReport) -> None:
    walk(report, people, "federation_confirm")

    answer = post(
        people.manager, report, "send_back", attachments=SimpleUploadedFile("控え.pdf", b"%PDF-1.7 another")
    )

    assert answer.status_code == 422
    assert "「控え.pdf」は原本と一致しません" in answer.content.decode()
    assert report.status == "FED_CONFIRMED"


def test_sec_02_a_file_is_taken_along_with_a_reason_that_is_recorded(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "provide")
    file = one_file(report, "PROVIDED")
    browser, to = client_of(people.officer), address(report, "audit_report_file")

    without = browser.post(to, {"download-file": file.pk})
    taken = browser.post(to, {"download-file": file.pk, "download-reason": "理事会への報告"})

    assert without.status_code == 422
    assert taken.content == bytes(file.content)
    entry = TrailEntry.objects.get(action="audit_report.download")
    assert (entry.detail["reason"], entry.detail["sha256"]) == ("理事会への報告", file.sha256)
    other = world.files(world.report(report.cycle, "14"), "PROVIDED")[0]
    assert browser.post(to, {"download-file": other.pk, "download-reason": "x"}).status_code == 404


def test_aud_07_a_file_that_is_not_as_it_was_made_is_handed_to_nobody_and_operations_are_told_once(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "provide")
    file = one_file(report, "PROVIDED")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE audit_reportfile DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_reportfile SET content = 'another' WHERE id = %s", [file.pk])
    browser, to = client_of(people.officer), address(report, "audit_report_file")
    rest = f"/api/v1/audit/reports/{report.cycle.key}/13/1/files/{file.pk}/?reason=x"

    page = browser.post(to, {"download-file": file.pk, "download-reason": "理事会への報告"})
    answer = browser.get(rest)

    assert page.status_code == 409
    assert f"ファイル「{file.name}」は、作成時に記録した内容と一致しない" in page.content.decode()
    assert "理事会への報告" in page.content.decode()
    assert (answer.status_code, answer.json()["code"]) == (409, "file-changed")
    entries = TrailEntry.objects.filter(action__in=("audit_report.file_changed", "audit_report.download"))
    assert [(each.action, each.detail["file"]) for each in entries] == [
        ("audit_report.file_changed", file.name)
    ] * 2
    mails = Notice.system.filter(template="audit_report_file_changed")
    assert {mail.to_user for mail in mails} == {people.operator}
    assert mails.count() == 1
    text = messages.build(mails[0], now=timezone.now()).get_content()
    assert address(report) in text
    assert f"ファイル番号：{file.pk}" in text

    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_reportfile SET content = '' WHERE id = %s", [file.pk])
    assert browser.get(rest).json()["code"] == "file-changed"
    Disposal.objects.create(
        kind="REPORTS",
        month=report.cycle.month,
        state="DONE",
        reason="保存期間満了",
        proposed_by=people.operator,
        proposed_at=timezone.now(),
        decided_by=people.confirmer,
        decided_at=timezone.now(),
    )
    assert (browser.get(rest).status_code, browser.get(rest).json()["code"]) == (410, "content-disposed")


def test_aud_05_an_enquiry_from_the_page_holds_up_the_confirmation_until_closed_or_carried_over(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "provide")
    to = address(report, "audit_report_ask")
    values = {
        "version": report.version,
        "desk": "CENTRAL",
        "subject": "9/5の接続",
        "text": "誰の作業ですか。",
    }
    browser = client_of(people.officer)
    assert browser.post(to, values | {"text": ""}).status_code == 422
    assert browser.post(to, values).status_code == 302
    made = Enquiry.system.get()
    assert (made.category, made.desk, made.organisation_id) == ("AUDIT", "CENTRAL", report.organisation_id)
    assert made.number in page(people.manager, report)

    assert post(people.manager, report, "federation_confirm").status_code == 422
    assert post(people.manager, report, "carry_over", enquiry=made.number, reason="").status_code == 422
    carried = post(people.manager, report, "carry_over", enquiry=made.number, reason="次月に回答を受ける。")
    assert carried.status_code == 302
    assert post(people.manager, report, "federation_confirm").status_code == 302
    assert report.events.filter(verb="carried_over", detail__enquiry=made.number).exists()


def test_aud_05_a_closed_enquiry_holds_up_nothing(people: People, report: AuditReport) -> None:
    walk(report, people, "provide")
    values = {"version": report.version, "desk": "CENTRAL", "subject": "問", "text": "問"}
    client_of(people.officer).post(address(report, "audit_report_ask"), values)
    made = Enquiry.system.get()

    enquiries.close(enquiry_id=made.pk, version=made.version, actor=people.officer, now=timezone.now())

    assert post(people.manager, report, "federation_confirm").status_code == 302


def test_aud_06_the_presentation_is_recorded_on_the_page(people: People, report: AuditReport) -> None:
    walk(report, people, "federation_confirm")

    missing = post(people.officer, report, "present", presented="yes", to="", on="R8.7.28")
    assert missing.status_code == 422
    assert "提示先を入力してください" in missing.content.decode()
    done = post(people.officer, report, "present", presented="yes", to="東京都", on="R8.7.28")

    assert done.status_code == 302
    assert (report.presented_to, report.presented_on) == ("東京都", dt.date(2026, 7, 28))


def test_late_steps_are_red_and_waiting_ones_are_on_the_home_page(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "provide")  # of June: long overdue
    future = world.report(world.cycle(dt.date(2030, 1, 1)))

    assert "期限超過" in page(people.manager, report)
    listed = client_of(people.reviewer).get(reverse("audit_report_list") + "?whose=late").content.decode()
    assert address(report) in listed
    assert address(future) not in listed
    for person, waits in (
        (people.manager, True),
        (people.officer, True),
        (people.reviewer, False),
        (people.operator, False),
    ):
        home = client_of(person).get(reverse("home")).content.decode()
        assert ("対応待ちの監査報告レポート" in home) is waits


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_takes_the_same_number_of_statements_whatever_the_rows(rows: int, people: People) -> None:
    cycle = world.cycle(dt.date(2026, 6, 1))
    for number in range(1, rows + 1):
        run = world.run(cycle, f"{number:02}")
        world.mismatch(run)
        world.report(cycle, f"{number:02}", status="CREATED", reconciliation=run)
    browser = client_of(people.reviewer)
    browser.get(reverse("audit_report_list"))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = browser.get(reverse("audit_report_list"))

    assert answer.content.decode().count('role="rowheader"') == rows
    assert len(queries) == LIST_STATEMENTS


LIST_STATEMENTS = 12


@pytest.mark.parametrize("step", ["provide"])
def test_what_can_be_done_with_47_reports_is_worked_out_with_a_statement_for_each(
    step: str, people: People
) -> None:
    cycle = world.cycle(dt.date(2026, 6, 1))
    for number in range(1, 48):
        world.files(world.report(cycle, f"{number:02}", status="CENTRAL_CONFIRMED"), "PROVIDED")
    browser = client_of(people.confirmer)

    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(reverse("audit_report_many", args=[step]))

    assert answer.content.decode().count('name="report"') == 47
    assert len(queries) <= 2 * 47 + 15  # of each report: are its files there, and as they were made?


def test_every_mail_leads_to_a_page_that_its_reader_sees(people: People, report: AuditReport) -> None:
    walk(report, people, "store_copy")

    for notice in Notice.system.filter(template__startswith="audit_report"):
        assert notice.to_user is not None
        mail = messages.build(notice, now=timezone.now())
        assert report.cycle.key in mail.get_content()
        assert client_of(notice.to_user).get(places.place_of(notice)).status_code == 200


def test_export_and_print_of_the_list(people: People, report: AuditReport) -> None:
    browser: Client = client_of(people.reviewer)

    exported = browser.get(reverse("audit_report_export") + "?format=csv")
    printed = browser.get(reverse("audit_report_print"))

    assert report.organisation.name in b"".join(exported).decode("utf-8-sig")
    assert report.organisation.short_name in printed.content.decode()


def test_a_deputy_reads_and_does_the_step_of_the_principal(people: People, report: AuditReport) -> None:
    walk(report, people, "provide")
    stand_in = factories.user(Role.APPLICANT)
    assert client_of(stand_in).get(address(report)).status_code == 403
    factories.deputy(people.manager, stand_in, Role.SECURITY_MANAGER)

    assert "連合会の確認を完了する" in page(stand_in, report)
    assert post(stand_in, report, "federation_confirm").status_code == 302

    assert report.federation_checked_for == people.manager


def test_reasons_of_both_sides_are_counted_by_finding(people: People, report: AuditReport) -> None:
    run = world.run(report.cycle)
    found = [world.mismatch(run), world.mismatch(run)]
    explain(found[0], people, Side.CENTRAL)
    world.mismatch(run, code="OK")  # fits a work: no mismatch
    do("create", report, people.operator)

    text = page(people.reviewer, report)

    assert "1 / 2" in text
    assert "0 / 2" in text


def test_aud_03_who_gives_reasons_is_told_how_many_are_missing_and_led_to_them(
    people: People, report: AuditReport
) -> None:
    found = world.mismatch(world.run(report.cycle))
    do("create", report, people.operator)
    way = f"{address(report)}sessions/database/?shown=open"

    told, read = page(people.reviewer, report), page(central(Role.AUDITOR), report)

    assert "不一致理由の未記入が1件あります" in told
    assert way in told
    assert "理由を入力" not in read
    assert way not in read
    explain(found, people, Side.CENTRAL)
    assert "不一致理由はすべて記入済みです" in page(people.reviewer, report)


def test_the_list_shows_the_newest_month_first_and_in_it_the_federations_by_their_codes() -> None:
    codes = [f"{number:02}" for number in range(1, 48)]
    months = [world.cycle(dt.date(2026, 6, 1)), world.cycle(dt.date(2026, 7, 1))]
    for month in months:
        for code in reversed(codes):  # in whatever order they are made
            world.report(month, code)
    world.report(months[0], "13", revision=2, is_current=False)
    browser, here = client_of(central(Role.AUDIT_REVIEWER)), reverse("audit_report_list")
    seen: list[tuple[str, str]] = []
    following = ""

    for _page in range(3):
        text = browser.get(here + following).content.decode()
        seen += re.findall(r'href="/audit/reports/(2026-\d\d)/(\d\d)/\d+/"', text)
        found = re.search(r'href="(\?cursor=a[^"]+)" rel="next"', text)
        if found is None:
            break
        following = found[1]

    assert seen == [(month, code) for month in ("2026-07", "2026-06") for code in codes]
    printed = browser.get(reverse("audit_report_print")).content.decode()
    assert re.findall(r'href="/audit/reports/(2026-\d\d)/(\d\d)/', printed) == seen


def test_what_was_typed_is_shown_again_as_it_was_typed_when_a_step_is_refused(people: People) -> None:
    report = world.report(world.cycle(dt.date(2026, 6, 1)))
    walk(report, people, "provide")

    refused = post(people.operator, report, "correct", reason="読み違いがあった。", enquiry="C-1", version=1)
    shown = refused.content.decode()

    assert refused.status_code == 422
    assert ">\n読み違いがあった。</textarea>" in shown
    assert 'value="C-1"' in shown
    assert f'name="correct-version" value="{report.version}"' in shown  # who sends it again has seen this one
    assert "処理できませんでした" in shown
    assert "1件の入力を直してください" not in shown


def test_sec_02_a_refusal_for_want_of_a_seal_says_what_to_do_and_keeps_what_was_typed(
    people: People, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = world.report(world.cycle(dt.date(2026, 6, 1)))
    walk(report, people, "provide")

    def not_fresh(_now: dt.datetime) -> None:
        raise SealNotFresh

    monkeypatch.setattr(sealing, "require_fresh_seal", not_fresh)
    settings.EVIDENCE = settings.EVIDENCE | {"socket": "/nonexistent"}

    refused = post(people.operator, report, "supplement", reason="到着が遅れた。").content.decode()
    many = client_of(people.operator).post(
        reverse("audit_report_many", args=["create"]), {"report": f"{report.pk}:{report.version}"}
    )
    card = client_of(people.operator).get("/").content.decode()

    assert "入力した内容は残っています" in refused
    assert ">\n到着が遅れた。</textarea>" in refused
    assert many.status_code == 422
    assert "いずれも処理していません" in many.content.decode()
    assert "ほかは処理しました" not in many.content.decode()
    assert "証跡の封印の停止" in card
