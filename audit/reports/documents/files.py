"""The files of a report: PDF/A with charts, signed and time-stamped; CSV and Excel with the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import translation

from audit.reconciliation.assurance import Assurance
from audit.reconciliation.models import LogKind
from audit.reports.documents.charts import day_chart, finding_chart
from audit.reports.documents.content import Content, Line, Reason
from audit.reports.models import ReportFile
from portal.common import xlsx
from portal.common.csvfile import safe_cell
from portal.common.workbook import begin_sheet, safe_value
from portal.documents.pdf import ARCHIVE, render_pdf

_FORMAT = ReportFile.Format
_TEMPLATE = "documents/audit_report.html"
_BOM = "\ufeff"
_NO_GAP_SEEN = "不定期のため判定できません"


@dataclass(frozen=True, kw_only=True)
class MadeFile:
    """A file before it is kept."""

    log_kind: LogKind
    format: str
    name: str
    content: bytes


def make_files(content: Content, checkpoint: str) -> list[MadeFile]:
    """PDF, CSV and Excel file of this content; `checkpoint` of the evidence log is printed on each page of the PDF.

    Raises PdfUnavailable and SigningUnavailable; nothing is made by halves.
    """
    made = {
        _FORMAT.PDF: signed_pdf(content, checkpoint),
        _FORMAT.CSV: csv_bytes(content),
        _FORMAT.XLSX: workbook_bytes(content),
    }
    return [
        MadeFile(
            log_kind=content.log_kind,
            format=kind.value,
            name=f"{content.file_stem}.{kind.value.lower()}",
            content=data,
        )
        for kind, data in made.items()
    ]


def signed_pdf(content: Content, checkpoint: str) -> bytes:
    """The report as PDF/A, signed. Raises PdfUnavailable and SigningUnavailable."""
    from portal.documents.signing import sign_pdf  # heavy; most processes never sign

    return sign_pdf(
        pdf(content, checkpoint), reason=f"{content.title} {content.month:%Y-%m} {content.stage_label}"
    )


def pdf(content: Content, checkpoint: str) -> bytes:
    """The report as PDF/A, not signed yet. Raises PdfUnavailable."""
    return render_pdf(_TEMPLATE, context_of(content, checkpoint), variant=ARCHIVE)


def context_of(content: Content, checkpoint: str) -> dict[str, Any]:
    """What the template shows."""
    missing = [each for each in content.coverage if each.days_missing]
    return {
        "content": content,
        "is_takeout": content.log_kind == LogKind.TAKEOUT,
        "checkpoint": checkpoint,
        "digest": content.digest,
        "findings": finding_chart(content),
        "days": day_chart(content),
        "incomplete": missing,
        "irregular": [each for each in content.coverage if each.is_irregular],
        "rows_differing": sum(line.row_count for line in content.mismatches),
        "rows_fitting": sum(line.row_count for line in content.fitting),
    }


def csv_bytes(content: Content) -> bytes:
    """Every line of the report, first what differs, as CSV for Excel in Japan (UTF-8 with BOM)."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in _rows(content):
        writer.writerow([safe_cell(cell) for cell in row])
    return (_BOM + text.getvalue()).encode()


def workbook_bytes(content: Content) -> bytes:
    """The same lines as an Excel workbook, with the coverage of the logs on a second sheet."""
    book = xlsx.Workbook(write_only=True)
    rows = _rows(content)
    sheet = begin_sheet(book, content.title, next(rows))
    for row in rows:
        sheet.append([safe_value(sheet, cell) for cell in row])
    coverage = begin_sheet(book, "ログの収集状況", ["機器", "記録のある日数", "記録のない日"])
    for each in content.coverage:
        missing = _NO_GAP_SEEN if each.is_irregular else "、".join(each.days_missing)
        cells = [each.host, each.days_with_rows, missing]
        coverage.append([safe_value(coverage, cell) for cell in cells])
    if not content.coverage:
        coverage.append(["収集対象の機器が登録されていません", "", ""])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _rows(content: Content) -> Iterator[list[Any]]:
    """The headings, every session, and where none differs what that is worth (AUD-10)."""
    with translation.override("ja"):
        yield [
            *(
                "No.",
                "区分",
                "判定",
                "開始",
                "終了",
                "機器",
                "アカウント",
                "接続元",
                "対象",
                "操作",
                "件数",
                "量",
            ),
            *(
                "媒体",
                "媒体の許可",
                "管理番号",
                "中央会の理由",
                "中央会の説明",
                "連合会の理由",
                "連合会の説明",
            ),
        ]
        for section, lines in (("不一致", content.mismatches), ("作業と一致", content.fitting)):
            for line in lines:
                yield _row(section, line)
        if not content.mismatches and content.assurance != Assurance.WHOLE:
            yield ["", "ログの収集状況", content.assurance.label]


def _row(section: str, line: Line) -> list[Any]:
    return [
        *(line.number, section, line.finding, f"{line.first_at:%Y-%m-%d %H:%M:%S}"),
        *(f"{line.last_at:%Y-%m-%d %H:%M:%S}", line.host, line.account, line.client, line.object_name),
        *(line.actions, line.row_count, line.volume, line.medium_serial, line.medium, line.work_number),
        *(*_reason(line.central), *_reason(line.federation)),
    ]


def _reason(reason: Reason | None) -> tuple[str, str]:
    return (reason.label, reason.text) if reason else ("", "")
