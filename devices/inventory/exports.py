"""The rows of the downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from devices.inventory.models import InventoryLine
from devices.inventory.selectors import Report
from portal.common.time import plain_moment


def line_header() -> list[str]:
    """The columns of a sheet."""
    return [
        _("Device number"),
        _("Kind of device"),
        _("Device"),
        _("User of the device"),
        _("Machines"),
        _("Registered in SKYSEA"),
        _("Last used"),
        _("Usage as of"),
        _("Use"),
        _("Label scanned"),
        _("Answer of the user"),
        _("Decision"),
        _("Reason"),
        _("Decided by"),
        _("Decided on"),
        _("Removal application"),
        _("Remark"),
    ]


def line_rows(lines: Iterable[InventoryLine]) -> Iterator[list[Any]]:
    """One row for each device."""
    for line in lines:
        yield [
            line.number,
            line.get_kind_display(),
            line.name,
            line.end_user,
            line.computers,
            plain_moment(line.registered_at),
            plain_moment(line.last_used_at),
            plain_moment(line.usage_as_of),
            line.get_usage_display(),
            plain_moment(line.seen_at),
            f"{line.get_reply_display()} {line.reply_text}".strip() if line.reply else "",
            line.get_decision_display() if line.decision else "",
            line.reason,
            line.decided_by.display_name if line.decided_by else "",
            plain_moment(line.decided_at),
            line.application.number if line.application else "",
            _("ended meanwhile") if line.gone_at and not line.decision else "",
        ]


def report_header() -> list[str]:
    """The columns of a campaign."""
    return [
        _("Code"),
        _("Organisation"),
        _("Devices"),
        _("used recently"),
        _("not used"),
        _("never used"),
        _("use not known"),
        _("kept"),
        _("to be removed"),
        _("missing"),
        _("ended meanwhile"),
        _("not decided"),
        _("Status"),
        _("Late"),
    ]


def report_rows(report: Report) -> Iterator[list[Any]]:
    """One row for each federation."""
    for row in report.rows:
        counts, organisation = row.counts, row.sheet.organisation
        yield [
            organisation.code,
            organisation.name,
            counts.total,
            counts.recent,
            counts.unused,
            counts.never,
            counts.unknown,
            counts.kept,
            counts.removing,
            counts.missing,
            counts.gone,
            counts.waiting,
            row.sheet.get_status_display(),
            _("yes") if row.is_late else "",
        ]
