"""A federation's inventory as a table to be filled in: keep, remove or missing, each with its reason (DEV-07)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from devices.inventory.deciding import reason_problem
from devices.inventory.models import InventoryLine
from portal.common.time import plain_moment
from portal.workflow.rounds.tables import AnswerTable


def answer_table(*, may_decide: bool) -> AnswerTable[InventoryLine]:
    """The table of one sheet; who may only apply may only answer “remove”."""
    decisions = list(InventoryLine.Decision) if may_decide else [InventoryLine.Decision.REMOVE]
    return AnswerTable(
        key=(_("Device number"), lambda line: line.number),
        shown=[
            (_("Kind of device"), lambda line: line.get_kind_display()),
            (_("Device"), lambda line: line.name),
            (_("User of the device"), lambda line: line.end_user),
            (_("Machines"), lambda line: line.computers),
            (_("Last used"), lambda line: plain_moment(line.last_used_at)),
            (_("Use"), lambda line: line.get_usage_display()),
            (_("Answer of the user"), _reply),
        ],
        answer_label=_("Decision"),
        reason_label=_("Reason"),
        choices=[(str(decision.value), str(decision.label)) for decision in decisions],
        said=lambda line: (line.decision, line.reason),
        is_over=lambda line: line.gone_at is not None,
        reason_problem=reason_problem,
        not_listed=_("This device is not in this inventory."),
        twice=_("This device is in the file twice. Leave one row."),
    )


def _reply(line: InventoryLine) -> str:
    return f"{line.get_reply_display()} {line.reply_text}".strip() if line.reply else ""
