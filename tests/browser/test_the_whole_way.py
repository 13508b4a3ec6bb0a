"""Apply, return, resubmit, approve, accept: a person's account in the directory and a password that works once."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from playwright.sync_api import expect

from portal.gateways.directory import BindResult
from portal.workflow.models import Application, Status
from tests.browser.conftest import Desk, Office

pytestmark = pytest.mark.browser


def fill_person(desk: Desk, recipient_id: int, **values: str) -> None:
    """Fill the first line of the form; what is not named is filled with Suzuki Misaki."""
    person = {
        "family_name": "鈴木",
        "given_name": "美希",
        "family_kana": "すずき",
        "given_kana": "ミサキ",
        "login_name": "ｔｋ０４１２－ｓｕｚｕｋｉ",
        "department": "審査第二課",
    } | values
    for name, value in person.items():
        desk.page.fill(f"[name=lines-0-{name}]", value)
    desk.page.select_option("[name=lines-0-recipient_id]", str(recipient_id))


def new_registration(desk: Desk) -> None:
    """From 新規申請 to the empty form."""
    desk.open("/applications/new/")
    with desk.page.expect_navigation():
        desk.page.locator("form[action$='accounts.register/'] button").click()
    assert desk.page.url.endswith("/edit/")


def decide(desk: Desk, number: str, button: str, confirm: str, comment: str = "") -> None:
    """Decide on the detail page and confirm on the next."""
    desk.open(f"/applications/{number}/")
    if comment:
        desk.page.fill("textarea[name=comment]", comment)
    desk.press(button)
    desk.press(confirm)


def test_the_whole_way_in_a_browser(office: Office) -> None:
    cast = office.lab.cast
    clerk, approver, operator = (
        office.desk_of(user) for user in (cast.applicant, cast.approver, cast.operator)
    )

    # The clerk applies. Full-width letters and hiragana are corrected, not refused.
    new_registration(clerk)
    fill_person(clerk, cast.recipient.pk)
    clerk.page.fill("[name=reason]", "12月1日付けの人事異動で審査第二課に着任するため。")
    clerk.press("確認へ進む")
    expect(clerk.page.locator("main")).to_contain_text("tk0412-suzuki")
    expect(clerk.page.locator("main")).to_contain_text("スズキ")
    clerk.press("この申請を提出する")
    number = re.search(r"A-\d{4}-\d{6}", clerk.page.url + clerk.page.content())
    assert number is not None
    application = Application.system.get(number=number.group())
    assert application.status == Status.IN_REVIEW

    # The approver sees what will be written, and sends it back with a reason.
    approver.open("/applications/inbox/")
    approver.page.get_by_role("link", name=application.number).first.click()
    expect(approver.page.locator("main")).to_contain_text("sAMAccountName")
    decide(approver, application.number, "差戻す", "差戻しを確定する", "お名前の漢字を確かめてください。")

    # The clerk reads the reason and corrects it; the next revision shows what changed.
    clerk.open(f"/applications/{application.number}/edit/")
    expect(clerk.page.locator("main")).to_contain_text("お名前の漢字を確かめてください。")
    clerk.page.fill("[name=lines-0-given_name]", "美咲")
    clerk.press("確認へ進む")
    clerk.press("この申請を提出する")
    approver.open(f"/applications/{application.number}/")
    expect(approver.page.locator("main")).to_contain_text("美希")
    decide(approver, application.number, "承認する", "承認を確定する")

    # Operations accept; a worker writes it.
    decide(operator, application.number, "承認する", "承認を確定する")
    office.carry_out()
    clerk.open(f"/applications/{application.number}/")

    application.refresh_from_db()
    assert (application.status, application.revision) == (Status.COMPLETED, 2)
    assert clerk.status() == "完了"
    entry = office.lab.entry("tk0412-suzuki")
    assert entry is not None
    assert (entry.display_name, entry.kana, entry.department) == ("鈴木 美咲", "スズキ ミサキ", "審査第二課")
    assert entry.dn == f"CN=tk0412-suzuki,OU=Users,OU=13,{settings.DIRECTORY['root_ou']}"
    assert (entry.enabled, entry.must_change_password) == (True, True)

    # The mail holds a password that works once and must be changed.
    (password,) = office.lab.passwords()
    directory = office.lab.directory
    assert directory.authenticate("tk0412-suzuki", password) == BindResult.MUST_CHANGE
    directory.change_password(entry.guid, old_password=password, new_password="Jibun-de-3randa")
    assert directory.authenticate("tk0412-suzuki", "Jibun-de-3randa") == BindResult.OK
    mail = office.lab.mail.messages(cast.recipient.email)[0]
    assert "tk0412-suzuki" not in mail.text


def test_an_administrator_with_an_initial_password_is_led_to_change_it(office: Office) -> None:
    from tests.browser.conftest import register_administrator

    chosen = "Atarashii-58-yo"
    user = office.lab.cast.applicant
    register_administrator(office.lab, user)
    assert user.directory_guid is not None
    office.lab.directory.reset_password(user.directory_guid, new_password="Shoki-4747-abcd")
    desk = office.new_desk()

    desk.open("/auth/login/")
    desk.page.fill("input[name=login]", user.login_name)
    desk.page.fill("input[name=password]", "Shoki-4747-abcd")
    desk.page.focus("input[name=password]")
    desk.enter()

    assert desk.page.locator("input[type=password]").count() == 3, desk.page.url
    fields = desk.page.locator("input[type=password]")
    fields.nth(0).fill("Shoki-4747-abcd")
    fields.nth(1).fill(chosen)
    fields.nth(2).fill(chosen)
    fields.nth(2).focus()
    desk.enter()
    assert office.lab.directory.authenticate(user.login_name, chosen) == BindResult.OK


def test_an_application_is_written_and_submitted_with_the_keyboard_alone(office: Office) -> None:
    cast = office.lab.cast
    clerk = office.desk_of(cast.applicant)
    new_registration(clerk)
    page = clerk.page

    page.focus("[name=lines-0-family_name]")
    for value in ("佐藤", "健一", "サトウ", "ケンイチ"):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    # The field comes first, the button that proposes a name after it; what is typed is never replaced by a proposal.
    assert page.evaluate("document.activeElement.name") == "lines-0-login_name"
    page.keyboard.type("tk0999-sato")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "propose"
    page.keyboard.press("Tab")
    page.keyboard.type("介護保険課")
    page.focus("[name=lines-0-recipient_id]")
    page.keyboard.press("ArrowDown")
    page.focus("[name=reason]")
    page.keyboard.type("着任のため。")
    page.get_by_role("button", name="確認へ進む", exact=True).focus()
    clerk.enter()
    submit = page.get_by_role("button", name="この申請を提出する", exact=True)
    expect(submit).to_be_visible()
    submit.focus()
    clerk.enter()

    application = Application.system.get(lines__payload__login_name="tk0999-sato")
    assert application.status == Status.IN_REVIEW


def test_a_composition_that_is_still_open_does_not_submit(office: Office) -> None:
    clerk = office.desk_of(office.lab.cast.applicant)
    clerk.open("/applications/")
    page = clerk.page
    page.focus("input[name=q]")
    protocol = clerk.context.new_cdp_session(page)
    before = page.url

    for step in ["す", "すず", "すずき", "鈴木"]:
        protocol.send(
            "Input.imeSetComposition", {"text": step, "selectionStart": len(step), "selectionEnd": len(step)}
        )
    protocol.send("Input.insertText", {"text": "鈴木"})

    assert page.input_value("input[name=q]") == "鈴木"
    assert page.url == before


def test_leaving_a_form_with_unsaved_entries_asks_first(office: Office) -> None:
    clerk = office.desk_of(office.lab.cast.applicant)
    new_registration(clerk)
    asked: list[str] = []
    clerk.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    clerk.page.locator("[name=lines-0-family_name]").press_sequentially("鈴")
    clerk.page.goto(clerk.address + "/")

    assert asked == ["beforeunload"]
