"""What every step on an application shares: the lock, the history, the trail and the mail, in one transaction (SEC-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail import services as trail
from portal.workflow.models import Application, ApplicationEvent, ApplicationLine, ApprovalStage
from portal.workflow.verbs import Verb


def lock(application_id: int) -> Application:
    """The application with its row locked until the end of the transaction; every change begins here.

    Raises Application.DoesNotExist. The lock is the weaker FOR NO KEY UPDATE, so that rows pointing here can be added.
    """
    rows = Application.system.select_for_update(no_key=True, of=("self",)).select_related(
        "organisation", "applicant"
    )
    return rows.get(pk=application_id)


def save(application: Application, *fields: str) -> None:
    """Store the changed fields and raise the version."""
    application.version += 1
    application.save(update_fields=[*fields, "version", "updated_at"])


def save_lines(lines: list[ApplicationLine], *fields: str) -> None:
    """Store new and changed lines of one application in one statement, however many there are (ACC-13).

    Raises django.db.IntegrityError when a line would hold what another open application holds.
    """
    if lines:
        ApplicationLine.system.bulk_create(
            lines, update_conflicts=True, unique_fields=["application", "position"], update_fields=fields
        )


def record(
    application: Application,
    verb: Verb,
    *,
    actor: User | None,
    now: datetime,
    from_status: str = "",
    acted_for: User | None = None,
    comment: str = "",
    data: dict[str, Any] | None = None,
) -> ApplicationEvent:
    """Write the step into the history and the trail; without an actor the portal itself took it."""
    event = ApplicationEvent.system.create(
        application=application,
        organisation_id=application.organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        acted_for=acted_for,
        verb=verb,
        from_status=from_status,
        to_status=application.status,
        revision=application.revision,
        comment=comment,
        data=data or {},
    )
    detail = {"acted_for": acted_for.login_name} if acted_for else {}
    record_action(application, verb.lower(), actor=actor, now=now, detail=detail)
    return event


def record_action(
    application: Application,
    action: str,
    *,
    actor: User | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write an action into the trail that is no step of the history, such as saving a draft."""
    trail.record(
        action=f"application.{action}",
        now=now,
        actor=actor,
        object_type="application",
        object_id=application.pk,
        object_label=application.number,
        object_organisation_id=application.organisation_id,
        detail=detail,
    )


def ask(
    application: Application,
    stage: ApprovalStage,
    people: Iterable[User],
    now: datetime,
    *,
    reminder: bool = False,
) -> None:
    """Mail everybody who can decide the stage (ACC-04)."""
    context: dict[str, Any] = {
        "stage_label": stage.label,
        "due_on": stage.due_on.isoformat() if stage.due_on else "",
        "revision": application.revision,
    }
    if reminder:
        context["reminder"] = True
    for person in people:
        _queue(application, "approval_request", person, now, context)


def tell(
    application: Application, template: str, people: Iterable[User], now: datetime, **context: Any
) -> None:
    """Mail people about the application; ids and numbers only in the context."""
    for person in people:
        _queue(application, template, person, now, context)


def tell_one(
    application: Application, template: str, person: User, now: datetime, **context: Any
) -> Notice | None:
    """Mail one person as `tell` does; None when they have no mail address."""
    return _queue(application, template, person, now, context)


def _queue(
    application: Application, template: str, person: User, now: datetime, context: dict[str, Any]
) -> Notice | None:
    return notices.queue(
        template=template,
        now=now,
        organisation_id=application.organisation_id,
        to_user=person,
        application_number=application.number,
        context=context,
    )
