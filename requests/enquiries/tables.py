"""The columns of the list of enquiries."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import JST
from requests.enquiries.models import Enquiry

ENQUIRIES: Table[Enquiry] = tables.register(
    Table(
        name="enquiries",
        url_name="enquiry_list",
        columns=(
            Column(
                name="number",
                label=_("Number"),
                text=lambda r: r.number,
                cell=lambda r: link("enquiry", r.number, r.number),
            ),
            Column(
                name="subject", label=pgettext_lazy("enquiry", "Subject"), text=lambda r: r.subject, css="who"
            ),
            Column(
                name="state",
                label=_("State"),
                text=lambda r: r.get_state_display(),
                cell=lambda r: status_chip(r.state, r.get_state_display()),
                css="st",
            ),
            Column(name="category", label=_("Category"), text=lambda r: r.get_category_display()),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda r: r.organisation.name,
                cell=lambda r: r.organisation.short_name,
            ),
            Column(name="asker", label=_("Asker"), text=lambda r: r.asker.display_name),
            Column(name="desk", label=_("Answered by"), text=lambda r: r.get_desk_display(), default=False),
            Column(
                name="assigned_to",
                label=_("Assigned to"),
                text=lambda r: r.assigned_to.display_name if r.assigned_to else "",
            ),
            Column(
                name="due_on",
                label=pgettext_lazy("enquiry", "To be answered until"),
                text=lambda r: r.due_on.isoformat() if r.state == Enquiry.State.OPEN else "",
                cell=lambda r: short_date(r.due_on) if r.state == Enquiry.State.OPEN else "",
                css="u-num u-nowrap",
            ),
            Column(
                name="asked_at",
                label=pgettext_lazy("enquiry", "Asked"),
                text=lambda r: f"{r.asked_at.astimezone(JST):%Y-%m-%d %H:%M}",
                cell=lambda r: short_date(r.asked_at),
                default=False,
                css="u-num u-nowrap",
            ),
        ),
    )
)
