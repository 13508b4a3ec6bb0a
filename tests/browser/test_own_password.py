"""The own password in a real browser: the forgotten one with the keyboard alone, the rules ticked, good pages (ACC-07, ACC-11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import ConfirmedAddress
from accounts.passwords import check_password
from portal.gateways.directory import BindResult
from portal.orgs.models import User
from tests.accounts.reminder.support import mailed_code
from tests.browser.conftest import Desk, Office, register_administrator
from tests.browser.good import expect_good, expect_good_here
from tests.orgs.test_second_factor import give_app, now_code

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHOSEN = "Ringo-Gohan-52"


@pytest.fixture
def person(office: Office, monkeypatch: pytest.MonkeyPatch) -> User:
    """An approver with everything that it takes; the password counts as old enough."""
    user = office.lab.cast.approver
    register_administrator(office.lab, user)
    ConfirmedAddress.objects.create(user=user, address=user.email, confirmed_at=timezone.now())
    monkeypatch.setattr("accounts.passwords.MIN_AGE", timedelta(0))
    return user


def type_and_enter(desk: Desk, field: str, text: str) -> None:
    """Reach the field with the tabulator only, type, press enter."""
    for _ in range(40):
        desk.page.keyboard.press("Tab")
        if desk.page.evaluate("document.activeElement.name") == field:
            break
    else:
        pytest.fail(f"the keyboard does not reach {field}")
    desk.page.keyboard.type(text)


def test_a_forgotten_password_is_replaced_with_the_keyboard_alone(office: Office, person: User) -> None:
    secret = give_app(person)
    desk = office.new_desk()
    desk.open("/auth/login/")
    link = desk.page.get_by_role("link", name="パスワードを忘れた方")
    link.focus()
    desk.enter()
    expect_good_here(desk)
    type_and_enter(desk, "login_name", person.login_name)
    desk.enter()
    expect_good_here(desk)
    type_and_enter(desk, "code", "0000 0000")
    desk.enter()
    expect(desk.page.locator("[data-error-summary]")).to_be_focused()
    expect_good_here(desk)
    type_and_enter(desk, "code", mailed_code())
    desk.enter()
    expect_good_here(desk)
    type_and_enter(desk, "code", now_code(secret))
    desk.enter()
    expect_good_here(desk)
    type_and_enter(desk, "new_password", CHOSEN)
    type_and_enter(desk, "again", CHOSEN)
    desk.enter()

    expect(desk.page).to_have_url(f"{office.address}/auth/login/")
    expect(desk.page.get_by_text("パスワードを変更しました")).to_be_visible()
    assert office.lab.directory.authenticate(person.login_name, CHOSEN) is BindResult.OK
    assert CHOSEN not in desk.page.content()
    assert desk.csp_hits == []


def test_the_other_pages_are_good(office: Office, person: User) -> None:
    desk = office.new_desk()
    for path in ("/auth/login/", "/password/change/", "/password/forgotten/"):
        expect_good(desk, path)
    office.desks.clear()
    desk.log_in(person)
    for path in ("/profile/", "/profile/address/", "/profile/password/"):
        expect_good(desk, path)


def test_the_rules_are_ticked_as_the_server_judges_them(office: Office, person: User) -> None:
    desk = office.new_desk()
    sent: list[Any] = []
    desk.open("/password/change/")
    # The icon of the page is fetched when the browser finds the time.
    desk.page.on(
        "request", lambda request: sent.append(request.url) if "/static/" not in request.url else None
    )
    desk.page.fill("input[name=login_name]", "tk13hanako")

    for password in [
        "",
        "Xy34-abz",
        "Xy34-ab",
        "ﬁXy34-a",
        "xywzqvut",
        "Xywzqv12",
        "パスワード12ab",
        "ＡＢｃｄ１２！！",
        "Zz9-Hanx",
        "Zz9-ＨＡＮx",
        "Zz9-Hxan",
        "Xy3-" * 32,
        "Xy34-ab\u200bz",
    ]:
        desk.page.fill("input[name=new_password]", password)
        shown = desk.page.eval_on_selector_all(
            "[data-rule]", "items => items.map(i => [i.dataset.rule, i.dataset.met])"
        )
        judged = [[result.rule.value, result.met] for result in check_password(password, "tk13hanako")]
        if password:
            assert [[rule, met == "yes"] for rule, met in shown] == judged, password
        else:
            assert {met for _, met in shown} == {"no"}, "an empty field has met nothing yet"
    assert sent == [], "what is typed stays in its field"
