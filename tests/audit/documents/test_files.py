"""The two reports of a month as files: complete, Japanese, archived, hashed, signed, and made once (AUD-01, AUD-07, AUD-10)."""

from __future__ import annotations

import csv
import io
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import load_workbook
from pypdf import PdfReader

from audit.reconciliation.models import LogKind, Reconciliation, Side
from audit.reports import guards
from audit.reports.documents import files, making
from audit.reports.documents.content import content_of
from audit.reports.models import AuditReport, FileOrder, ReportFile
from portal.documents.signing import seal_of
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.documents import world
from tests.audit.reports import world as reports
from tests.documents.openssl_tsa import with_authority
from tests.threads import at_once

pytestmark = pytest.mark.django_db
_STAGE = ReportFile.Stage
_EARLIER = world.NOW - timedelta(days=1)
_CHECKPOINT = "証跡 42件 3f9ac21b"


@pytest.fixture
def report(settings: Any, tmp_path: Path) -> AuditReport:
    with_authority(settings, tmp_path)
    return world.report(sessions=12)


def test_every_page_bears_digest_checkpoint_and_number_and_the_text_is_japanese(report: AuditReport) -> None:
    content = content_of(report, LogKind.TAKEOUT, _STAGE.ORIGINAL)

    pages = [page.extract_text() for page in PdfReader(io.BytesIO(files.pdf(content, _CHECKPOINT))).pages]

    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert content.digest in text
        assert _CHECKPOINT in text
        assert f"{number} / {len(pages)}" in text
        assert "東京都国民健康保険団体連合会" in text
    whole = "".join(pages).replace("\n", "")
    assert "ファイル持出しレポート" in whole
    assert world.LONG_FILE.rsplit("/")[-1][-12:] in whole  # a long name is broken, not cut


def test_the_file_is_archived_with_its_own_font_and_shows_ink_on_every_page(report: AuditReport) -> None:
    data = files.pdf(content_of(report, LogKind.DATABASE, _STAGE.PROVIDED), _CHECKPOINT)

    reader = PdfReader(io.BytesIO(data))
    catalogue: Any = reader.trailer["/Root"]
    told = catalogue["/Metadata"].get_data().decode()
    fonts = {
        font.get_object()["/BaseFont"]
        for page in list[Any](reader.pages)
        for font in page["/Resources"]["/Font"].values()
    }

    assert "<pdfaid:part>2</pdfaid:part>" in told.replace(" ", "") or 'part="2"' in told
    assert all("BIZ" in name for name in fonts)
    for page in pypdfium2.PdfDocument(data):
        picture = page.render(scale=0.5).to_pil().convert("L")
        assert picture.getextrema()[0] < 100  # something dark
        edge = [picture.getpixel((picture.width - 3, y)) for y in range(picture.height)]
        assert min(edge) > 240  # nothing runs over the margin


@pytest.mark.slow
@pytest.mark.once
def test_each_page_of_a_signed_report_of_300_rows_is_whole_in_both_reports(
    settings: Any, tmp_path: Path
) -> None:
    with_authority(settings, tmp_path)
    report = world.report(sessions=300)

    for kind in LogKind:
        content = content_of(report, kind, _STAGE.ORIGINAL)
        data = files.signed_pdf(content, _CHECKPOINT)
        if where := os.environ.get("KEEP_PDF"):  # to look at them
            Path(where, f"{kind}.pdf").write_bytes(data)

        texts = _looked_at(data)
        whole = "".join(texts).replace("\n", "")
        for line in content.mismatches:
            name = line.object_name[-15:]
            assert name in whole, line.number
            assert whole.count(f"記録{line.number:03}") == 2, line.number  # both reasons, to their end
        assert seal_of(data).fits
        assert _is_archive(data)


def _looked_at(data: bytes) -> list[str]:
    """Each page as a picture: ink, and none on its edges; the text of each page, with its number and repeated headings."""
    reader, pictures = PdfReader(io.BytesIO(data)), pypdfium2.PdfDocument(data)
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) == len(pictures) > 15
    for number, (text, page) in enumerate(zip(texts, pictures, strict=True), start=1):
        picture = page.render(scale=0.7).to_pil().convert("L")
        width, height, edge = picture.width, picture.height, 12  # 6 mm of paper
        body = picture.crop((edge, 60, width - edge, height - 60))
        assert sum(body.histogram()[:200]) > 500, number  # dots of ink between the head and the foot
        for box in (
            (width - edge, 0, width, height),
            (0, height - edge, width, height),
            (0, 0, edge, height),
            (0, 0, width, edge),
        ):
            assert picture.crop(box).getextrema()[0] > 240, (number, box)
        assert f"{number} / {len(texts)}" in text
        assert "取扱注意" in text
        if "緊急作業" in text:  # rows of the table of reasons
            assert "国保連合会の理由" in text, number
    assert sum("国保連合会の理由" in text for text in texts) >= len(texts) - 1
    return texts


def _is_archive(data: bytes) -> bool:
    """PDF/A-2u as it says of itself, with the colours it needs and without anything attached (ISO 19005-2)."""
    catalogue: Any = PdfReader(io.BytesIO(data)).trailer["/Root"]
    told = catalogue["/Metadata"].get_data().decode()
    identified = re.search(r'pdfaid:part(?:>|=")2', told) and re.search(r'pdfaid:conformance(?:>|=")U', told)
    newer = catalogue.get("/Version", "/1.7") > "/1.7"
    attached = "/AF" in catalogue or "/EmbeddedFiles" in catalogue.get("/Names", {})
    return (
        bool(identified)
        and not newer
        and "/OutputIntents" in catalogue
        and not attached
        and b"/EmbeddedFile" not in data
    )


def test_what_is_provided_holds_no_reason_of_the_federation_and_the_original_holds_both(
    report: AuditReport,
) -> None:
    provided = content_of(report, LogKind.DATABASE, _STAGE.PROVIDED)
    original = content_of(report, LogKind.DATABASE, _STAGE.ORIGINAL)

    assert all(line.central and not line.federation for line in provided.mismatches)
    assert all(line.central and line.federation for line in original.mismatches)
    assert len(provided.signatures) == 2
    assert len(original.signatures) == 3
    assert provided.digest != original.digest


def test_aud_03_a_reason_given_in_another_run_of_the_month_stands_in_every_file_and_the_newest_counts(
    report: AuditReport,
) -> None:
    reports.reason(
        report.reconciliation.mismatches.get(fingerprint="DATABASE-1"), given_at=_EARLIER, text="古い理由"
    )  # type: ignore[union-attr]
    report.reconciliation = world.rerun(report, 12)
    report.save()
    assert not guards.unexplained(Side.CENTRAL).filter(reconciliation=report.reconciliation).exists()

    content = content_of(report, LogKind.DATABASE, _STAGE.ORIGINAL)

    assert len(content.mismatches) == 12
    assert all(line.central and line.federation for line in content.mismatches)
    assert "古い理由" not in str(content.mismatches)  # although it was written last
    rows = list(csv.reader(io.StringIO(files.csv_bytes(content).decode("utf-8-sig"))))
    assert {cell for row in rows[1:13] for cell in (row[15], row[17])} == {"緊急作業"}


def test_aud_10_files_that_are_made_late_hold_what_was_said_until_the_revision_was_replaced(
    report: AuditReport,
) -> None:
    AuditReport.system.filter(pk=report.pk).update(is_current=False, status="SUPERSEDED")
    report.refresh_from_db()
    report.events.create(verb="superseded", at=world.NOW)
    session = report.reconciliation.mismatches.get(fingerprint="DATABASE-1")  # type: ignore[union-attr]
    for side in Side:
        reports.reason(session, side, given_at=world.NOW + timedelta(seconds=1), text="次の版の理由")

    content = content_of(report, LogKind.DATABASE, _STAGE.ORIGINAL)

    assert "次の版の理由" not in str(content.mismatches)
    assert all(line.central and line.federation for line in content.mismatches)


def test_org_04_the_file_says_who_made_the_revision_and_for_whom_a_deputy_confirmed(
    report: AuditReport,
) -> None:
    opener, principal = factories.approver("central"), factories.user(Role.SECURITY_MANAGER)
    deputy = factories.user(Role.SECURITY_OFFICER)
    made = content_of(report, LogKind.DATABASE, _STAGE.PROVIDED).signatures[0]
    report.created_by, report.federation_checked_by, report.federation_checked_for = opener, deputy, principal

    content = content_of(report, LogKind.DATABASE, _STAGE.ORIGINAL)

    assert made.party == "共通ネットワークシステム運用"
    corrected, _central, checked = content.signatures
    assert (corrected.party, corrected.name) == ("国保中央会", opener.display_name)
    assert (checked.name, checked.acts_for) == (deputy.display_name, principal.display_name)
    with translation.override("ja"):
        page = render_to_string("documents/audit_report.html", files.context_of(content, ""))
    assert f"{deputy.display_name}（{principal.display_name} の代理）" in page


def test_a_month_without_findings_gives_a_report_that_says_so(settings: Any, tmp_path: Path) -> None:
    with_authority(settings, tmp_path)
    report = world.report(sessions=0)
    Reconciliation.system.update(
        coverage=[{"host": "KK13", "log_kind": "DATABASE", "days_with_rows": 31, "days_missing": []}]
    )
    report.refresh_from_db()
    content = content_of(report, LogKind.DATABASE, _STAGE.PROVIDED)

    text = PdfReader(io.BytesIO(files.pdf(content, ""))).pages[0].extract_text().replace("\n", "")

    assert "通常業務と異なるアクセスはありませんでした" in text
    assert "作業-2026-000123" in text  # AUD-02: what fits planned work bears its number


def test_days_without_a_log_are_said(report: AuditReport) -> None:
    content = content_of(report, LogKind.DATABASE, _STAGE.PROVIDED)

    text = PdfReader(io.BytesIO(files.pdf(content, ""))).pages[-1].extract_text()

    assert "2026-09-03" in text


def test_csv_and_excel_hold_every_line_and_no_formula(report: AuditReport) -> None:
    report.reconciliation.mismatches.update(object_name="=cmd|' /C calc'!A0")  # type: ignore[union-attr]
    content = content_of(report, LogKind.TAKEOUT, _STAGE.ORIGINAL)

    rows = list(csv.reader(io.StringIO(files.csv_bytes(content).decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(files.workbook_bytes(content)))
    sheet = book.worksheets[0]

    assert len(rows) == 1 + 12 + 1
    assert sheet.max_row == len(rows)
    assert {row[8][0] for row in rows[1:]} == {"'"}
    assert {cell.data_type for cell in sheet["I"][1:]} == {"s"}
    assert [cell.value for cell in book.worksheets[1][2]][1:] == [29, "2026-09-03、2026-09-04"]


def test_reading_a_report_takes_the_same_statements_for_one_session_and_for_thirty(
    settings: Any, tmp_path: Path
) -> None:
    counts = []
    for code, sessions in (("13", 1), ("14", 30)):
        report = AuditReport.system.get(pk=world.report(code, sessions=sessions).pk)
        with CaptureQueriesContext(
            connection,
        ) as told:
            content_of(report, LogKind.DATABASE, _STAGE.ORIGINAL)
        counts.append(len(told))

    assert counts[0] == counts[1]


def _tiny(content: Any, checkpoint: str) -> bytes:
    return b"%PDF-1.7 " + content.digest.encode()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No PDF is drawn and signed where only the keeping is looked at."""
    monkeypatch.setattr(files, "signed_pdf", _tiny)


def test_ordered_files_are_made_once_and_fit_their_hashes(report: AuditReport) -> None:
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)
    assert making.missing_files(report, _STAGE.PROVIDED) == 6

    assert making.make_owed_files(now=world.NOW) == 1
    assert making.make_owed_files(now=world.NOW + timedelta(hours=1)) == 0

    assert making.missing_files(report, _STAGE.PROVIDED) == 0
    kept = list(ReportFile.system.filter(report=report))
    assert {(each.log_kind, each.format) for each in kept} == {
        (kind, form) for kind in LogKind for form in ReportFile.Format
    }
    for each in kept:
        if each.format == ReportFile.Format.PDF:
            assert seal_of(bytes(each.content)).fits


@pytest.mark.usefixtures("quick")
def test_a_second_order_of_the_same_stage_makes_nothing_anew(report: AuditReport) -> None:
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)
    making.make_owed_files(now=world.NOW)

    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)

    assert making.make_owed_files(now=world.NOW + timedelta(hours=1)) == 0


def test_while_the_time_stamp_authority_is_away_the_order_waits_and_then_goes_on_by_itself(
    settings: Any, report: AuditReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DOCUMENT_TIMESTAMP_URL = "http://127.0.0.1:9/"
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)

    assert making.make_owed_files(now=world.NOW) == 0
    order = FileOrder.objects.get()
    assert "time-stamp authority" in order.problem
    assert not ReportFile.system.exists()

    monkeypatch.setattr(files, "signed_pdf", _tiny)
    assert making.make_owed_files(now=world.NOW + timedelta(minutes=1)) == 1
    order.refresh_from_db()
    assert order.problem == ""
    assert order.done_at is not None


@pytest.mark.usefixtures("quick")
def test_the_files_of_a_worker_that_died_are_made_by_the_next_after_its_lease(report: AuditReport) -> None:
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)
    FileOrder.objects.update(lease_until=world.NOW + timedelta(minutes=10), attempts=1)

    assert making.make_owed_files(now=world.NOW + timedelta(minutes=9)) == 0
    assert making.make_owed_files(now=world.NOW + timedelta(minutes=11)) == 1


def test_a_kept_file_cannot_be_changed_or_removed(
    report: AuditReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import DatabaseError, transaction

    monkeypatch.setattr(files, "signed_pdf", _tiny)
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)
    making.make_owed_files(now=world.NOW)

    for change in (
        lambda: ReportFile.system.update(content=b"other"),
        lambda: ReportFile.system.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("quick")
def test_two_workers_at_once_make_the_files_once(report: AuditReport) -> None:
    making.order(report=report, stage=_STAGE.PROVIDED, now=world.NOW)

    made = at_once(
        lambda: making.make_owed_files(now=world.NOW), lambda: making.make_owed_files(now=world.NOW)
    )

    assert sorted(made) == [0, 1]
    assert ReportFile.system.count() == 6
