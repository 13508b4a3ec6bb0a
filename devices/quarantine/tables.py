"""The columns of the list of quarantine results."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from devices.computers.models import Agent, Computer
from devices.quarantine.models import Grace, Inspection, QuarantineStatus
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import JST


def status(computer: Computer) -> QuarantineStatus | None:
    """The newest result; None before the first."""
    return getattr(computer, "quarantine", None)


def grace_text(grace: Grace) -> str:
    """How long something may still be missing, in words (T 2-43)."""
    what = Inspection(grace.test).label
    values = {"what": what, "days": grace.days_left, "day": short_date(grace.last_day)}
    if grace.is_over:
        return gettext("%(what)s: grace over since %(day)s") % values
    return gettext("%(what)s: %(days)d more days (until %(day)s)") % values


def _link(computer: Computer) -> Any:
    return link("computer_detail", computer.uid, computer.name)


def _result(computer: Computer) -> str:
    found = status(computer)
    return found.get_result_display() if found else gettext("no result yet")


def _result_chip(computer: Computer) -> Any:
    found = status(computer)
    return status_chip(found.result if found else "NEVER", _result(computer))


def _agent(computer: Computer) -> str:
    """As imported; before the first import as the register of machines says (MAC-03)."""
    found = status(computer)
    has = found.has_agent if found and found.has_agent is not None else Agent.QUARANTINE in computer.agents
    return "○" if has else "×"


def _checked(computer: Computer) -> str:
    found = status(computer)
    return f"{found.checked_at.astimezone(JST):%Y-%m-%d %H:%M}" if found else ""


def _failed(computer: Computer) -> str:
    found = status(computer)
    return "、".join(found.failed_labels) if found else ""


def graces(computer: Computer) -> list[str]:
    """Each grace in words."""
    found = status(computer)
    return [grace_text(grace) for grace in found.graces(timezone.now())] if found else []


def _entries(computer: Computer) -> str:
    return "、".join(f"{e.shown_mac} {e.ip}" for e in computer.live_entries)  # type: ignore[attr-defined]


def _entry_links(computer: Computer) -> Any:
    entries = computer.live_entries  # type: ignore[attr-defined]
    if not entries:
        return gettext("no entry")
    rows = ((reverse("whitelist_entry", args=[e.uid]), e.shown_mac, e.ip) for e in entries)
    return format_html_join(
        " ", '<a class="u-mono u-nowrap" href="{}">{}</a> <span class="u-sub u-mono u-nowrap">{}</span>', rows
    )


QUARANTINE: Table[Computer] = tables.register(
    Table(
        name="quarantine",
        url_name="quarantine_list",
        columns=(
            Column(name="name", label=_("Computer name"), text=lambda c: c.name, cell=_link),
            columns.organisation(),
            Column(name="entry", label=_("Whitelist entry"), text=_entries, cell=_entry_links),
            Column(name="agent", label=_("Quarantine agent"), text=_agent),
            Column(name="result", label=_("Result"), text=_result, cell=_result_chip, css="st"),
            Column(
                name="checked_at",
                label=_("Last check"),
                text=_checked,
                cell=lambda c: short_date(found.checked_at) if (found := status(c)) else "",
                css="u-num u-nowrap",
            ),
            Column(name="failed", label=_("Not fit because of"), text=_failed),
            Column(name="grace", label=_("Grace"), text=lambda c: "、".join(graces(c))),
            Column(name="department", label=_("Department"), text=lambda c: c.department, default=False),
        ),
    )
)
