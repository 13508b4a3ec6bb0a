"""From the answer "delete" to the delete application: a draft of whoever answered, who reads and submits it (ACC-14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.dormancy.models import DormantLine, DormantReview
from portal.orgs.models import User
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind
from portal.workflow.rounds import drafts
from portal.workflow.rounds.answers import InvalidAnswer

# By DormantLine.is_administrator: the kind of application that deletes such an account.
KINDS: dict[bool, str] = {False: "accounts.delete", True: "accounts.admin_delete"}


def kind_for(line: DormantLine) -> ApplicationKind[Any] | None:
    """The kind that deletes this account; None when the portal has none or its organisation may not have it."""
    known = {kind.code: kind for kind in kinds.kinds_for(line.organisation)}
    return known.get(KINDS[line.is_administrator])


def open_for(review: DormantReview, lines: Sequence[DormantLine], *, actor: User, now: datetime) -> None:
    """Put the accounts into delete drafts of `actor` and link them; in the caller's transaction, under the list's lock.

    The caller saves the lines. Raises workflow's NotAllowed when the person may not apply there.
    """
    month = {"month": f"{review.run.period:%Y-%m}"}
    reason = _("Not used for half a year: our answer to the list of %(month)s.") % month
    for is_administrator in (False, True):
        group = [line for line in lines if line.is_administrator == is_administrator]
        if not group:
            continue
        kind = kind_for(group[0])
        if kind is None:
            raise InvalidAnswer({"answer": _("The portal has no application that deletes these accounts.")})
        drafts.put_in(
            group,
            kind=kind,
            field="login_name",
            siblings=review.lines.all(),
            reason=reason,
            actor=actor,
            now=now,
        )


def take_out(line: DormantLine, *, actor: User, now: datetime) -> str:
    """Undo `open_for` for one line whose answer changes: "" when done, else the sentence why it cannot be."""
    return drafts.take_out(
        line,
        field="login_name",
        submitted=_("Application %(number)s deletes this account already. Withdraw it first."),
        others=_("%(person)s has written the delete application %(number)s. Ask them."),
        actor=actor,
        now=now,
    )
