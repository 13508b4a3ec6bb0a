"""A list of dormant accounts as a table to be filled in: keep with a reason, or delete (ACC-14)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.dormancy.models import DormantLine
from portal.common.time import plain_moment
from portal.workflow.rounds.tables import AnswerTable

_KEEP, _DELETE = DormantLine.Answer.KEEP, DormantLine.Answer.DELETE


def answer_table(*, may_delete: bool) -> AnswerTable[DormantLine]:
    """The table of one organisation's list; only applicants may answer “delete”."""
    answers = [_KEEP, *([_DELETE] if may_delete else [])]
    return AnswerTable(
        key=(_("Login name"), lambda line: line.login_name),
        shown=[
            (_("Name"), lambda line: line.display_name),
            (_("Department"), lambda line: line.department),
            (_("Last logon"), lambda line: plain_moment(line.last_logon) or _("never")),
            (_("Last month's answer"), _previous),
        ],
        answer_label=_("Answer"),
        reason_label=_("Reason for keeping"),
        choices=[(str(answer.value), str(answer.label)) for answer in answers],
        said=lambda line: (line.answer, line.reason),
        is_over=lambda line: bool(line.left),
        reason_problem=_reason_problem,
        not_listed=_("This account is not in this list."),
        twice=_("This account is in the file twice. Leave one row."),
    )


def _previous(line: DormantLine) -> str:
    earlier = line.previous
    return f"{earlier.get_answer_display()} {earlier.reason}".strip() if earlier and earlier.answer else ""


def _reason_problem(line: DormantLine, answer: str, reason: str) -> str:
    return _("Write why the account is still needed.") if answer == _KEEP and not reason else ""
