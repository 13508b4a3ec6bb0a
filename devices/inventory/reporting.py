"""The closing report: what was found in a campaign, federation by federation, naming every row that nobody decided (DEV-07)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices.inventory import selectors
from devices.inventory.models import InventoryCampaign, InventoryLine
from devices.inventory.selectors import ReportRow
from portal.common.time import today
from portal.documents.pdf import render_pdf
from portal.orgs.models import User

_DECISION = InventoryLine.Decision


@dataclass(frozen=True, kw_only=True)
class Section:
    """One federation of the report."""

    row: ReportRow
    open: list[InventoryLine]  # nobody decided
    missing: list[InventoryLine]
    removing: list[InventoryLine]


def context_of(user: User, campaign: InventoryCampaign, code: str, now: datetime) -> dict[str, Any]:
    """What the report shows of what this person sees; with `code` of one federation only. Four statements."""
    report = selectors.report(user, campaign, today(now))
    rows = [row for row in report.rows if not code or row.sheet.organisation.code == code]
    rows.sort(key=lambda row: (row.sheet.organisation.sort_order, row.sheet.organisation.code))
    found: dict[tuple[int, str], list[InventoryLine]] = defaultdict(list)
    lines = selectors.lines(user).filter(sheet__in=[row.sheet.pk for row in rows], gone_at=None)
    for line in lines.exclude(decision=_DECISION.KEEP).order_by("number"):
        found[line.sheet_id, line.decision].append(line)
    sections = [
        Section(
            row=row,
            open=found[row.sheet.pk, ""],
            missing=found[row.sheet.pk, _DECISION.MISSING],
            removing=found[row.sheet.pk, _DECISION.REMOVE],
        )
        for row in rows
    ]
    return {
        "campaign": campaign,
        "sections": sections,
        "total": report.total if not code else (rows[0].counts if rows else selectors.Counts()),
        "late": [row for row in rows if row.is_late],
        "is_country": not code and len(rows) > 1,
        "now": now,
        "person": user,
    }


def pdf(user: User, campaign: InventoryCampaign, code: str, now: datetime) -> bytes:
    """The report as a PDF. Raises PdfUnavailable."""
    return render_pdf("documents/inventory.html", context_of(user, campaign, code, now))
