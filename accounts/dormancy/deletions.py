"""From the answer "delete" to the delete application: a draft of whoever answered, who reads and submits it (ACC-14).

One draft for each list, person and kind takes in all accounts to delete, until the kind's number of lines is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.dormancy.errors import InvalidAnswer
from accounts.dormancy.models import DormantLine, DormantReview
from portal.orgs.models import User
from portal.workflow import kinds, services
from portal.workflow.content import Content
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import Application, Status

# By DormantLine.is_administrator: the kind of application that deletes such an account.
KINDS: dict[bool, str] = {False: "accounts.delete", True: "accounts.admin_delete"}
# The application came to an end and the account is still there: the answer is asked for again.
WITHOUT_RESULT = frozenset({Status.WITHDRAWN, Status.REJECTED, Status.NOT_DONE})


def kind_for(line: DormantLine) -> ApplicationKind[Any] | None:
    """The kind that deletes this account; None when the portal has none or its organisation may not have it."""
    known = {kind.code: kind for kind in kinds.kinds_for(line.organisation)}
    return known.get(KINDS[line.is_administrator])


def open_for(review: DormantReview, lines: Sequence[DormantLine], *, actor: User, now: datetime) -> None:
    """Put the accounts into delete drafts of `actor` and link them; in the caller's transaction, under the list's lock.

    The caller saves the lines. Raises workflow's NotAllowed when the person may not apply there.
    """
    for is_administrator in (False, True):
        group = [line for line in lines if line.is_administrator == is_administrator]
        if not group:
            continue
        kind = kind_for(group[0])
        if kind is None:
            raise InvalidAnswer({"answer": _("The portal has no application that deletes these accounts.")})
        _fill(kind, review, group, actor, now)


def take_out(line: DormantLine, *, actor: User, now: datetime) -> str:
    """Undo `open_for` for one line whose answer changes: "" when done, else the sentence why it cannot be."""
    assert line.application_id is not None
    application = Application.system.select_for_update(no_key=True).get(pk=line.application_id)
    number = application.number
    if application.status not in WITHOUT_RESULT:
        if application.status != Status.DRAFT:
            return _("Application %(number)s deletes this account already. Withdraw it first.") % {
                "number": number
            }
        if application.applicant_id != actor.pk:
            return _("%(person)s has written the delete application %(number)s. Ask them.") % {
                "person": application.applicant.display_name,
                "number": number,
            }
        _remove(application, line, actor, now)
    line.application = None
    return ""


def _fill(
    kind: ApplicationKind[Any],
    review: DormantReview,
    lines: Sequence[DormantLine],
    actor: User,
    now: datetime,
) -> None:
    waiting = list(lines)
    draft = _open_draft(kind, review, actor)
    while waiting:
        kept = _payloads(draft) if draft is not None else []
        taken, waiting = waiting[: kind.max_lines - len(kept)], waiting[kind.max_lines - len(kept) :]
        if taken:
            added = [{"login_name": line.login_name} for line in taken]
            draft = _write(kind, review, draft, [*kept, *added], actor, now)
            for line in taken:
                line.application = draft
        if waiting:
            draft = None


def _open_draft(kind: ApplicationKind[Any], review: DormantReview, actor: User) -> Application | None:
    """The draft that this person has begun for this list and kind; locked, because it is about to grow."""
    rows = Application.system.filter(
        pk__in=review.lines.exclude(application=None).values("application_id"),
        applicant=actor,
        kind=kind.code,
        status=Status.DRAFT,
    )
    return rows.select_for_update(no_key=True).order_by("pk").last()


def _write(
    kind: ApplicationKind[Any],
    review: DormantReview,
    draft: Application | None,
    payloads: list[dict[str, Any]],
    actor: User,
    now: datetime,
) -> Application:
    if draft is None:
        reason = _("Not used for half a year: our answer to the list of %(month)s.") % {
            "month": f"{review.run.period:%Y-%m}"
        }
        content = Content(reason=reason, lines=tuple(payloads))
        return services.create_draft(
            kind=kind.code,
            organisation_id=review.organisation_id,
            actor=actor,
            content=content,
            now=now,
        )
    return _save(draft, payloads, actor, now)


def _remove(draft: Application, line: DormantLine, actor: User, now: datetime) -> None:
    name = line.login_name.lower()
    left = [data for data in _payloads(draft) if str(data.get("login_name", "")).lower() != name]
    if left:
        _save(draft, left, actor, now)
    else:
        services.withdraw(application_id=draft.pk, actor=actor, comment="", now=now)


def _save(draft: Application, payloads: list[dict[str, Any]], actor: User, now: datetime) -> Application:
    content = Content(reason=draft.reason, desired_on=draft.desired_on, lines=tuple(payloads))
    return services.save_draft(application_id=draft.pk, actor=actor, content=content, version=None, now=now)


def _payloads(draft: Application) -> list[dict[str, Any]]:
    return [dict(line.payload) for line in draft.lines.all()]
