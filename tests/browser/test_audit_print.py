"""The audit on paper: no column leaves it, heads come again on each page, nothing of the screen's furniture (AUD-03, AUD-10)."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from audit.reconciliation.models import LogKind
from audit.reports.models import AuditReport
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.reports import world
from tests.browser.conftest import Office

pytestmark = pytest.mark.browser
# What A4 leaves between its margins, in CSS pixels: upright 186 mm, across 277 mm.
_UPRIGHT, _ACROSS = 703, 1047
_TOO_WIDE = """() => [...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && e.getBoundingClientRect().width > 1)
    .map(e => e.tagName + " " + e.textContent.slice(0, 30))"""


@pytest.fixture
def report() -> AuditReport:
    """Of which every column of the printed sessions holds something, on several pages."""
    month = world.cycle()
    run = world.run(month)
    for number in range(60):
        session = world.mismatch(
            run,
            log_kind=LogKind.TAKEOUT,
            host="kokuho-tokyo-kaigo-database-server-0000000013",
            account="kokuho_hoshu_tantou_01",
            client="192.168.213.213",
            object_name="C:/共有/特定個人情報/" + "介護給付費等支払決定額通知書_" * 4 + ".xlsx",
            actions="コピー",
            medium_serial="USB-0001-0002-0003",
            medium_permitted=False,
            work_number=f"作業-2026-{number:06}",
        )
        world.reason(session, text="夜間の障害対応のため、申請より先に作業した。申請は翌営業日に提出済み。")
    return world.report(
        month, status="CREATED", reconciliation=run, made_at=timezone.now(), provided_at=timezone.now()
    )


def _on_paper(page: Page) -> list[str]:
    """What does not fit, with the page drawn as it is printed; the window is left for the screen again."""
    page.emulate_media(media="print")
    across = page.locator(".p-wide").count() > 0
    page.set_viewport_size({"width": _ACROSS if across else _UPRIGHT, "height": 1000})
    for gone in (".l-nav", ".l-head__tools", ".c-crumb", ".l-titlerow__actions", ".c-filter"):
        for each in page.locator(gone).all():
            expect(each).to_be_hidden()
    found: list[str] = page.evaluate(_TOO_WIDE)
    page.emulate_media(media="null")
    return found


def test_the_printed_sessions_show_every_column_and_their_heads_on_each_page(
    office: Office, report: AuditReport
) -> None:
    desk = office.desk_of(factories.user(Role.AUDIT_REVIEWER, code="central"))
    desk.open(f"/audit/reports/{report.cycle.key}/13/1/sessions/takeout/print/")

    assert _on_paper(desk.page) == []
    paper = PdfReader(io.BytesIO(desk.page.pdf(prefer_css_page_size=True)))

    assert len(paper.pages) > 1
    for sheet in paper.pages:
        assert sheet.mediabox.width > sheet.mediabox.height
        text = _words(sheet)
        assert "国保連合会の理由" in text  # the last head
    assert "作業-2026-000059" in "".join(_words(sheet) for sheet in paper.pages)


def _words(sheet: Any) -> str:
    """The text of a page without any gap; Chromium writes some characters as the radicals that look like them."""
    return "".join(unicodedata.normalize("NFKC", sheet.extract_text()).split())


def test_the_pages_of_the_audit_fit_on_paper(office: Office, report: AuditReport) -> None:
    desk = office.desk_of(factories.user(Role.AUDIT_REVIEWER, code="central"))
    here = f"/audit/reports/{report.cycle.key}/13/1/"

    for path in (
        here,
        "/audit/reports/print/",
        f"/audit/logs/coverage/?month={report.cycle.key}",
        "/audit/ledgers/central/print/",
    ):
        desk.open(path)
        assert _on_paper(desk.page) == [], path


def test_escape_answers_the_warning_of_the_end_of_the_session_and_it_does_not_come_back(
    office: Office,
) -> None:
    desk = office.desk_of(factories.user(Role.AUDIT_REVIEWER, code="central"))
    desk.open("/audit/reports/")
    link = desk.page.get_by_role("link", name="Excel", exact=True)
    link.focus()
    desk.page.evaluate("document.querySelector('#session-warning').showModal()")

    with desk.page.expect_response(lambda answer: answer.url.endswith("/session/extend/")) as sent:
        desk.page.keyboard.press("Escape")

    assert sent.value.status == 204
    expect(desk.page.locator("#session-warning")).to_be_hidden()
    expect(link).to_be_focused()
