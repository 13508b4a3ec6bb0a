"""Everything that changes an application. All functions take keywords only, with the `actor` and the moment `now`.

Errors are those of portal.workflow.errors. Each function is one transaction of its own.
"""

from __future__ import annotations

from datetime import datetime

from portal.orgs.models import User
from portal.workflow.content import Content
from portal.workflow.models import Application, Attachment


def create_draft(
    *, kind: str, organisation_id: int, actor: User, content: Content | None = None, now: datetime
) -> Application:
    """A new draft of `kind` for an organisation in which `actor` may apply; NotAllowed, InvalidApplication."""
    raise NotImplementedError


def save_draft(*, application_id: int, actor: User, content: Content, version: int | None, now: datetime) -> Application:
    """Keep what was written so far. Raises ContentChanged when `version` is not the stored one (None: do not compare)."""
    raise NotImplementedError


def submit(*, application_id: int, actor: User, version: int | None, now: datetime) -> Application:
    """Check everything, freeze the plan, take the names, make the stages, open the first.

    Raises InvalidApplication, NobodyCanDecide, NotAllowed, MoveNotAllowed, ContentChanged.
    """
    raise NotImplementedError


def approve(
    *, application_id: int, stage_id: int, actor: User, content_hash: str, plan_digest: str, comment: str, now: datetime
) -> Application:
    """Approve the open stage. `plan_digest` "" says that the directory was unavailable when the page was shown.

    Raises AlreadyDecided, ContentChanged, NotAllowed, MoveNotAllowed, InvalidApplication (a blocked check at "lines.N").
    """
    raise NotImplementedError


def reject(
    *, application_id: int, stage_id: int, actor: User, content_hash: str, plan_digest: str, comment: str, now: datetime
) -> Application:
    """却下: end the application; a comment is required (InvalidApplication at "comment")."""
    raise NotImplementedError


def return_(
    *, application_id: int, stage_id: int, actor: User, content_hash: str, plan_digest: str, comment: str, now: datetime
) -> Application:
    """差戻し: back to the applicant with a required comment (InvalidApplication at "comment")."""
    raise NotImplementedError


def pull_back(*, application_id: int, actor: User, now: datetime) -> Application:
    """引戻し: the applicant takes it back before anybody decided this revision; MoveNotAllowed, NotAllowed."""
    raise NotImplementedError


def withdraw(*, application_id: int, actor: User, comment: str, now: datetime) -> Application:
    """取下げ: end an application that is not approved yet; MoveNotAllowed, NotAllowed."""
    raise NotImplementedError


def copy(*, application_id: int, actor: User, now: datetime) -> Application:
    """A new draft with the content of an earlier application, without its date and attachments; NotAllowed."""
    raise NotImplementedError


def add_attachment(*, application_id: int, actor: User, name: str, data: bytes, now: datetime) -> Attachment:
    """Attach a file while the application is editable; InvalidApplication at "attachments", NotAllowed, MoveNotAllowed."""
    raise NotImplementedError


def remove_attachment(*, application_id: int, attachment_id: int, actor: User, now: datetime) -> Application:
    """Take a file off while the application is editable; Attachment.DoesNotExist, NotAllowed, MoveNotAllowed."""
    raise NotImplementedError


def check_open_stages(*, now: datetime) -> int:
    """Nightly: stages whose deciders are gone go to operations; the number of stages moved."""
    raise NotImplementedError


def remind_overdue(*, now: datetime) -> int:
    """Once a business day: mail those who can decide an overdue stage; the number of stages reminded."""
    raise NotImplementedError
