"""The columns of the work list of operations (ACC-12)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_moment, status_chip
from portal.fulfilment.models import Operation


def _link(operation: Operation) -> Any:
    address = reverse("operation_detail", args=[operation.pk])
    link = '<a class="u-mono u-nowrap" href="{}">{}<span class="u-vh"> {}</span></a>'
    return format_html(link, address, operation.application_number, operation.subject)


def _who(operation: Operation) -> Any:
    words = operation.subject, operation.organisation.short_name
    return format_html('<b>{}</b><span class="u-sub">{}</span>', *words)


def _status(operation: Operation) -> Any:
    chip = status_chip(operation.status, operation.get_status_display())
    if operation.taken_by is None:
        return chip
    return format_html('{}<br><span class="u-sub">{}</span>', chip, operation.taken_by.display_name)


def _age(operation: Operation) -> Any:
    if operation.is_scheduled:
        return short_moment(operation.not_before)
    return short_moment(operation.settled_at) if operation.settled_at else timesince(operation.created_at)


def _reason(operation: Operation) -> str:
    return str(_("waits for its date")) if operation.is_scheduled else operation.error_message


def _target(operation: Operation) -> str:
    return " ".join(filter(None, (operation.target_label, operation.step_label)))


OPERATIONS: Table[Operation] = tables.register(
    Table(
        name="operations",
        url_name="operation_list",
        columns=(
            Column(
                name="application",
                label=_("Application number"),
                text=lambda o: o.application_number,
                cell=_link,
            ),
            Column(name="number", label=_("Number"), text=lambda o: o.pk, default=False, css="u-num"),
            Column(name="subject", label=_("Subject"), text=lambda o: o.subject, cell=_who, css="who"),
            columns.organisation(default=False),
            Column(name="target", label=_("Target"), text=_target),
            Column(
                name="status",
                label=_("Status"),
                text=lambda o: o.get_status_display(),
                cell=_status,
                css="st",
            ),
            Column(name="reason", label=_("Why it waits"), text=_reason),
            columns.moment("created_at", _("Waiting since"), short=short_moment, default=False),
            Column(name="age", label=_("Age"), text=_age, css="u-nowrap"),
            Column(name="attempts", label=_("Attempts"), text=lambda o: o.attempts, css="u-num"),
            Column(
                name="taken_by",
                label=_("Taken by"),
                text=lambda o: o.taken_by.display_name if o.taken_by else "",
                default=False,
            ),
        ),
    )
)
