"""What the applicant does with a submitted application: pull it back (引戻し) or withdraw it (取下げ)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.orgs.models import User
from portal.workflow import kinds, people, records
from portal.workflow.content import require_comment
from portal.workflow.decisions import cancel_stages
from portal.workflow.errors import MoveNotAllowed, NotAllowed
from portal.workflow.models import Application, StageStatus, Status
from portal.workflow.verbs import Verb


@transaction.atomic
def pull_back(*, application_id: int, actor: User, now: datetime) -> Application:
    """Take an application back to change it, until somebody decided a stage of this revision.

    Raises NotAllowed for anybody but the applicant, MoveNotAllowed when it is too late.
    """
    application = records.lock(application_id)
    if application.applicant_id != actor.pk or not people.may_apply(
        actor, application.organisation_id, today(now), kinds.applied_by(application.kind)
    ):
        raise NotAllowed(_("Only the applicant can pull this application back."))
    if application.status != Status.IN_REVIEW or _somebody_decided(application):
        raise MoveNotAllowed(application.number, application.status, Status.PULLED_BACK)
    asked = _asked(application, now)
    _end_review(application, Status.PULLED_BACK)
    records.record(application, Verb.PULLED_BACK, actor=actor, now=now, from_status=Status.IN_REVIEW)
    records.tell(application, "application_withdrawn", asked, now, pulled_back=True)
    return application


@transaction.atomic
def withdraw(*, application_id: int, actor: User, comment: str, now: datetime) -> Application:
    """End an application that is not approved yet and free the names it holds (ACC-06).

    The applicant does it; when they are gone, anybody who may apply for the organisation. Raises NotAllowed,
    MoveNotAllowed, and InvalidApplication for an unusable comment.
    """
    comment = require_comment(comment, required=False)
    application = records.lock(application_id)
    if not may_withdraw(application, actor, today(now)):
        raise NotAllowed(_("Only the applicant can withdraw this application."))
    before = application.status
    asked = _asked(application, now)
    _end_review(application, Status.WITHDRAWN)
    application.lines.update(is_open=False)
    records.record(application, Verb.WITHDRAWN, actor=actor, now=now, from_status=before, comment=comment)
    records.tell(application, "application_withdrawn", asked, now)
    return application


def may_withdraw(application: Application, person: User, day: date) -> bool:
    """Whether the person is the applicant, or may stand in because the applicant cannot act any more."""
    organisation_id, by = application.organisation_id, kinds.applied_by(application.kind)
    if application.applicant_id == person.pk:
        return people.may_apply(person, organisation_id, day, by)
    gone = not people.may_apply(application.applicant, organisation_id, day, by)
    return gone and people.may_apply(person, organisation_id, day)


def _somebody_decided(application: Application) -> bool:
    return application.stages.filter(revision=application.revision, decided_at__isnull=False).exists()


def _asked(application: Application, now: datetime) -> list[User]:
    """The people whose decision is not needed any more."""
    stages = list(application.stages.select_related("organisation"))
    stage = next((stage for stage in stages if stage.status == StageStatus.OPEN), None)
    if stage is None:
        return []
    return list(people.deciders(stage, today(now), people.taken_in(stages, application.revision)).values())


def _end_review(application: Application, status: Status) -> None:
    application.move_to(status)
    application.due_on = None
    cancel_stages(application)
    records.save(application, "status", "due_on")
