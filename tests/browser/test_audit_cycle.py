"""In a browser: one federation's month from the log file to the copy at 中央会, nothing of it made up (AUD-01…AUD-07)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from audit.cycles.services import open_cycle
from audit.imports import loading
from audit.imports.models import LogImport
from audit.reconciliation import services as reconciliation
from audit.reports.documents import making
from audit.reports.models import AuditReport, ReportFile
from portal.common.time import JST
from portal.documents.signing import seal_of
from portal.orgs.permissions import Role
from portal.trail.models import Checkpoint
from requests.enquiries import services as enquiries
from requests.enquiries.models import Enquiry
from tests import factories
from tests.audit.imports import logs
from tests.audit.ledgers.world import work
from tests.browser.conftest import Desk, Office
from tests.browser.good import expect_good_here
from tests.documents.openssl_tsa import with_authority
from tests.evidence import RunningSigner
from tests.threads import at_once

pytestmark = pytest.mark.browser
MONTH = dt.date(2026, 9, 1)


def make_files() -> None:
    """What a worker does at the bell; in a thread, because Playwright's event loop runs in this one."""
    assert at_once(lambda: making.make_owed_files(now=timezone.now())) == [1]


def a_work_and_its_log(folder: Path) -> Path:
    """A work of three accesses in the ledger of 中央会, and a log in which it took an hour longer."""
    begin = dt.datetime(2026, 9, 5, 10, tzinfo=JST)
    work(planned_from=begin, planned_until=begin + dt.timedelta(hours=1), accounts=["hoshu01"])
    logs.host("KK13-DB01")
    lines = (
        logs.line(f"2026-09-05 {at}", host="KK13-DB01", user="hoshu01")
        for at in ("10:05:00", "10:25:00", "10:45:00", "13:00:00")
    )
    file = folder / "splunk.csv"
    file.write_bytes(logs.text(*lines))
    return file


def import_and_reconcile() -> None:
    """What workers do after the button was pressed."""

    def carry_out() -> None:
        loading.run(import_id=LogImport.objects.get().pk, now_fn=timezone.now)
        reconciliation.reconcile_again(now=timezone.now())

    at_once(carry_out)


def explain(desk: Desk, page: str, text: str) -> None:
    """One reason for every session, on the screen of the review."""
    desk.open(f"{page}sessions/database/")
    expect_good_here(desk)
    desk.page.locator("[name=everything]").check()
    desk.page.locator("#id_code").select_option("OVERRUN")
    desk.page.fill("#id_text", text)
    desk.press("この理由を入力する")


def test_one_month_of_a_federation_from_operations_to_the_copy_of_central(
    office: Office, signer: RunningSigner, settings: Any, tmp_path: Path
) -> None:
    with_authority(settings, tmp_path)
    cycle = open_cycle(month=MONTH, now=timezone.now())
    assert cycle is not None
    report = AuditReport.system.get(cycle=cycle, organisation__code="13")
    log = a_work_and_its_log(tmp_path)
    page = f"/audit/reports/{cycle.key}/13/1/"
    officer, manager = factories.user(Role.SECURITY_OFFICER), factories.user(Role.SECURITY_MANAGER)
    reviewer = factories.user(Role.AUDIT_REVIEWER, code="central")
    confirmer = factories.user(Role.APPROVER, code="central")

    # Before step 1: operations bring the log, look at it and import it; it is compared with the ledger.
    operations = office.desk_of(office.lab.cast.operator)
    operations.open("/audit/logs/")
    operations.page.get_by_label("DBアクセス", exact=True).check()
    operations.page.fill("[name=month]", cycle.key)
    operations.page.set_input_files("[name=file]", str(log))
    operations.press("登録して内容を確認")
    expect(operations.page.locator("main")).to_contain_text("T_KOJIN")
    expect_good_here(operations)
    operations.press("取り込む")
    import_and_reconcile()
    operations.page.reload()
    expect(operations.page.locator("main")).to_contain_text("取込み済み")

    # 1: operations, from the card of the home page.
    operations.open("/")
    operations.page.get_by_role("link", name="対応待ちの監査報告レポート").first.click()
    expect(operations.page.locator("h1")).to_contain_text("監査報告レポート")
    expect_good_here(operations)
    operations.open(page)
    operations.press("レポートを作成する")
    assert operations.status() == "作成済み"

    # 2: 中央会; without a reason there is no button, only what is missing.
    central = office.desk_of(confirmer)
    central.open(page)
    expect(central.page.locator("main")).to_contain_text("不一致理由が1件未記入")
    expect(central.page.get_by_role("button", name="中央会の確認を完了する")).to_have_count(0)
    expect_good_here(central)
    explain(office.desk_of(reviewer), page, "障害対応が予定の時間を超えた。")
    central.open(page)
    central.press("中央会の確認を完了する")
    expect(central.page.locator("main")).to_contain_text("ファイルがまだできていません")
    make_files()

    # 3: provided from the list of those that can be.
    central.open(f"/audit/reports/many/provide/?month={cycle.key}")
    expect_good_here(central)
    central.press("国保連合会へ提供する")
    report.refresh_from_db()
    assert report.status == "PROVIDED"

    # 4: the federation asks, is answered, gives its reason and confirms.
    asking = office.desk_of(officer)
    asking.open(page)
    expect_good_here(asking)
    asking.press("レポートについて問い合わせる")
    asking.page.fill("[name=subject]", "9月5日の接続")
    asking.page.fill("[name=text]", "どの作業でしょうか。")
    expect_good_here(asking)
    asking.press("問合せを送信する")
    confirming = office.desk_of(manager)
    confirming.open(page)
    expect(confirming.page.locator("main")).to_contain_text("不一致理由が1件未記入")
    explain(asking, page, "連合会で立ち会い、確認した。")
    confirming.open(page)
    expect(confirming.page.locator("main")).to_contain_text("次の問合せを完了するか、持ち越してください")
    enquiry = Enquiry.system.get()
    enquiries.close(enquiry_id=enquiry.pk, version=enquiry.version, actor=officer, now=timezone.now())
    confirming.open(page)
    confirming.press("連合会の確認を完了する")
    make_files()

    # 5: presented, by keyboard alone; 6: a wrong file is refused, then the original goes back.
    confirming.open(page)
    confirming.page.locator("summary", has_text="提示を記録する").focus()
    confirming.page.keyboard.press("Enter")
    confirming.page.get_by_label("提示先").fill("東京都、全保険者")
    confirming.page.get_by_label("提示日").fill("R8.11.1")
    confirming.press("記録する")
    wrong = tmp_path / "控え.pdf"
    wrong.write_bytes(b"%PDF-1.7 not the original")
    confirming.page.set_input_files("[name=send_back-attachments]", str(wrong))
    confirming.press("返送して原本を保管する")
    expect(confirming.page.locator("main")).to_contain_text("「控え.pdf」は原本と一致しません")
    expect_good_here(confirming)
    confirming.page.fill("[name=download-reason]", "原本の確認")
    with confirming.page.expect_download() as taken:
        confirming.page.locator("li", has_text="原本").locator("button[name=download-file]").first.click()
    same = tmp_path / "original"
    taken.value.save_as(same)
    confirming.page.set_input_files("[name=send_back-attachments]", str(same))
    confirming.press("返送して原本を保管する")

    # 7: 中央会 keeps the copy; the month is over for everybody.
    keeping = office.desk_of(reviewer)
    keeping.open(page)
    keeping.press("複写を保管する")
    for desk in (keeping, confirming, operations):
        desk.open(page)
        assert desk.status() == "複写保管済み"
        expect(desk.page.locator("main")).to_contain_text("この月の手続きは完了しています")
    expect_good_here(keeping)
    hashes = [
        set(ReportFile.system.filter(report=report, stage=stage).values_list("name", "sha256"))
        for stage in ("ORIGINAL", "COPY")
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 6
    assert Checkpoint.objects.count() >= 6  # each step sealed first
    pdf = ReportFile.system.get(report=report, stage="COPY", format="PDF", log_kind="DATABASE")
    (seal,) = at_once(lambda: seal_of(bytes(pdf.content)))
    assert seal.fits
