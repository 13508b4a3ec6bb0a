"""In a browser: one PC from 設置 to 撤去 with all its linked applications, and afterwards no trace of it (REQ-13)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from devices.computers.models import Computer
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.gateways.dns import Said
from portal.gateways.dns_factory import get_dns
from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.bundles import services
from requests.bundles.models import Bundle
from requests.computers import removing
from requests.managed.models import ManagedMachine
from tests import factories
from tests.browser.conftest import Desk, Office
from tests.browser.good import expect_good_here
from tests.devices import world as devices
from tests.requests import managed, world
from tests.requests.bundles import NETWORK, TARGETS

pytestmark = pytest.mark.browser

NAME, ADDRESS, MAC = "KK13-PC77", "10.13.20.77", "00:1b:a9:3c:4d:5e"
FORWARD, REVERSE = f"kk13-pc77.{world.ZONE}", "77.20.13.10.in-addr.arpa"


def decide(office: Office, bundle: Bundle, *people: User) -> None:
    """Each of them decides on one page what is theirs, until nothing waits."""
    for _round in range(2):
        for person in people:
            desk = office.desk_of(person)
            desk.open(f"/bundles/{bundle.number}/decide/")
            if desk.page.get_by_role("button", name="表示中の全件を承認する").count():
                desk.press("表示中の全件を承認する")


def carry_out(bundle: Bundle, operator: User) -> None:
    """What the workers do, and operations for what only a hand can do."""
    for _round in range(6):
        for target in TARGETS:
            fulfilment.drain(target, now_fn=timezone.now)
        fulfilment.drain("antivirus", now_fn=timezone.now)
        for operation in Operation.system.filter(target="antivirus", status__in=("ATTENTION", "MANUAL")):
            if operation.status == "ATTENTION":
                fulfilment.take_by_hand(operation_id=operation.pk, actor=operator, now=timezone.now())
            managed.record(operation, operator)
        if services.look(bundle_id=bundle.pk, now=timezone.now()):
            return


def asked(name: str, kind: str) -> set[Said]:
    """What every DNS server says to a query from outside of the portal's tables."""
    zone = world.ZONE if name.endswith(world.ZONE) else "10.in-addr.arpa"
    return {answer.said for answer in get_dns().query(zone, name, kind)}


def whitelisted(desk: Desk) -> str:
    """What the export of the whitelist holds as permitted now."""
    return desk.page.request.get(f"{desk.address}/whitelist/export/?state=APPROVED").text()


def submit(desk: Desk, action: str, fill: Any) -> Bundle:
    """From the list through form and confirmation to the board."""
    desk.open("/bundles/")
    desk.press("新しい手続き")
    desk.page.get_by_label(action, exact=True).check()
    desk.press("次へ")
    fill(desk.page)
    desk.page.fill("[name=reason]", "端末の更改のため。")
    desk.press("確認へ進む")
    expect_good_here(desk)
    desk.press("まとめて提出する")
    expect(desk.page.locator("h1")).to_contain_text(action)
    number = re.search(r"PC-\d{4}-\d{6}", desk.page.url)
    assert number is not None, desk.page.locator("main").inner_text()
    return Bundle.system.get(number=number.group())


def test_one_pc_from_its_installation_to_its_removal_leaves_no_trace(office: Office, settings: Any) -> None:
    settings.COMPUTER_REMOVAL_DAYS = 0  # the last day of a deleted object is today
    cast = office.lab.cast
    officer = factories.user(Role.SECURITY_OFFICER)
    factories.user(Role.SECURITY_MANAGER)
    world.zone()
    world.zone("10.in-addr.arpa")
    devices.segment(network=NETWORK)
    clerk, operator = office.desk_of(cast.applicant), office.desk_of(cast.operator)
    people = (cast.approver, officer, cast.operator)

    # 設置: one form opens five applications; a wrong address is told at its field and nothing is created.
    def fill(page: Any) -> None:
        page.fill("[name=rows-0-name]", "ｋｋ１３－ｐｃ７７")
        page.select_option("[name=rows-0-kind]", "client")
        page.select_option("[name=rows-0-operating_system]", "win10_2016_ltsb")
        page.select_option("[name=rows-0-business_system]", "common")
        page.select_option("[name=rows-0-segment]", NETWORK)
        page.get_by_label("検疫エージェント").check()
        page.fill("[name=rows-0-mac]", "00-1B-A9-3C-4D-5E")
        page.fill("[name=rows-0-ip]", ADDRESS)
        page.get_by_label("DNS名を登録する").check()

    installation = submit(clerk, "設置", fill)
    assert set(installation.parts.values_list("column", flat=True)) == {
        "register",
        "object",
        "whitelist",
        "dns",
        "antivirus",
    }
    expect(clerk.page.locator("tbody")).to_contain_text("承認待ち")
    expect_good_here(clerk)
    decide(office, installation, *people)
    carry_out(installation, cast.operator)
    clerk.open(f"/bundles/{installation.number}/")
    assert clerk.status() == "完了"

    computer = office.lab.directory.find_computers([NAME])[0]
    assert computer.enabled
    assert asked(FORWARD, "A") == asked(REVERSE, "PTR") == {Said.ANSWER}
    assert NAME in whitelisted(operator)
    assert Computer.system.get(name=NAME).state == "IN_USE"

    # 撤去: only the name is typed; the portal finds the rest.
    removal = submit(clerk, "撤去", lambda page: page.fill("[name=rows-0-name]", NAME))
    assert set(removal.parts.values_list("column", flat=True)) == set(
        installation.parts.values_list("column", flat=True)
    )
    decide(office, removal, cast.approver, cast.operator)  # the officer's own one waits
    carry_out(removal, cast.operator)
    clerk.open(f"/bundles/{removal.number}/")
    assert clerk.status() == "手続き中"
    expect(clerk.page.locator("tbody")).to_contain_text("承認待ち")
    decide(office, removal, officer)
    carry_out(removal, cast.operator)
    clerk.open(f"/bundles/{removal.number}/")
    assert clerk.status() == "完了"
    expect_good_here(clerk)

    # Each system is asked itself.
    assert not office.lab.directory.find_computers([NAME])[0].enabled
    assert Said.ANSWER not in asked(FORWARD, "A") | asked(REVERSE, "PTR")
    assert NAME not in whitelisted(operator)
    assert MAC.replace(":", "") not in re.sub("[-:.]", "", whitelisted(operator)).lower()
    assert not Computer.system.filter(name=NAME, state="IN_USE").exists()
    assert not ManagedMachine.system.filter(state="MANAGED").exists()
    assert removing.enqueue_removals(now=timezone.now()) == 1
    fulfilment.drain("directory", now_fn=timezone.now)
    assert office.lab.directory.find_computers([NAME]) == []
