"""Picking up an initial password and proposing a login name in a real browser, with the keyboard, at both widths."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.delivery.models import DeliveryChoice, DeliveryMode, InitialPassword
from portal.gateways.directory import BindResult
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories, journeys
from tests.browser.conftest import Office
from tests.browser.good import expect_good, expect_good_here
from tests.browser.test_the_whole_way import new_registration

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CODE = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")


def recipient_with_login(office: Office) -> User:
    cast = office.lab.cast
    person = factories.user(Role.PASSWORD_RECIPIENT, email=cast.recipient.email)
    DeliveryChoice.system.create(
        organisation=cast.recipient.organisation,
        mode=DeliveryMode.PICKUP,
        made_at=timezone.now(),
        made_by=person,
    )
    return person


def test_the_recipient_picks_a_password_up_with_the_keyboard_and_it_works_once(office: Office) -> None:
    person = recipient_with_login(office)
    application = journeys.approved(office.lab.cast)
    office.carry_out()
    row = InitialPassword.system.get()
    (code,) = {c for mail in office.lab.mail.messages() for c in CODE.findall(mail.text)}
    desk = office.desk_of(person)
    expect_good(desk, "/initial-passwords/")
    expect_good(desk, f"/initial-passwords/{row.pk}/")

    desk.page.focus("input[name=code]")
    desk.page.keyboard.type(code.lower())
    desk.enter()

    shown = desk.page.locator("[data-secret]").inner_text()
    expect_good_here(desk)
    name = application.lines.get().payload["login_name"]
    assert office.lab.directory.authenticate(name, shown) == BindResult.MUST_CHANGE
    assert shown not in desk.page.url

    desk.page.reload()  # sends the form again, as a person would by mistake
    expect(desk.page.locator("[data-secret]")).to_have_count(0)
    expect(desk.page.locator("[role=alert]")).to_contain_text("発行済み")
    expect_good_here(desk)
    assert office.lab.directory.authenticate(name, shown) == BindResult.MUST_CHANGE


def test_a_login_name_is_proposed_as_the_reading_is_typed_and_kept_in_the_draft(office: Office) -> None:
    desk = office.desk_of(office.lab.cast.applicant)
    new_registration(desk)
    name = desk.page.locator("[name=lines-0-login_name]")

    desk.page.locator("[name=lines-0-family_kana]").press_sequentially("すずき")
    desk.page.locator("[name=lines-0-given_kana]").press_sequentially("いちろう")

    expect(name).to_have_value("k13-suzuki-i")
    expect_good_here(desk)
    name.fill("my-own-name")
    desk.page.locator("[name=lines-0-given_kana]").press_sequentially("た")  # at the beginning: たいちろう
    expect(desk.page.locator("#draft-state:has(svg)")).to_be_visible()
    expect(name).to_have_value("my-own-name")
    desk.page.get_by_role("button", name="ログイン名を提案する").click()
    expect(name).to_have_value("k13-suzuki-t")
