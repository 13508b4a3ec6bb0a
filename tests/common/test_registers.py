"""What every register can do: choose columns, go into a file or onto paper, and say who took what along (SEC-02)."""

from __future__ import annotations

import csv
import html
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from portal.common import export, tables
from portal.orgs.models import ColumnChoice
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db

# Register, its list, a column that is not shown at first, its label.
REGISTERS = [
    ("accounts", "/accounts/", "application", "直近の申請"),
    ("applications", "/applications/", "applicant", "申請者"),
    ("operations", "/operations/", "taken_by", "引き取った人"),
]
NAMES = [row[0] for row in REGISTERS]


def make_row(register: str, subject: str = "対象") -> None:
    """One more row in a register."""
    if register == "accounts":
        factories.directory_account(family_name=subject)
    elif register == "applications":
        factories.application(subject=subject, status="IN_REVIEW")
    else:
        factories.operation(factories.line(subject=subject))


@pytest.fixture
def client() -> Client:
    """An operator, who reads every register."""
    return client_of(factories.operator())


def page(client: Client, address: str) -> str:
    return html.unescape(client.get(address).content.decode())


def header(client: Client, address: str) -> list[str]:
    text = b"".join(client.get(f"{address}export/").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return next(csv.reader(io.StringIO(text)))


def sheet(response: Any) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    return [tuple(cell for cell in row) for row in book.active.iter_rows()]


@pytest.mark.parametrize(("register", "address", "column", "label"), REGISTERS, ids=NAMES)
def test_the_chosen_columns_are_on_the_screen_in_the_file_and_on_paper(
    client: Client, register: str, address: str, column: str, label: str
) -> None:
    make_row(register)
    assert f">{label}</th>" not in page(client, address)

    answer = client.post(f"/columns/{register}/", {"columns": [column, "no-such-column"], "query": "q=x&a=b"})

    assert answer["Location"] == f"{address}?q=x&a=b"
    for path in (address, f"{address}print/"):
        assert f">{label}</th>" in page(client, path)
    key = str(tables.get(register).columns[0].label)
    assert header(client, address) == [key, label]  # the key always stands first
    client.post(f"/columns/{register}/", {"reset": "1"})
    assert f">{label}</th>" not in page(client, address)


def test_the_choice_is_the_persons_own(client: Client) -> None:
    client.post("/columns/accounts/", {"columns": ["kana"]})

    other = client_of(factories.operator())

    assert ColumnChoice.objects.count() == 1
    assert header(other, "/accounts/") != header(client, "/accounts/")


def test_a_register_that_does_not_exist_has_no_columns(client: Client) -> None:
    assert client.post("/columns/nothing/", {"columns": ["x"]}).status_code == 404


def test_the_way_back_stays_in_the_portal(client: Client) -> None:
    answer = client.post("/columns/accounts/", {"query": "//evil.example/?next=https://evil.example"})

    assert answer["Location"].startswith("/accounts/?")


@pytest.mark.parametrize(("register", "address", "column", "label"), REGISTERS, ids=NAMES)
def test_excel_holds_text_as_text(
    client: Client, register: str, address: str, column: str, label: str
) -> None:
    make_row(register, '=HYPERLINK("http://x")')

    rows = sheet(client.get(f"{address}export/?format=xlsx"))

    cells = [cell for cell in rows[1] if "HYPERLINK" in str(cell.value)]
    assert cells
    assert all(cell.data_type == "s" for cell in cells)


@pytest.mark.parametrize(("register", "address", "column", "label"), REGISTERS, ids=NAMES)
def test_taking_along_is_recorded_with_what_was_asked(
    client: Client, register: str, address: str, column: str, label: str
) -> None:
    client.get(f"{address}export/?format=xlsx&q=suzuki")
    client.get(f"{address}print/?q=suzuki")

    entries = list(TrailEntry.objects.order_by("-id")[:2])

    singular = register.removesuffix("s")
    assert {entry.action for entry in entries} == {f"{singular}.export", f"{singular}.print"}
    assert all("suzuki" in str(entry.detail) for entry in entries)


@pytest.mark.parametrize(("register", "address", "column", "label"), REGISTERS, ids=NAMES)
def test_more_than_excel_takes_is_told_before_the_file_is_made(
    client: Client, register: str, address: str, column: str, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXCEL_LIMIT", 1)
    make_row(register)
    make_row(register)

    answer = client.get(f"{address}export/?format=xlsx", follow=True)

    assert "絞り込む" in answer.content.decode()
    assert (
        len(
            list(
                csv.reader(io.StringIO(b"".join(client.get(f"{address}export/").streaming_content).decode()))
            )
        )
        == 3
    )  # type: ignore[attr-defined]


def test_paper_says_when_it_does_not_hold_everything(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PRINT_LIMIT", 1)
    make_row("accounts")
    make_row("accounts")

    assert "c-banner" in page(client, "/accounts/print/")


@pytest.mark.parametrize("path", ["export/", "export/?format=xlsx", "print/"])
def test_files_and_paper_hold_no_other_federation(path: str) -> None:  # ORG-02
    factories.directory_account(code="27", family_name="他県")
    factories.directory_account(family_name="自県")
    client = client_of(factories.user(Role.APPROVER))

    response = client.get(f"/accounts/{path}")

    content = b"".join(response.streaming_content) if response.streaming else response.content
    text = (
        "".join(str(cell.value) for row in _cells(content) for cell in row)
        if "xlsx" in path
        else content.decode()
    )
    assert "自県" in text
    assert "他県" not in text


def _cells(content: bytes) -> list[tuple[Any, ...]]:
    return list(load_workbook(io.BytesIO(content)).active.iter_rows())


@pytest.mark.parametrize("kind", ["", "print/"])
@pytest.mark.parametrize(("register", "address", "column", "label"), REGISTERS, ids=NAMES)
def test_thirty_rows_with_every_column_cost_the_statements_of_one(
    client: Client, register: str, address: str, column: str, label: str, kind: str
) -> None:
    every = [column.name for column in tables.get(register).columns]
    client.post(f"/columns/{register}/", {"columns": every})
    counts = []
    for rows in (1, 29):
        for _ in range(rows):
            make_row(register)
        client.get(f"{address}{kind}")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{address}{kind}")
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("account_type=ADMINISTRATOR", {"admin"}),
        ("department=%E4%BC%9A%E8%A8%88", {"kaikei"}),
        ("expiry=soon", {"soon"}),
        ("expiry=over", {"over"}),
        ("expiry=temporary", {"soon", "over"}),
        ("expiry=removal", {"gone"}),
        ("expiry=never-heard-of&account_type=x", {"admin", "kaikei", "soon", "over", "gone"}),
    ],
)
def test_accounts_are_narrowed_by_type_department_and_end(
    client: Client, query: str, found: set[str]
) -> None:
    today = timezone.localdate()
    factories.directory_account(login_name="admin", account_type="ADMINISTRATOR")
    factories.directory_account(login_name="kaikei", department="会計課")
    factories.directory_account(login_name="soon", expires_on=today + timedelta(days=30))
    factories.directory_account(login_name="over", expires_on=today - timedelta(days=1))
    factories.directory_account(login_name="gone", state="DELETED")

    text = b"".join(client.get(f"/accounts/export/?{query}").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    assert {row[0] for row in list(csv.reader(io.StringIO(text)))[1:]} == found
