"""From an answer to the application that it asks for: a draft of whoever answered, who reads and submits it.

One draft for each list, person and kind takes in all lines, until the kind's number of lines is reached. A line names its
subject in the field that the payload names it in; everything happens in the caller's transaction, under the list's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import Application, Status

# The application came to an end and what it was about is still there: the line is to be answered again.
WITHOUT_RESULT = frozenset({Status.WITHDRAWN, Status.REJECTED, Status.NOT_DONE})


def put_in(
    lines: Sequence[Any],
    *,
    kind: ApplicationKind[Any],
    field: str,
    siblings: QuerySet[Any],
    reason: str,
    actor: User,
    now: datetime,
) -> None:
    """Put the subjects of these lines into drafts of `actor` and link them; the caller saves the lines.

    `siblings` are all lines of the list: a draft that the person has begun for them grows. Raises NotAllowed when the person
    may not apply there.
    """
    waiting = list(lines)
    draft = _begun(kind, siblings, actor)
    while waiting:
        kept = _payloads(draft) if draft is not None else []
        room = kind.max_lines - len(kept)
        taken, waiting = waiting[:room], waiting[room:]
        if taken:
            payloads = [*kept, *({field: getattr(line, field)} for line in taken)]
            if draft is not None:
                draft = _save(draft, payloads, actor, now)
            else:
                draft = services.create_draft(
                    kind=kind.code,
                    organisation_id=taken[0].organisation_id,
                    actor=actor,
                    content=Content(reason=reason, lines=tuple(payloads)),
                    now=now,
                )
            for line in taken:
                line.application = draft
        if waiting:
            draft = None


def take_out(line: Any, *, field: str, submitted: str, others: str, actor: User, now: datetime) -> str:
    """Undo `put_in` for one line whose answer changes: "" when done, else the sentence why it cannot be.

    `submitted` names the %(number)s of an application on its way, `others` also the %(person)s whose draft it is.
    """
    application = Application.system.select_for_update(no_key=True).get(pk=line.application_id)
    if application.status not in WITHOUT_RESULT:
        if application.status != Status.DRAFT:
            return submitted % {"number": application.number}
        if application.applicant_id != actor.pk:
            return others % {"number": application.number, "person": application.applicant.display_name}
        subject = getattr(line, field).lower()
        left = [data for data in _payloads(application) if str(data.get(field, "")).lower() != subject]
        if left:
            _save(application, left, actor, now)
        else:
            services.withdraw(application_id=application.pk, actor=actor, comment="", now=now)
    line.application = None
    return ""


def _begun(kind: ApplicationKind[Any], siblings: QuerySet[Any], actor: User) -> Application | None:
    """The draft that this person has begun; locked, because it is about to grow."""
    rows = Application.system.filter(
        pk__in=siblings.exclude(application=None).values("application_id"),
        applicant=actor,
        kind=kind.code,
        status=Status.DRAFT,
    )
    return rows.select_for_update(no_key=True).order_by("pk").last()


def _save(draft: Application, payloads: list[dict[str, Any]], actor: User, now: datetime) -> Application:
    content = Content(reason=draft.reason, desired_on=draft.desired_on, lines=tuple(payloads))
    return services.save_draft(application_id=draft.pk, actor=actor, content=content, version=None, now=now)


def _payloads(draft: Application) -> list[dict[str, Any]]:
    return [dict(line.payload) for line in draft.lines.all()]
