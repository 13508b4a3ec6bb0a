"""A file in the browser: handed in, its errors corrected in the table, made one application, submitted (ACC-13)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.workflow.models import Application, Status
from tests.browser.conftest import Office
from tests.browser.good import expect_good, expect_good_here
from tests.bulk.books import book, person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_file_with_errors_is_corrected_on_the_screen_and_submitted(office: Office, tmp_path: Path) -> None:
    cast = office.lab.cast
    rows = [person(number, cast.recipient.email) for number in range(1, 56)]
    rows[3][2], rows[4][4] = "suzuki", "山田"
    file = tmp_path / "採用者.xlsx"
    file.write_bytes(book(rows))
    desk = office.desk_of(cast.applicant)
    page = desk.page
    path = "/applications/new/accounts.register/file/"
    expect_good(desk, path)

    page.set_input_files("#id_file", file)
    page.get_by_role("button", name="ファイルを読み取る").click()
    expect(page.get_by_text("55行のうち2行を直してください")).to_be_visible()
    expect_good_here(desk)
    expect(page.locator("#r5-family_kana-e")).to_contain_text("C5")
    page.locator("#r5-family_kana").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("スズキ")
    page.locator("#r6-login_name").fill("tk00005-yamada")
    page.get_by_role("button", name="直して再確認").click()
    expect(page.get_by_text("55行すべて問題ありません")).to_be_visible()
    expect_good_here(desk)
    page.get_by_role("button", name="この行で申請を作成する").click()
    page.get_by_label(re.compile("申請理由")).fill("4月の採用のため")
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_text("55件の変更内容のまとめ")).to_be_visible()
    page.get_by_role("button", name="この申請を提出する").click()

    application = Application.system.get()
    assert (application.status, application.line_count) == (Status.IN_REVIEW, 55)
    approver = office.desk_of(cast.approver)
    expect_good(approver, f"/applications/{application.number}/")
    expect_good(approver, f"/applications/{application.number}/lines/?q=yamada")
    assert desk.csp_hits == []
