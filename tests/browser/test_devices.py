"""In a browser: a USB stick is applied for, filed, approved, registered in SKYSEA, and its user is told (DEV-01, DEV-02)."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from devices.inventory import asking, opening
from devices.inventory.models import InventoryCampaign, InventoryLine
from devices.permits.models import DevicePermit
from portal.fulfilment import services as fulfilment
from portal.notices.models import Notice
from portal.workflow.models import Application, Status
from tests.browser.conftest import Office
from tests.browser.test_the_whole_way import decide
from tests.devices import world

pytestmark = pytest.mark.browser


def test_a_usb_stick_from_application_to_ready(office: Office) -> None:
    cast = world.Cast()
    world.computer("KK13-PC01")
    user, officer, manager = (office.desk_of(p) for p in (cast.applicant, cast.officer, cast.manager))

    # The user applies from the page of kinds; a forbidden device is refused with the row of the table.
    user.open("/applications/new/")
    with user.page.expect_navigation():
        user.page.locator("form[action$='/devices.permit/'] button").click()
    values = {
        "maker": "バッファロー",
        "model": "Bluetooth アダプタ",
        "serial": "ＡＢ－１２３４",
        "computers": "ｋｋ１３－ｐｃ０１",
        "end_user": "鈴木 美咲",
        "write_reason": "統計データを県へ提出するため。",
        "valid_until": f"{timezone.localdate().replace(month=12, day=31):%Y/%m/%d}",
    }
    user.page.select_option("[name=lines-0-device_kind]", "USB_STORAGE")
    for name, value in values.items():
        user.page.fill(f"[name=lines-0-{name}]", value)
    user.page.fill("[name=reason]", "業務で使うため。")
    user.press("確認へ進む")
    expect(user.page.locator("main")).to_contain_text("表2-34 No.1")
    user.page.fill("[name=lines-0-model]", "RUF3-K32GB")
    user.press("確認へ進む")
    expect(user.page.locator("main")).to_contain_text("表2-33 No.1")
    user.press("この申請を提出する")
    number = re.search(r"V-\d{4}-\d{6}", user.page.url + user.page.content())
    assert number is not None

    # The officer sees the reason for writing as a point to confirm, the manager approves.
    officer.open(f"/applications/{number.group()}/")
    expect(officer.page.locator("main")).to_contain_text("書き込み理由を利用者に確認してから承認してください")
    decide(officer, number.group(), "承認する", "承認を確定する")
    decide(manager, number.group(), "承認する", "承認を確定する")
    fulfilment.drain("device_control", now_fn=timezone.now)
    permit = DevicePermit.system.select_related("device").get()
    assert (permit.state, permit.device.serial) == ("APPROVED", "AB-1234")

    # The officer registers it in SKYSEA and records it; the user is told.
    officer.open("/devices/registration/")
    officer.page.get_by_role("link", name=re.compile("記録する")).click()
    officer.press("SKYSEAに登録した")
    expect(officer.page.locator("main")).to_contain_text("登録済み")
    fulfilment.drain("device_control", now_fn=timezone.now)
    assert Notice.system.filter(template="device_registered", to_user=cast.applicant).count() == 1
    assert Application.system.get(number=number.group()).status == Status.COMPLETED
    user.open(f"/devices/{permit.device.number}/")
    expect(user.page.locator("main")).to_contain_text("一度接続してください")

    # In the quarter's inventory the officer finds it unneeded; an applicant applies, the officer accepts and removes it (DEV-07).
    now = timezone.now()
    opening.open_campaign(now=now, period=now)
    sheet = f"/inventory/{InventoryCampaign.objects.get()}/13/"
    officer.open(sheet)
    officer.page.get_by_label(permit.device.number).check()
    officer.press("利用者にメールで確認する")
    line = InventoryLine.system.get()
    stranger = office.new_desk()  # the user of the device has no login
    stranger.open(f"/inventory/question/{asking.token_of(line)}/")
    stranger.press("回答を送る")
    expect(stranger.page.locator("main")).to_contain_text("回答を選んでください")
    stranger.page.get_by_label("もう必要ない").check()
    stranger.press("回答を送る")
    expect(stranger.page.locator("main")).to_contain_text("ありがとうございました")
    officer.open(sheet)
    officer.page.get_by_label(permit.device.number).check()
    officer.page.locator("input[name=decision][value=REMOVE]").check()
    officer.press("決定する")
    expect(officer.page.locator("tbody")).to_contain_text("削除申請がまだありません")
    user.open(sheet)
    user.press("1件の削除申請を作る")
    user.press("この申請を提出する")
    removal = Application.system.get(kind="devices.permit_remove")
    decide(officer, removal.number, "承認する", "承認を確定する")
    fulfilment.drain("device_control", now_fn=timezone.now)
    officer.open(f"/devices/registration/{permit.device.number}/")
    officer.press("SKYSEAから削除した")
    permit.refresh_from_db()
    assert permit.state == "REMOVED"
    officer.open(sheet)
    expect(officer.page.locator("tbody")).to_contain_text(removal.number)
