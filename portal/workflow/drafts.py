"""Drafts: what an applicant writes before it is submitted, after a return and after a pull-back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, Permission
from portal.workflow import kinds, people, records
from portal.workflow.content import Content, draft_subject, require_storable
from portal.workflow.errors import ContentChanged, InvalidApplication, MoveNotAllowed, NotAllowed
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import EDITABLE, Application, ApplicationLine, Status
from portal.workflow.numbers import next_number
from portal.workflow.verbs import Verb


@transaction.atomic
def create_draft(
    *, kind: str, organisation_id: int, actor: User, content: Content | None = None, now: datetime
) -> Application:
    """A new draft of `kind` for an organisation in which `actor` may apply.

    Raises InvalidApplication for an unknown kind (at "kind") or content that cannot be kept, NotAllowed when the person
    may not apply there or the organisation may not have this kind (ACC-15, ORG-06).
    """
    return _create(_known_kind(kind), organisation_id, actor, content or Content(), now)


@transaction.atomic
def copy(*, application_id: int, actor: User, now: datetime) -> Application:
    """A new draft of `actor` with the content of an earlier application, without its date and attachments.

    Raises NotAllowed when the person may not apply for that organisation.
    """
    source = Application.system.get(pk=application_id)
    kind = _known_kind(source.kind)
    lines = tuple(current_data(kind, line) for line in source.lines.all())
    content = Content(reason=source.reason, lines=lines)
    return _create(kind, source.organisation_id, actor, content, now, copied_from=source)


@transaction.atomic
def save_draft(
    *, application_id: int, actor: User, content: Content, version: int | None, now: datetime
) -> Application:
    """Keep what was written so far, complete or not; saving the same again changes nothing.

    Raises ContentChanged when `version` is not the stored one (None: do not compare), NotAllowed, MoveNotAllowed, and
    InvalidApplication for what cannot be kept.
    """
    application = records.lock(application_id)
    require_editor(application, actor, now)
    if version is not None and version != application.version:
        raise ContentChanged
    kind = _known_kind(application.kind)
    require_storable(kind, content)
    if not _differs(application, content):
        return application
    _keep(application, kind, content)
    records.save(application, "reason", "desired_on", "line_count", "subject", "search_text")
    records.record_action(application, "save", actor=actor, now=now)
    return application


def require_editor(application: Application, actor: User, now: datetime) -> None:
    """Only the applicant changes the content, while it is editable and they may still apply.

    Raises NotAllowed or MoveNotAllowed.
    """
    if application.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant can change this application."))
    require_may_apply(actor, application.organisation_id, now, kinds.applied_by(application.kind))
    if application.status not in EDITABLE:
        raise MoveNotAllowed(application.number, application.status, Status.DRAFT)


def require_may_apply(actor: User, organisation_id: int, now: datetime, by: Permission = APPLY) -> None:
    """Raises NotAllowed unless the person holds the applicant role there today, or what the kind asks for instead."""
    if not people.may_apply(actor, organisation_id, today(now), by):
        raise NotAllowed(
            _("You do not have the applicant role in this organisation. Ask its security manager for it.")
        )


def search_text(application: Application, subjects: list[str], terms: list[str]) -> str:
    """What the application is found by: number, subjects, the kind's terms, reason, applicant, organisation."""
    organisation, applicant = application.organisation, application.applicant
    words = [
        application.number,
        *subjects,
        *terms,
        application.reason,
        applicant.display_name,
        applicant.kana,
    ]
    return search_key(*words, organisation.short_name, organisation.code)


def _create(
    kind: ApplicationKind[Any],
    organisation_id: int,
    actor: User,
    content: Content,
    now: datetime,
    copied_from: Application | None = None,
) -> Application:
    require_may_apply(actor, organisation_id, now, kind.applied_by)
    organisation = Organisation.objects.get(pk=organisation_id)
    if organisation.kind not in kind.organisation_kinds:  # ACC-15, ORG-06
        raise NotAllowed(_("%(kind)s is not offered to this organisation.") % {"kind": kind.label})
    require_storable(kind, content)
    application = Application(
        number=next_number(kind.number_prefix, now),
        kind=kind.code,
        organisation=organisation,
        applicant=actor,
        copied_from=copied_from,
    )
    application.save()
    _keep(application, kind, content)
    application.save(update_fields=["reason", "desired_on", "line_count", "subject", "search_text"])
    data = {"copied_from": copied_from.number} if copied_from else {}
    records.record(application, Verb.CREATED, actor=actor, now=now, data=data)
    return application


def _keep(application: Application, kind: ApplicationKind[Any], content: Content) -> None:
    """Put the content into the application and its lines.

    Lines are changed in place: a returned application keeps the names it holds until it is submitted again (ACC-06).
    """
    stored = {line.position: line for line in application.lines.all()}
    subjects = [draft_subject(kind, line) for line in content.lines]
    lines = []
    for position, (data, subject) in enumerate(zip(content.lines, subjects, strict=True)):
        line = stored.get(position) or ApplicationLine(
            application=application, organisation_id=application.organisation_id, position=position
        )
        line.payload, line.payload_version, line.subject = data, kind.payload_version, subject
        lines.append(line)
    records.save_lines(lines, "payload", "payload_version", "subject")
    application.lines.filter(position__gte=len(lines)).delete()
    application.reason = content.reason
    application.desired_on = content.desired_on
    application.line_count = len(content.lines)
    application.subject = subjects[0] if subjects else ""
    application.search_text = search_text(application, subjects, [])


def _differs(application: Application, content: Content) -> bool:
    lines = [line.payload for line in application.lines.all()]
    return (application.reason, application.desired_on, lines) != (
        content.reason,
        content.desired_on,
        list(content.lines),
    )


def current_data(kind: ApplicationKind[Any], line: ApplicationLine) -> dict[str, Any]:
    """The line's content in the kind's present version."""
    if line.payload_version == kind.payload_version:
        return dict(line.payload)
    return kind.upgrade(dict(line.payload), line.payload_version)


def _known_kind(code: str) -> ApplicationKind[Any]:
    try:
        return kinds.get(code)
    except KeyError:
        raise InvalidApplication({"kind": [_("There is no such kind of application.")]}) from None
