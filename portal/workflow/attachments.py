"""Files of an application: what they are is decided by their content, never by what the browser says."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common import files
from portal.orgs.models import User
from portal.workflow import records
from portal.workflow.drafts import require_editor
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Attachment, AttachmentContent, RemovedAttachment


def add_attachment(*, application_id: int, actor: User, name: str, data: bytes, now: datetime) -> Attachment:
    """Attach a file while the application is editable; its type is found in the content and must match the name.

    Raises InvalidApplication at "attachments", NotAllowed, MoveNotAllowed.
    """
    name = files.clean_name(name)
    content_type = content_type_of(name, data)
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        application = records.lock(application_id)
        require_editor(application, actor, now)
        _require_room(application, digest)
        attachment = Attachment.system.create(
            application=application,
            organisation_id=application.organisation_id,
            name=name,
            content_type=content_type,
            size=len(data),
            sha256=digest,
            added_by=actor,
            added_at=now,
        )
        AttachmentContent.objects.create(attachment=attachment, data=data)
        records.save(application)
        detail = {"name": name, "sha256": digest}
        records.record_action(application, "attach", actor=actor, now=now, detail=detail)
    return attachment


@transaction.atomic
def remove_attachment(*, application_id: int, attachment_id: int, actor: User, now: datetime) -> Application:
    """Take a file off while the application is editable.

    Raises Attachment.DoesNotExist when this application has no such file, NotAllowed, MoveNotAllowed.
    """
    application = records.lock(application_id)
    require_editor(application, actor, now)
    attachment = application.attachments.get(pk=attachment_id)
    detail = {"name": attachment.name, "sha256": attachment.sha256}
    if application.submitted_at is not None:
        _keep(attachment, removed_by=actor, now=now)
    attachment.delete()
    records.save(application)
    records.record_action(application, "detach", actor=actor, now=now, detail=detail)
    return application


def _keep(attachment: Attachment, *, removed_by: User, now: datetime) -> None:
    """What was submitted once stays provable, though it is no longer part of the application (SEC-03)."""
    RemovedAttachment.system.create(
        application_id=attachment.application_id,
        organisation_id=attachment.organisation_id,
        name=attachment.name,
        content_type=attachment.content_type,
        sha256=attachment.sha256,
        data=attachment.content.data,
        added_by_id=attachment.added_by_id,
        added_at=attachment.added_at,
        removed_by=removed_by,
        removed_at=now,
    )


def content_type_of(name: str, data: bytes) -> str:
    """What a file is, by its content. Raises InvalidApplication at "attachments"."""
    try:
        return files.content_type_of(name, data)
    except files.FileRefused as refused:
        raise InvalidApplication({"attachments": [refused.reason]}) from refused


def _require_room(application: Application, digest: str) -> None:
    existing = list(application.attachments.values_list("sha256", flat=True))
    if len(existing) >= settings.ATTACHMENTS_PER_APPLICATION:
        _refuse(
            _("At most %(count)d files can be attached. Remove one first.")
            % {"count": settings.ATTACHMENTS_PER_APPLICATION}
        )
    if digest in existing:
        _refuse(_("This file is already attached."))


def _refuse(text: str) -> None:
    raise InvalidApplication({"attachments": [text]})
