"""Second factors in a real browser: a security key registered and used, an authenticator app, recovery codes (SEC-01)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from portal.orgs import factors
from tests.browser.conftest import PASSWORD, Desk, Office, register_administrator
from tests.browser.good import expect_good
from tests.orgs.test_second_factor import now_code

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def plug_in_a_key(desk: Desk) -> None:
    """A virtual security key, as Chromium offers it to tests."""
    devtools = desk.context.new_cdp_session(desk.page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasResidentKey": False,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def log_out(desk: Desk) -> None:
    desk.open("/auth/logout/")
    desk.page.locator("main button").click()
    expect(desk.page.locator("input[name=login]")).to_be_visible()


def test_security_key_is_registered_and_then_logs_in(office: Office) -> None:
    person = office.lab.cast.approver
    desk = office.logged_in(person)
    plug_in_a_key(desk)
    desk.open("/auth/2fa/keys/add/")
    with desk.page.expect_navigation():
        desk.page.locator("[data-webauthn-start]").click()
    expect(desk.page.locator("main ul.u-mono li")).to_have_count(10)
    assert factors.count(person) == 1

    log_out(desk)
    desk.page.fill("input[name=login]", person.login_name)
    desk.page.fill("input[name=password]", PASSWORD)
    desk.page.press("input[name=password]", "Enter")
    with desk.page.expect_navigation():
        desk.page.locator("[data-webauthn-start]").click()

    expect(desk.page.locator("h1")).to_have_text("今日の仕事")


def test_key_that_does_not_answer_is_named_and_can_be_tried_again(office: Office) -> None:
    desk = office.logged_in(office.lab.cast.approver)
    desk.context.add_init_script(
        "CredentialsContainer.prototype.create = () => Promise.reject(new Error('no answer'))"
    )
    desk.open("/auth/2fa/keys/add/")

    desk.page.locator("[data-webauthn-start]").click()

    expect(desk.page.locator("[data-webauthn-error]")).to_be_visible()
    expect(desk.page.locator("[data-webauthn-start]")).to_be_enabled()


def test_browser_without_security_keys_is_told_what_to_do(office: Office) -> None:
    desk = office.logged_in(office.lab.cast.approver)
    desk.context.add_init_script("delete window.PublicKeyCredential")
    desk.open("/auth/2fa/keys/add/")

    expect(desk.page.locator("[data-webauthn-missing]")).to_be_visible()
    expect(desk.page.locator("[data-webauthn-start]")).to_be_disabled()


def test_app_is_registered_by_its_picture_or_key_and_then_asked_for(office: Office) -> None:
    person = office.lab.cast.approver
    desk = office.logged_in(person)
    desk.open("/auth/2fa/app/")
    picture = desk.page.locator("main img")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    secret = re.sub(r"\s", "", desk.page.locator("main b.u-mono").inner_text())
    desk.page.fill("input[name=code]", now_code(secret))
    desk.enter()
    code = desk.page.locator("main ul.u-mono li").first.inner_text()

    log_out(desk)
    desk.page.fill("input[name=login]", person.login_name)
    desk.page.fill("input[name=password]", PASSWORD)
    desk.page.press("input[name=password]", "Enter")
    desk.page.fill("input[name=code]", code)
    desk.enter()

    expect(desk.page.locator("h1")).to_have_text("今日の仕事")


def test_pages_of_the_login_are_good(office: Office) -> None:
    person = office.lab.cast.approver
    register_administrator(office.lab, person)
    desk = office.new_desk()
    expect_good(desk, "/auth/login/")
    desk.log_in(person)

    for path in ["/auth/2fa/", "/auth/2fa/app/", "/auth/2fa/keys/", "/auth/2fa/keys/add/", "/auth/logout/"]:
        expect_good(desk, path)
    assert desk.csp_hits == []
