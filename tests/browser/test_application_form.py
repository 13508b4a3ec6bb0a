"""What the application form does in a browser beyond sending: keeps a draft, never loses an entry, minds the session."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.workflow import context
from portal.workflow.models import Application
from tests.browser.conftest import Desk, Office
from tests.browser.test_the_whole_way import new_registration

pytestmark = pytest.mark.browser

SAVED = "#draft-state:has(svg)"


@pytest.fixture
def clerk(office: Office) -> Desk:
    """An applicant before an empty form."""
    desk = office.desk_of(office.lab.cast.applicant)
    new_registration(desk)
    return desk


def draft() -> dict[str, Any]:
    """The first line as it is stored."""
    payload: dict[str, Any] = Application.system.latest("pk").lines.get(position=0).payload
    return payload


def type_and_wait(page: Page, name: str, value: str) -> None:
    """Type into a field and wait until the draft was saved."""
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/edit/" in answer.url):
        page.fill(f"[name={name}]", value)
    expect(page.locator(SAVED)).to_be_visible()


def test_a_pause_saves_the_draft_twice_in_a_row_and_leaving_asks_nothing(clerk: Desk) -> None:
    asked: list[str] = []
    clerk.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    type_and_wait(clerk.page, "lines-0-family_name", "髙﨑")
    type_and_wait(clerk.page, "lines-0-login_name", "tk0999")
    clerk.open("/applications/")

    assert draft()["family_name"] == "髙﨑"
    assert draft()["login_name"] == "tk0999"
    assert asked == []


def test_leaving_with_an_entry_that_is_not_saved_yet_asks_first(clerk: Desk) -> None:
    asked: list[str] = []
    clerk.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    clerk.page.locator("[name=reason]").press_sequentially("異動")
    clerk.open("/applications/")

    assert asked == ["beforeunload"]


def test_a_button_pressed_while_a_save_is_under_way_waits_for_it(clerk: Desk) -> None:
    held: list[Any] = []
    clerk.page.route(
        "**/edit/", lambda route: held.append(route) if _is_autosave(route) else route.continue_()
    )
    clerk.page.fill("[name=lines-0-family_name]", "鈴木")
    expect(clerk.page.locator("[data-autosave]")).to_have_class("htmx-request")

    clerk.page.locator("button[name=action][value=save]:not([tabindex])").click()
    with clerk.page.expect_navigation():
        held[0].continue_()

    assert clerk.page.locator("main .c-banner[data-s=ok]").is_visible()  # saved, no conflict with oneself
    assert draft()["family_name"] == "鈴木"


def _is_autosave(route: Any) -> bool:
    return "autosave" in (route.request.post_data or "")


def test_an_ended_session_keeps_the_page_and_says_how_to_go_on(clerk: Desk) -> None:
    clerk.context.clear_cookies(name="sessionid")

    clerk.page.fill("[name=reason]", "ログアウトのあとで書いた")

    expect(clerk.page.locator("[data-logged-out]")).to_be_visible()
    assert clerk.page.input_value("[name=reason]") == "ログアウトのあとで書いた"
    assert clerk.page.url.endswith("/edit/")


def test_what_was_typed_survives_the_end_of_the_session_and_is_saved_after_a_new_log_in(
    clerk: Desk, office: Office
) -> None:
    clerk.context.clear_cookies(name="sessionid")
    clerk.page.fill("[name=reason]", "ログアウトのあとで書いた")
    expect(clerk.page.locator("[data-logged-out]")).to_be_visible()

    clerk.page.locator("button[value=save]").last.click()
    expect(clerk.page.locator("[data-logged-out]")).to_be_in_viewport()
    assert clerk.page.input_value("[name=reason]") == "ログアウトのあとで書いた"
    Desk(clerk.context, clerk.context.new_page(), clerk.address).log_in(office.lab.cast.applicant)
    clerk.page.locator("button[value=save]").last.click()

    expect(clerk.page.get_by_text("下書きを保存しました。")).to_be_visible()
    assert Application.system.latest("pk").reason == "ログアウトのあとで書いた"


def test_a_save_that_fails_is_said_and_the_next_one_works(clerk: Desk) -> None:
    clerk.page.route("**/edit/", lambda route: route.fulfill(status=503, body="down"), times=1)
    clerk.page.fill("[name=reason]", "一度目")
    expect(clerk.page.locator("[data-autosave-failed]")).to_be_visible()

    type_and_wait(clerk.page, "reason", "二度目")

    expect(clerk.page.locator("[data-autosave-failed]")).to_be_hidden()
    assert Application.system.latest("pk").reason == "二度目"


def test_enter_in_a_field_saves_and_removes_no_line(clerk: Desk) -> None:
    with clerk.page.expect_navigation():
        clerk.page.locator("button[value=add_line]").click()
    clerk.page.focus("[name=lines-1-login_name]")

    clerk.enter()

    assert clerk.page.locator(".p-line").count() == 2


@pytest.mark.parametrize(("composing", "goes_on"), [(True, False), (False, True)])
def test_enter_of_an_open_conversion_sends_nothing(clerk: Desk, composing: bool, goes_on: bool) -> None:
    field = clerk.page.locator("[name=lines-0-family_name]")

    reached = field.evaluate(
        "(field, composing) => field.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: composing, bubbles: true, cancelable: true}))",
        composing,
    )

    assert reached is goes_on


def test_the_end_of_the_session_is_announced_and_can_be_put_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context._Navigation, "session_seconds", 6)
    monkeypatch.setattr(context._Navigation, "session_warning", 5)
    desk = office.desk_of(office.lab.cast.applicant)
    desk.open("/")

    expect(desk.page.locator("#session-warning")).to_be_visible()
    assert desk.page.evaluate("document.activeElement.hasAttribute('data-session-stay')")
    with desk.page.expect_response("**/session/extend/") as answer:
        desk.page.keyboard.press("Enter")

    assert answer.value.status == 204
    expect(desk.page.locator("#session-warning")).to_be_hidden()


def test_the_menu_of_the_person_closes_with_escape(office: Office) -> None:
    desk = office.desk_of(office.lab.cast.applicant)
    desk.open("/")
    menu = desk.page.locator(".l-person")
    menu.locator("summary").focus()

    desk.page.keyboard.press("Enter")
    assert menu.evaluate("menu => menu.open")
    desk.page.keyboard.press("Escape")

    assert not menu.evaluate("menu => menu.open")
    assert desk.page.evaluate("document.activeElement.matches('.l-person > summary')")
