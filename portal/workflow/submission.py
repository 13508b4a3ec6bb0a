"""Submission: everything is checked, the plan is frozen, the names are taken, the stages are made (ACC-03, ACC-06)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.orgs.models import User
from portal.workflow import kinds, records, routes, subjects
from portal.workflow.content import (
    CheckedLine,
    check_for_submission,
    content_hash,
    header_errors,
    line_path,
    snapshot,
)
from portal.workflow.drafts import current_data, require_editor, search_text
from portal.workflow.errors import ContentChanged, InvalidApplication
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import Application, ApplicationLine, Status
from portal.workflow.verbs import Verb

_FILLED = (
    "payload",
    "payload_version",
    "subject_key",
    "subject",
    "plan",
    "is_open",
    "reservation_key",
    "subjects",
)


def submit(*, application_id: int, actor: User, version: int | None, now: datetime) -> Application:
    """Check everything, freeze the plan of each line, take the names, make the stages and open the first.

    Targets are asked before the lock is taken; what was checked is what is submitted, or ContentChanged is raised.
    Raises InvalidApplication, NobodyCanDecide, NotAllowed, MoveNotAllowed, ContentChanged.
    """
    seen = Application.system.select_related("organisation", "applicant").get(pk=application_id)
    require_editor(seen, actor, now)
    if version is not None and version != seen.version:
        raise ContentChanged
    kind = kinds.get(seen.kind)
    lines = [current_data(kind, line) for line in seen.lines.all()]
    checked = check_for_submission(kind, seen, lines, actor=actor, today=today(now), now=now)
    return _submit_checked(application_id, seen.version, kind, checked, actor, now)


def submit_checked(
    draft: Application, checked: list[CheckedLine], *, actor: User, now: datetime
) -> Application:
    """Submit a draft whose lines were checked just before; the caller's transaction made it, so nobody changed it since.

    Raises InvalidApplication with every error of what the checks of lines do not see, and as `submit` does.
    """
    errors = header_errors(draft, today(now), now)
    if not checked:
        errors["lines"] = [_("Enter at least one line.")]
    if errors:
        raise InvalidApplication(errors)
    return _submit_checked(draft.pk, draft.version, kinds.get(draft.kind), checked, actor, now)


@transaction.atomic
def _submit_checked(
    application_id: int,
    version: int,
    kind: ApplicationKind[Any],
    checked: list[CheckedLine],
    actor: User,
    now: datetime,
) -> Application:
    application = records.lock(application_id)
    require_editor(application, actor, now)
    if application.version != version:  # changed while the targets were asked
        raise ContentChanged
    before = application.status
    if before != Status.DRAFT:
        application.revision += 1
    application.move_to(Status.IN_REVIEW)
    _take_names(application, kind, checked)
    content = _fill_header(application, kind, checked, now)
    stages = routes.make_stages(kind, application, now)
    asked = routes.open_stage(stages[0], taken=(), now=now)
    application.due_on = stages[0].due_on
    records.save(
        application,
        "status",
        "revision",
        "subject",
        "content_hash",
        "search_text",
        "submitted_at",
        "due_on",
        "line_count",
    )
    verb = Verb.SUBMITTED if before == Status.DRAFT else Verb.RESUBMITTED
    data = {"content": content, "content_hash": application.content_hash}
    records.record(application, verb, actor=actor, now=now, from_status=before, data=data)
    records.ask(application, stages[0], asked.values(), now)
    return application


def _fill_header(
    application: Application, kind: ApplicationKind[Any], checked: list[CheckedLine], now: datetime
) -> dict[str, Any]:
    """Set what the submission says about the whole application; gives the content as the history keeps it."""
    shown = [kind.subject(line.payload)[:200] for line in checked]
    terms = [term for line in checked for term in kind.search_terms(line.payload)]
    content = snapshot(
        kind=kind.code,
        organisation_code=application.organisation.code,
        reason=application.reason,
        desired_on=application.desired_on,
        lines=[line.data for line in checked],
        attachments=application.attachments.all(),
    )
    application.content_hash = content_hash(content)
    application.subject = shown[0]
    application.line_count = len(checked)
    application.search_text = search_text(application, shown, terms)
    application.submitted_at = now
    return content


def _take_names(application: Application, kind: ApplicationKind[Any], checked: list[CheckedLine]) -> None:
    """Store the checked lines with their plans and reserve what they name (ACC-06).

    What the application held before is let go first. Two applications with a name in common wait for each other here,
    so that neither holds what the other needs next. Raises InvalidApplication.
    """
    held = application.lines.filter(is_open=True).values_list("reservation_key", flat=True)
    wait_for_names({*held, *(line.reservation_key for line in checked)})
    subjects.wait_for(name for line in checked for name in subjects.refusing(kind, line.payload))
    _refuse_taken(application, kind, checked)
    application.lines.update(is_open=False)
    stored = {line.position: line for line in application.lines.all()}
    lines = [_filled(stored[position], kind, found) for position, found in enumerate(checked)]
    try:
        records.save_lines(lines, *_FILLED)
    except IntegrityError as error:
        if _constraint(error) != "line_reservation":
            raise
        raise InvalidApplication({"lines": [_taken_text()]}) from error


def _refuse_taken(application: Application, kind: ApplicationKind[Any], checked: list[CheckedLine]) -> None:
    """All names at once that other open applications hold. While we hold the names nobody else takes one."""
    names = [line.reservation_key for line in checked if line.reservation_key]
    others = ApplicationLine.system.filter(is_open=True, reservation_key__in=names)
    taken = set(others.exclude(application=application).values_list("reservation_key", flat=True))
    errors = {
        line_path(position, kind.reservation_field): [_taken_text()]
        for position, line in enumerate(checked)
        if line.reservation_key in taken
    }
    payloads = [line.payload for line in checked]
    for position, text in subjects.refusals(kind, application, payloads).items():
        errors.setdefault(line_path(position), []).append(text)
    if errors:
        raise InvalidApplication(errors)


def _taken_text() -> str:
    return _("Another application that is not finished yet already applies for this. Choose another one.")


def wait_for_names(names: set[str | None]) -> None:
    """Hold these names against other submissions until the end of the transaction, in one order everywhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM "
            "(SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(%s::text[]) AS name ORDER BY 1) AS keys",
            [sorted(filter(None, names))],
        )


def _filled(line: ApplicationLine, kind: ApplicationKind[Any], checked: CheckedLine) -> ApplicationLine:
    line.payload, line.payload_version = checked.data, kind.payload_version
    line.subject_key = kind.subject_key(checked.payload)
    line.subject = kind.subject(checked.payload)[:200]
    line.plan = checked.plan.to_json()
    line.is_open = True
    line.reservation_key = checked.reservation_key or None
    line.subjects = subjects.names_of(kind, checked.payload)
    return line


def _constraint(error: IntegrityError) -> str:
    diagnostics = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnostics, "constraint_name", "") or "")
