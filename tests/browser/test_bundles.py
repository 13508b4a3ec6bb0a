"""In a browser: one PC from 設置 to 撤去 with all its linked applications, and afterwards no trace of it (REQ-13).

On the demonstration's directory, and on Samba AD (tier `real`). What is left is asked of each system past the portal.
"""

from __future__ import annotations

import re
from secrets import randbelow, token_hex
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from devices.computers.models import Computer
from portal.fulfilment import services as fulfilment
from portal.gateways.dns import reverse_name
from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.bundles.models import Bundle
from requests.computers import removing
from requests.managed.models import ManagedMachine
from tests import factories
from tests.browser.conftest import Desk, Office
from tests.browser.good import expect_good_here
from tests.contract.dns_places import ask
from tests.devices import world as devices
from tests.lab import Lab, admin
from tests.requests import world
from tests.requests.bundles import NETWORK, carry_out

pytestmark = pytest.mark.browser

WIDE = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})  # as typed with a Japanese keyboard
MAC = "00:1b:a9:3c:4d:5e"


@pytest.fixture
def lab(either_lab: Lab) -> Lab:
    """The directory of the demonstration, and Samba AD in the tier of real servers."""
    return either_lab


def decide(office: Office, bundle: Bundle, *people: User) -> None:
    """Each of them decides on one page what is theirs, until nothing waits."""
    for _round in range(2):
        for person in people:
            desk = office.desk_of(person)
            desk.open(f"/bundles/{bundle.number}/decide/")
            if desk.page.get_by_role("button", name="表示中の全件を承認する").count():
                desk.press("表示中の全件を承認する")


def asked(lab: Lab, name: str, kind: str) -> set[tuple[str, ...]]:
    """What the DNS servers tell any client: one answer when they agree."""
    found = set()
    for server in lab.directory_server.env["DNS_SERVERS"].split(","):
        host, _, port = server.rpartition(":")
        answer = ask(host, int(port), name, kind)
        found.add(tuple(answer.values) if answer else ())
    return found


def in_directory(lab: Lab, name: str) -> list[bool]:
    """Every computer object of that name, as the administrator of the domain finds it: whether it is enabled."""
    connection = admin(lab)
    connection.search(
        lab.directory_server.env["AD_BASE_DN"],
        f"(sAMAccountName={name}$)",
        attributes=["userAccountControl"],
    )
    return [not int(entry["userAccountControl"].value) & 2 for entry in connection.entries]


def name_anew(*people: User) -> None:
    """Samba keeps the people of earlier runs."""
    for person in people:
        person.login_name = f"p{token_hex(6)}"
        person.save(update_fields=["login_name"])


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
    lab, cast = office.lab, office.lab.cast
    name, address = f"KK13-{token_hex(4)}".upper(), f"10.13.20.{1 + randbelow(250)}"
    forward, backward = f"{name.lower()}.{world.ZONE}", reverse_name(address)
    officer = factories.user(Role.SECURITY_OFFICER)
    name_anew(cast.applicant, cast.approver, cast.operator, officer)
    factories.user(Role.SECURITY_MANAGER)
    world.zone()
    world.zone("10.in-addr.arpa")
    devices.segment(network=NETWORK)
    clerk, operator = office.desk_of(cast.applicant), office.desk_of(cast.operator)
    people = (cast.approver, officer, cast.operator)

    # 設置: one form opens five applications; a wrong address is told at its field and nothing is created.
    def fill(page: Any) -> None:
        page.fill("[name=rows-0-name]", name.lower().translate(WIDE))
        page.select_option("[name=rows-0-kind]", "client")
        page.select_option("[name=rows-0-operating_system]", "win10_2016_ltsb")
        page.select_option("[name=rows-0-business_system]", "common")
        page.select_option("[name=rows-0-segment]", NETWORK)
        page.get_by_label("検疫エージェント").check()
        page.fill("[name=rows-0-mac]", "00-1B-A9-3C-4D-5E")
        page.fill("[name=rows-0-ip]", address)
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

    assert in_directory(lab, name) == [True]
    assert (asked(lab, forward, "A"), asked(lab, backward, "PTR")) == ({(address,)}, {(forward,)})
    assert name in whitelisted(operator)
    assert Computer.system.get(name=name).state == "IN_USE"

    # 撤去: only the name is typed; the portal finds the rest.
    removal = submit(clerk, "撤去", lambda page: page.fill("[name=rows-0-name]", name))
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
    assert in_directory(lab, name) == [False]
    assert (asked(lab, forward, "A"), asked(lab, backward, "PTR")) == ({()}, {()})
    assert name not in whitelisted(operator)
    assert MAC.replace(":", "") not in re.sub("[-:.]", "", whitelisted(operator)).lower()
    assert not Computer.system.filter(name=name, state="IN_USE").exists()
    assert not ManagedMachine.system.filter(state="MANAGED").exists()
    assert removing.enqueue_removals(now=timezone.now()) == 1
    fulfilment.drain("directory", now_fn=timezone.now)
    assert in_directory(lab, name) == []
