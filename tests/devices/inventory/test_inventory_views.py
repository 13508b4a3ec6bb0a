"""The screens of the inventory: who decides, what it costs, the page without login, labels that scan (DEV-07)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from devices.inventory import asking, labels
from devices.inventory.models import InventoryLine, InventorySheet
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from tests import factories
from tests.devices.inventory import qr, stock
from tests.devices.inventory.conftest import open_for
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
UNUSED = "DV-2026-130002"


@pytest.fixture
def sheet(cast: Cast) -> InventorySheet:
    """Ten devices of federation 13 in the campaign of this quarter."""
    stock.fill(factories.organisation("13"), 10)
    return open_for(now=timezone.now())


def address(name: str, sheet: InventorySheet) -> str:
    return reverse(name, args=[sheet.campaign.starts_on, sheet.organisation.code])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_officer_keeps_what_was_used_and_decides_the_rest(sheet: InventorySheet, cast: Cast) -> None:
    InventoryLine.system.exclude(number=UNUSED).update(usage="RECENT", last_used_at=timezone.now())
    InventoryLine.system.filter(number=UNUSED).update(usage="UNUSED")
    client, page = client_of(cast.officer), address("inventory_sheet", sheet)
    assert "最近使用された9件を残す" in text(client.get(page))

    client.post(address("inventory_recent", sheet))
    line = sheet.lines.get(number=UNUSED)
    values = {"line": [line.choice], "decision": "KEEP", "reason": ""}
    refused = client.post(address("inventory_decide", sheet), values)
    taken = client.post(address("inventory_decide", sheet), values | {"reason": "年度末に使う"})

    assert (refused.status_code, taken.status_code) == (422, 302)
    assert "デバイスを残す理由を入力してください" in text(refused)
    shown = text(client.get(page))
    assert "年度末に使う" in shown
    assert "100 %" in shown
    sheet.refresh_from_db()
    assert sheet.status == "ANSWERED"


def test_others_see_and_do_what_is_theirs(sheet: InventorySheet, cast: Cast) -> None:
    page = address("inventory_sheet", sheet)

    assert client_for(Role.USER).get(page).status_code == 403
    assert client_for(Role.SECURITY_OFFICER, code="27").get(page).status_code == 404  # ORG-02
    manager = client_of(cast.manager)
    assert 'name="line"' not in text(manager.get(page))
    assert manager.post(address("inventory_recent", sheet)).status_code == 403
    assert manager.get(address("inventory_scan", sheet)).status_code == 403
    applicant = text(client_of(cast.applicant).get(page))
    assert 'value="REMOVE"' in applicant
    assert 'value="KEEP"' not in applicant.split("c-decide")[1]


def test_the_country_is_seen_by_operations_and_one_row_by_a_federation(
    sheet: InventorySheet, cast: Cast
) -> None:
    campaign = reverse("inventory_campaign", args=[sheet.campaign.starts_on])
    short = factories.organisation("27").short_name

    assert short in text(client_of(cast.operator).get(campaign)).split("<main")[1]
    assert short not in text(client_of(cast.officer).get(campaign)).split("<main")[1]
    assert client_of(cast.officer).get(reverse("inventory_list")).status_code == 200


def test_home_and_device_page_lead_to_the_sheet(sheet: InventorySheet, cast: Cast) -> None:
    home = text(client_of(cast.officer).get("/"))
    device = text(client_of(cast.officer).get(reverse("device_detail", args=[UNUSED])))

    assert f"{address('inventory_sheet', sheet)}?decision=open" in home
    assert address("inventory_sheet", sheet) in device
    assert f"{reverse('inventory_labels')}?q={UNUSED}" in device


def test_the_scan_field_keeps_its_choice_and_warns_of_the_second_scan(
    sheet: InventorySheet, cast: Cast
) -> None:
    client, scan = client_of(cast.officer), address("inventory_scan", sheet)
    values = {"number": UNUSED, "keep": "on", "reason": "現物を確認した"}

    first, second = client.post(scan, values), client.post(scan, values)
    unknown = client.post(scan, values | {"number": "DV-2026-999999"})

    assert "確認しました" in text(first)
    assert "現物を確認した" in text(first)
    assert "読み取り済みです" in text(second)
    assert unknown.status_code == 422
    assert sheet.lines.get(number=UNUSED).decision == "KEEP"


def test_the_page_without_login_shows_one_device_and_answers_once(sheet: InventorySheet, cast: Cast) -> None:
    line = sheet.lines.get(number=UNUSED)
    client_of(cast.officer).post(address("inventory_ask", sheet), {"line": [line.choice]})
    line.refresh_from_db()
    stranger, page = Client(), reverse("inventory_question", args=[asking.token_of(line)])
    (asked,) = Notice.system.filter(template="inventory_question")
    assert asked.context["until_on"] == sheet.campaign.due_on.isoformat()  # before the officer must decide

    shown = stranger.get(page)
    assert UNUSED in text(shown)
    assert shown["Referrer-Policy"] == "same-origin"  # "no-referrer" makes browsers send Origin: null
    for secret in ("鈴木", "SN2", "DV-2026-130003", cast.officer.display_name, "KK13"):
        assert secret not in text(shown)
    assert stranger.post(page, {"answer": "NEEDED"}).status_code == 422
    assert stranger.post(page, {"answer": "NEEDED", "text": "会議で使う"}).status_code == 200
    assert stranger.get(page).status_code == 404
    assert UNUSED not in text(stranger.get(page))
    assert "会議で使う" in text(client_of(cast.officer).get(address("inventory_sheet", sheet)))


def test_twenty_wrong_links_from_one_address_and_then_wait() -> None:
    client = Client()
    pages = [reverse("inventory_question", args=[f"{n:064}"]) for n in range(21)]

    statuses = [client.get(page).status_code for page in pages]

    assert statuses == [404] * 20 + [429]


def test_lists_cost_the_same_with_more_rows(sheet: InventorySheet, cast: Cast) -> None:
    client = client_of(cast.officer)
    pages = [
        address("inventory_sheet", sheet),
        reverse("inventory_campaign", args=[sheet.campaign.starts_on]),
        reverse("inventory_list"),
        address("inventory_scan", sheet),
    ]

    def cost() -> list[int]:
        found = []
        for page in pages:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(page).status_code == 200
            found.append(len(queries))
        return found

    cost()
    keep = sheet.lines.get(number=UNUSED).pk
    InventoryLine.system.update(
        decision="KEEP", reason="x", decided_by=cast.officer, decided_at=timezone.now()
    )
    many = cost()
    InventoryLine.system.exclude(pk=keep).delete()

    assert cost() == many


def test_the_report_names_every_row_that_nobody_decided(sheet: InventorySheet, cast: Cast) -> None:
    pdf = client_of(cast.officer).get(address("inventory_sheet_report", sheet))
    country = client_of(cast.operator).get(reverse("inventory_report", args=[sheet.campaign.starts_on]))

    numbers = list(sheet.lines.values_list("number", flat=True))
    assert numbers
    for response in (pdf, country):
        assert response["Content-Type"] == "application/pdf"
        words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(response.content)).pages)
        for number in numbers:
            assert number in words.replace("\n", "")


def test_exports_hold_the_rows_of_the_filter(sheet: InventorySheet, cast: Cast) -> None:
    client = client_of(cast.operator)

    rows: Any = client.get(address("inventory_export", sheet), {"usage": "NEVER"})
    country: Any = client.get(
        reverse("inventory_campaign_export", args=[sheet.campaign.starts_on]), {"format": "xlsx"}
    )

    words = b"".join(rows.streaming_content).decode("utf-8-sig")
    assert "DV-2026-130010" in words
    assert "DV-2026-130005" not in words
    assert country.status_code == 200


def test_labels_hold_the_number_so_that_a_scanner_types_it(sheet: InventorySheet, cast: Cast) -> None:
    assert qr.read(labels.matrix(UNUSED)) == UNUSED

    response = client_of(cast.officer).get(reverse("inventory_labels"), {"organisation": "13"})

    assert response.content.startswith(b"%PDF")
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(response.content)).pages)
    assert words.count("DV-2026-13") == 10
