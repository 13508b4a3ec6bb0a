"""The continuity pack: complete, without a password, encrypted, printable, and numbers kept aside (ACC-12)."""

from __future__ import annotations

import io
import stat
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import load_workbook
from pypdf import PdfReader

from accounts.naming import free
from portal.continuity import packing, parts, reserve, services
from portal.continuity.errors import FolderUnusable, NotAllowed, NotConfigured
from portal.continuity.models import ContinuityPack, EmergencyNumber
from portal.fulfilment.models import Operation
from portal.orgs.models import Organisation
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import kinds
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


@pytest.fixture
def key() -> pyrage.x25519.Identity:
    """Operations' private key, which the portal never sees."""
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def folder(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    settings: Any,
    key: pyrage.x25519.Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Where packs go. Setting twenty pages takes seconds: only the test that reads them has them set."""
    if "printed" not in request.keywords:
        monkeypatch.setattr(packing, "render_pdf", lambda template, context: b"%PDF-")
    settings.CONTINUITY = {
        "recipients": [str(key.to_public())],
        "folder": str(tmp_path / "packs"),
        "keep": 2,
        "reserve": 3,
    }
    return tmp_path / "packs"


def opened(folder: Path, pack: ContinuityPack, key: pyrage.x25519.Identity) -> zipfile.ZipFile:
    clear = pyrage.decrypt((folder / pack.file_name).read_bytes(), [key])
    return zipfile.ZipFile(io.BytesIO(clear))


def cells(archive: zipfile.ZipFile) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(io.BytesIO(archive.read("continuity.xlsx")))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


@pytest.mark.printed
def test_it_holds_the_open_work_the_people_the_forms_and_the_tables(
    folder: Path, key: pyrage.x25519.Identity
) -> None:
    operation = factories.operation(factories.line(subject="鈴木 花子"))
    approver = factories.approver(display_name="承認 太郎")
    recipient = factories.recipient()

    pack = services.make_pack(actor=None, now=NOW)

    archive = opened(folder, pack, key)
    text = str(cells(archive))
    for part in (
        operation.application_number,
        "鈴木 花子",
        approver.display_name,
        recipient.email,
        "sAMAccountName",
        "E-13-0001",
    ):
        assert part in text, part
    with translation.override("ja"):
        assert all(str(kind.label)[:10] in text for kind in kinds.all_kinds())
    pages = PdfReader(io.BytesIO(archive.read("continuity.pdf"))).pages
    printed = "".join(page.extract_text() for page in pages)
    assert operation.application_number in printed
    assert "停止" in printed


def test_work_that_nobody_can_describe_does_not_cost_everybody_the_pack(
    folder: Path, key: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:  # ACC-12
    broken = factories.operation(factories.line(subject="鈴木 花子"))
    whole = factories.operation(factories.line(subject="佐藤 次郎"))

    def sheet(operation: Operation) -> list[tuple[str, str]]:
        if operation == broken:
            raise RuntimeError("壊れた行")
        return [("sAMAccountName", "k13-sato-j")]

    monkeypatch.setattr(parts.fulfilment, "work_sheet", sheet)

    pack = services.make_pack(actor=None, now=NOW)

    text = str(cells(opened(folder, pack, key)))
    assert "k13-sato-j" in text
    assert broken.application_number in text
    assert whole.application_number in text
    assert "壊れた行" not in text


def test_only_operations_key_opens_it_and_nothing_lies_in_the_clear(
    folder: Path, key: pyrage.x25519.Identity
) -> None:
    factories.operation(factories.line(subject="鈴木 花子"))

    pack = services.make_pack(actor=None, now=NOW)

    data = (folder / pack.file_name).read_bytes()
    assert data.startswith(b"age-encryption.org/v1")
    assert "鈴木".encode() not in data
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [pyrage.x25519.Identity.generate()])
    assert [path.name for path in folder.iterdir()] == [pack.file_name]
    assert stat.S_IMODE((folder / pack.file_name).stat().st_mode) == 0o600


@pytest.mark.parametrize("recipients", [[], ["not-a-key"], ["AGE-SECRET-KEY-1QQQ"]])
def test_without_a_key_no_pack_is_written(folder: Path, settings: Any, recipients: list[str]) -> None:
    settings.CONTINUITY = {**settings.CONTINUITY, "recipients": recipients}

    with pytest.raises(NotConfigured):
        services.make_pack(actor=None, now=NOW)

    assert not folder.exists()
    assert not ContinuityPack.objects.exists()


def test_a_folder_that_cannot_be_written_to_is_told(folder: Path, settings: Any) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")

    with pytest.raises(FolderUnusable) as error:
        services.make_pack(actor=None, now=NOW)

    assert error.value.reason == "FileExistsError"


def test_the_night_keeps_the_newest_files_and_every_row(folder: Path) -> None:
    for night in range(4):
        services.make_nightly(now=NOW + timedelta(days=night))

    assert len(list(folder.iterdir())) == 2
    assert ContinuityPack.objects.count() == 4
    assert ContinuityPack.objects.filter(removed_at=None).count() == 2


def test_its_statements_do_not_grow_with_the_work(folder: Path) -> None:
    counts = []
    for rows in (1, 29):
        for _ in range(rows):
            factories.operation(factories.line())
        with CaptureQueriesContext(connection) as queries:
            parts.all_sheets(NOW)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_table_that_nobody_prints_is_cut_on_paper_and_whole_in_the_workbook() -> None:
    sheet = parts.Sheet(title="多数", header=("番号",), rows=[(n,) for n in range(1000)])

    archive = zipfile.ZipFile(io.BytesIO(packing.build_zip([sheet], NOW)[0]))

    assert len(cells(archive)["多数"]) == 1001
    assert sheet.left_out == 1000 - len(sheet.printed)


# --- numbers kept aside --------------------------------------------------------------------------------------------------
def test_each_organisation_has_its_block_and_it_is_filled_up_again(folder: Path) -> None:
    reserve.keep_reserve(NOW)
    line = factories.line()
    reserve.use(number="E-13-0002", line=line, now=NOW)

    assert reserve.keep_reserve(NOW) == 1
    assert reserve.keep_reserve(NOW) == 0

    for organisation in Organisation.objects.all():
        assert EmergencyNumber.system.filter(organisation=organisation, used_at=None).count() == 3
    assert EmergencyNumber.system.get(number="E-13-0002").used_by_line_id == line.pk


def test_names_of_the_block_are_never_proposed(folder: Path) -> None:
    reserve.keep_reserve(NOW)

    assert free.taken(["KK13E0001", "kk13x"], application_id=None, now=NOW) == {"kk13e0001"}


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_fill_the_block_once(folder: Path) -> None:
    def fill() -> None:
        try:
            reserve.keep_reserve(NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert EmergencyNumber.system.filter(organisation__code="13").count() == 3


# --- the page --------------------------------------------------------------------------------------------------------------
def test_operations_make_and_fetch_one_and_it_is_recorded(folder: Path) -> None:
    client = client_of(factories.operator())

    client.post("/continuity/make/")
    pack = ContinuityPack.objects.get()
    answer = client.get(f"/continuity/{pack.pk}/")

    assert answer.content == (folder / pack.file_name).read_bytes()
    assert {"continuity.make", "continuity.download"} <= set(
        TrailEntry.objects.values_list("action", flat=True)
    )


def test_a_file_that_was_changed_is_not_handed_out(folder: Path) -> None:
    client = client_of(factories.operator())
    pack = services.make_pack(actor=None, now=NOW)
    (folder / pack.file_name).write_bytes(b"something else")

    assert client.get(f"/continuity/{pack.pk}/").status_code == 404


def test_nobody_else_makes_or_fetches_packs(folder: Path) -> None:
    pack = services.make_pack(actor=None, now=NOW)
    client = client_of(factories.user(Role.SECURITY_MANAGER))

    assert client.get("/continuity/").status_code == 403
    assert client.post("/continuity/make/").status_code == 403
    assert client.get(f"/continuity/{pack.pk}/").status_code == 403
    with pytest.raises(NotAllowed):
        services.make_pack(actor=factories.applicant(), now=NOW)


def test_an_old_pack_and_a_missing_key_are_told_on_the_page(folder: Path, settings: Any) -> None:
    client = client_of(factories.operator())
    services.make_pack(actor=None, now=NOW - timedelta(days=400))

    assert "1日以上前" in client.get("/continuity/").content.decode()
    settings.CONTINUITY = {**settings.CONTINUITY, "recipients": []}
    assert "CONTINUITY_RECIPIENTS" in client.get("/continuity/").content.decode()
