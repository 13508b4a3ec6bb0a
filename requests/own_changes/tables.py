"""The columns of the register of own changes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from requests.own_changes.layout import in_words
from requests.own_changes.models import OwnChange

OWN_CHANGES: Table[OwnChange] = tables.register(
    Table(
        name="own_changes",
        url_name="own_change_list",
        columns=(
            Column(
                name="number",
                label=_("Number"),
                text=lambda c: c.number,
                cell=lambda c: link("own_change", c.number, c.number),
                reads=("number",),
            ),
            Column(
                name="subject",
                label=_("What was changed"),
                text=lambda c: c.get_subject_display(),
                reads=("subject",),
            ),
            Column(name="equipment", label=_("Equipment"), text=lambda c: c.equipment, reads=("equipment",)),
            Column(name="item", label=_("Port or policy"), text=lambda c: c.item, reads=("item",)),
            Column(
                name="before",
                label=_("Before"),
                text=lambda c: in_words(c.subject, c.before),
                reads=("before", "subject"),
            ),
            Column(
                name="after",
                label=_("After"),
                text=lambda c: in_words(c.subject, c.after),
                reads=("after", "subject"),
            ),
            Column(
                name="system_name",
                label=_("Name of the 独自処理システム"),
                text=lambda c: c.system_name,
                default=False,
                reads=("system_name",),
            ),
            columns.organisation(),
            columns.moment("changed_at", _("Changed on")),
            Column(
                name="changed_by", label=_("Who did it"), text=lambda c: c.changed_by, reads=("changed_by",)
            ),
            columns.moment("recorded_at", _("Recorded on"), default=False),
            Column(
                name="reason", label=_("Reason"), text=lambda c: c.reason, default=False, reads=("reason",)
            ),
        ),
    )
)
