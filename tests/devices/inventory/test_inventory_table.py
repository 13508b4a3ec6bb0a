"""The sheet as a table: downloaded with a drop-down, filled in, handed in again; every error with its cell (DEV-07)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from devices.inventory.models import InventoryLine, InventorySheet
from devices.permits.models import DevicePermit
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.devices.inventory import stock
from tests.devices.inventory.conftest import open_for
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
ONE, TWO, THREE, FOUR = (f"DV-2026-13000{number}" for number in (1, 2, 3, 4))
DECISION, REASON = "I", "J"


@pytest.fixture
def sheet(cast: Cast) -> InventorySheet:
    """Four devices of federation 13 in the campaign of this quarter, none of them used lately."""
    stock.fill(factories.organisation("13"), 4)
    made = open_for(now=timezone.now())
    made.lines.update(usage="UNUSED", last_used_at=None)
    return made


def address(name: str, sheet: InventorySheet) -> str:
    return reverse(name, args=[sheet.campaign.starts_on, sheet.organisation.code])


def downloaded(client: Client, sheet: InventorySheet, query: str = "") -> Workbook:
    response: Any = client.get(address("inventory_table", sheet) + query)
    assert response.status_code == 200
    return load_workbook(BytesIO(b"".join(response.streaming_content)))


def handed_in(client: Client, sheet: InventorySheet, book: Workbook) -> Any:
    file = BytesIO()
    book.save(file)
    file.seek(0)
    file.name = "棚卸し.xlsx"
    return client.post(address("inventory_upload", sheet), {"file": file}, follow=True)


def fill(book: Workbook, number: str, decision: str, reason: str = "") -> int:
    rows = {row[0].value: row[0].row for row in book.active.iter_rows(min_row=2)}
    row = rows[number]
    book.active[f"{DECISION}{row}"], book.active[f"{REASON}{row}"] = decision, reason
    return int(row)


def line_of(sheet: InventorySheet, number: str) -> InventoryLine:
    found: InventoryLine = sheet.lines.get(number=number)
    return found


def test_dev_07_a_filled_table_decides_and_what_is_empty_stays_open(
    sheet: InventorySheet, cast: Cast
) -> None:
    officer = client_of(cast.officer)
    book = downloaded(officer, sheet)
    [rule] = book.active.data_validations.dataValidation
    fill(book, ONE, "残す", "年度末の統計に使う")
    fill(book, TWO, "削除")
    fill(book, THREE, "所在不明", "総務課で捜索中")

    response = handed_in(officer, sheet, book)

    assert response.redirect_chain == [(address("inventory_sheet", sheet), 302)]
    assert rule.formula1 == '"残す,削除,所在不明"'
    decided = {line.number: (line.decision, line.reason) for line in sheet.lines.exclude(decision="")}
    assert decided == {
        ONE: ("KEEP", "年度末の統計に使う"),
        TWO: ("REMOVE", ""),
        THREE: ("MISSING", "総務課で捜索中"),
    }
    assert line_of(sheet, ONE).decided_by == cast.officer
    assert TrailEntry.objects.filter(action="inventory.decide").count() == 3
    # What is decided comes back filled in, after what is still open, and handing it in once more changes nothing.
    again = downloaded(officer, sheet)
    assert again.active["A2"].value == FOUR
    assert handed_in(officer, sheet, again).status_code == 200
    assert TrailEntry.objects.filter(action="inventory.decide").count() == 3


def test_dev_07_every_error_is_said_at_once_with_its_cell_and_nothing_is_decided(
    sheet: InventorySheet, cast: Cast
) -> None:
    officer = client_of(cast.officer)
    book = downloaded(officer, sheet)
    good = fill(book, ONE, "残す", "年度末の統計に使う")
    no_reason, unknown = fill(book, TWO, "残す"), fill(book, THREE, "保留")
    no_decision = fill(book, FOUR, "", "確認中")
    book.active.append(["DV-2026-999999", *[""] * 7, "削除"])
    book.active.append(["ＤＶ－2026－130001", *[""] * 7, "削除"])

    response = handed_in(officer, sheet, book)

    assert response.status_code == 422
    said = response.context["file_problems"]
    cells = [
        f"{REASON}{no_reason}",
        f"{DECISION}{unknown}",
        f"{DECISION}{no_decision}",
        "A6",
        "A7",
        f"A{good}",
    ]
    for cell in cells:
        assert any(problem.startswith(f"{cell}：") for problem in said), cell
    assert len(said) == len(cells)
    assert not sheet.lines.exclude(decision="").exists()


def test_dev_07_a_device_that_was_used_lately_is_kept_without_a_reason(
    sheet: InventorySheet, cast: Cast
) -> None:
    sheet.lines.filter(number=ONE).update(usage="RECENT", last_used_at=timezone.now())
    officer = client_of(cast.officer)
    book = downloaded(officer, sheet)
    fill(book, ONE, "残す")

    handed_in(officer, sheet, book)

    line = line_of(sheet, ONE)
    assert (line.decision, bool(line.reason)) == ("KEEP", True)


def test_dev_06_an_applicant_is_offered_and_allowed_removal_only(sheet: InventorySheet, cast: Cast) -> None:
    sheet.lines.filter(number=THREE).update(
        decision="KEEP", reason="使う", decided_by=cast.officer, decided_at=timezone.now()
    )
    applicant = client_of(cast.applicant)
    book = downloaded(applicant, sheet)
    [rule] = book.active.data_validations.dataValidation
    kept = fill(book, ONE, "残す", "使う")
    refused = handed_in(applicant, sheet, book)
    fill(book, ONE, "")
    fill(book, TWO, "削除")

    handed_in(applicant, sheet, book)

    assert rule.formula1 == '"削除"'
    assert refused.context["file_problems"][0].startswith(f"{DECISION}{kept}：")
    opened = line_of(sheet, TWO).application
    assert opened is not None
    assert opened.applicant == cast.applicant
    assert line_of(sheet, THREE).decision == "KEEP"


def test_dev_07_what_somebody_decided_meanwhile_stays(sheet: InventorySheet, cast: Cast) -> None:
    officer, other = client_of(cast.officer), factories.user(Role.SECURITY_OFFICER)
    mine, theirs = downloaded(officer, sheet), downloaded(client_of(other), sheet)
    fill(theirs, ONE, "残す", "監査で使う")
    handed_in(client_of(other), sheet, theirs)
    fill(mine, ONE, "所在不明", "見当たらない")

    page = handed_in(officer, sheet, mine).content.decode()

    assert line_of(sheet, ONE).reason == "監査で使う"
    assert other.display_name in page


def test_a_permit_that_ended_meanwhile_is_told(sheet: InventorySheet, cast: Cast) -> None:
    officer = client_of(cast.officer)
    book = downloaded(officer, sheet)
    fill(book, ONE, "残す", "年度末の統計に使う")
    DevicePermit.system.filter(pk=line_of(sheet, ONE).permit_id).update(state=DevicePermit.State.REMOVED)

    page = handed_in(officer, sheet, book).content.decode()

    assert line_of(sheet, ONE).gone_at is not None
    assert f"{ONE} は許可が終了したため" in page


def test_org_02_another_federation_has_no_table_and_a_reader_may_not_hand_one_in(
    sheet: InventorySheet, cast: Cast
) -> None:
    other = client_for(Role.SECURITY_OFFICER, code="27")
    assert other.get(address("inventory_table", sheet)).status_code == 404
    assert other.post(address("inventory_upload", sheet)).status_code == 404
    assert client_of(cast.manager).get(address("inventory_table", sheet)).status_code == 403


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", "氏名,所属\n鈴木,総務課\n".encode("cp932")])
def test_another_file_is_refused_with_words(sheet: InventorySheet, cast: Cast, data: bytes) -> None:
    file = BytesIO(data)
    file.name = "棚卸し.csv"

    response: Any = client_of(cast.officer).post(address("inventory_upload", sheet), {"file": file})

    assert response.status_code == 422
    assert response.context["file_problems"]
