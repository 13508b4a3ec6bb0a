"""How a report came to the applicant: by mail, read in the portal, or told by a colleague. Once is enough (REQ-12)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import TAKE_REPORTS
from portal.workflow import records
from portal.workflow.content import text_problem
from portal.workflow.errors import InvalidApplication, MoveNotAllowed, NotAllowed
from portal.workflow.models import Application
from portal.workflow.reports import selectors
from portal.workflow.reports.models import Reached, ResultReport
from portal.workflow.verbs import Verb

NOTE_LENGTH = 500


def note_sent(notice: Notice, now: datetime) -> None:
    """The mail server took the mail; in the transaction that records it."""
    on_its_way = ResultReport.system.filter(notice_id=notice.pk, reached_at=None)
    on_its_way.update(reached_at=now, reached_how=Reached.MAIL)


@transaction.atomic
def note_read(application: Application, *, reader: User, now: datetime) -> bool:
    """The applicant has the report before their eyes: it arrived, unless it had already. Costs others nothing."""
    report = application.report
    if report is None or report.reached_at is not None or reader.pk != report.recipient_id:
        return False
    on_its_way = ResultReport.system.filter(pk=report.pk, reached_at=None)
    values = {"reached_at": now, "reached_how": Reached.READ, "reached_by": reader}
    if not on_its_way.update(**values):
        report.refresh_from_db()
        return False
    for name, value in values.items():
        setattr(report, name, value)
    records.record_action(application, "report_read", actor=reader, now=now)
    return True


@transaction.atomic
def told(*, application_id: int, actor: User, note: str, now: datetime) -> Application:
    """Somebody of the same organisation has told the applicant, whom no mail reached.

    Raises NotAllowed; MoveNotAllowed when there is no report that waits, or its mail is still on its way; InvalidApplication
    for an unusable note.
    """
    note = note.strip()
    problem = text_problem(note, NOTE_LENGTH) if note else _("Write when and how the applicant was told.")
    if problem:
        raise InvalidApplication({"comment": [problem]})
    application = records.lock(application_id)
    if not may_tell(application, actor):
        raise NotAllowed(
            _("Another person of the applicant's organisation confirms that the applicant was told.")
        )
    report = selectors.stuck(ResultReport.system.filter(application=application))
    locked = report.select_for_update(of=("self",), no_key=True).first()
    if locked is None:
        raise MoveNotAllowed(application.number, application.status, application.status)
    locked.reached_at, locked.reached_how = now, Reached.TOLD
    locked.reached_by, locked.reached_note = actor, note
    locked.save(update_fields=["reached_at", "reached_how", "reached_by", "reached_note"])
    records.save(application)
    records.record(
        application, Verb.RESULT_TOLD, actor=actor, now=now, from_status=application.status, comment=note
    )
    return application


def may_tell(application: Application, person: User) -> bool:
    """Whether the person works where the applicant does, and is somebody else."""
    return person.pk != application.applicant_id and person.may(TAKE_REPORTS, application.organisation_id)
