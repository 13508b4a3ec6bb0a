"""The work sheet of an operation at the two-factor system (ACC-12)."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.fulfilment.models import Operation
from portal.gateways.two_factor import Action, Order
from portal.two_factor import factory
from portal.two_factor.exchange import latest_row
from portal.two_factor.layout import FIELDS

ACTIONS = {
    Action.ADD: gettext_lazy("Add the person"),
    Action.CHANGE: gettext_lazy("Change the person"),
    Action.DISABLE: gettext_lazy("Disable the person"),
    Action.ENABLE: gettext_lazy("Enable the person again"),
    Action.REMOVE: gettext_lazy("Remove the person"),
}
_SHOWN = (
    "external_id",
    "login_name",
    "principal_name",
    "display_name",
    "kana",
    "department",
    "organisation_code",
    "organisation_name",
)


def rows_of(operation: Operation, order: Order) -> list[tuple[str, str]]:
    """Label and value pairs; no secret."""
    rows = [(_("What to do"), str(ACTIONS[order.action]))]
    for name in _SHOWN:
        value = getattr(order.person, name)
        if value:
            rows.append((str(FIELDS[name].label), value))
    rows.append((_("In use"), _("Yes") if order.person.enabled else _("No")))
    rows.append((_("Marker"), order.marker))
    if factory.uses_exchange():
        rows += _file_rows(operation)
    return rows


def _file_rows(operation: Operation) -> list[tuple[str, str]]:
    """A file that is on its way already: whoever does it by hand must know."""
    row = latest_row(operation)
    if row is None:
        return []
    where = (
        _("Batch %(number)s, row %(row)s") % {"number": row.batch.number, "row": row.position}
        if row.batch
        else ""
    )
    return [(_("File"), f"{where} {row.get_state_display()}".strip())]
