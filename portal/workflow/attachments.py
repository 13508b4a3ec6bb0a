"""Files of an application: what they are is decided by their content, never by what the browser says."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.orgs.models import User
from portal.workflow import records
from portal.workflow.drafts import require_editor
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Attachment, AttachmentContent, RemovedAttachment

NAME_LENGTH = 200
_ZIP_ENTRIES = 10_000
_FORBIDDEN = re.compile(r'[<>:"|?*\ud800-\udfff]')


def _starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(signatures)


def _office(member: str) -> Callable[[bytes], bool]:
    """A test for an Office file whose main part is `member`; one with macros is not what its name says."""

    def test(data: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
            return False
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
        return len(names) <= _ZIP_ENTRIES and {"[Content_Types].xml", member} <= names and not has_macros

    return test


def _is_text(data: bytes) -> bool:
    """UTF-8 or the Shift JIS of Windows, without the NUL that no text file holds."""
    if b"\x00" in data:
        return False
    for encoding in ("utf-8-sig", "cp932"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TYPES: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _starts_with(b"%PDF-")),
    ".png": ("image/png", _starts_with(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _starts_with(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _starts_with(b"\xff\xd8\xff")),
    ".xlsx": (_SHEET, _office("xl/workbook.xml")),
    ".docx": (_DOCUMENT, _office("word/document.xml")),
    ".csv": ("text/csv", _is_text),
    ".txt": ("text/plain", _is_text),
}
ACCEPTED = tuple(_TYPES)


def add_attachment(*, application_id: int, actor: User, name: str, data: bytes, now: datetime) -> Attachment:
    """Attach a file while the application is editable; its type is found in the content and must match the name.

    Raises InvalidApplication at "attachments", NotAllowed, MoveNotAllowed.
    """
    name = clean_name(name)
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


def clean_name(name: str) -> str:
    """A file name without folders and without characters that are invisible or that Windows refuses."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    base = without_control_characters(_FORBIDDEN.sub("_", base)).strip(". ")
    path = PurePosixPath(base or "file")
    return path.stem[: NAME_LENGTH - len(path.suffix)] + path.suffix if len(base) > NAME_LENGTH else path.name


def content_type_of(name: str, data: bytes) -> str:
    """What a file is, by its content; for every room that takes files. Raises InvalidApplication at "attachments"."""
    limit = settings.ATTACHMENT_MAX_BYTES
    if not data:
        _refuse(_("%(name)s is empty. Choose the right file.") % {"name": name})
    if len(data) > limit:
        _refuse(
            _("%(name)s is too large. A file may have at most %(size)d MB.")
            % {"name": name, "size": limit // (1024 * 1024)}
        )
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _TYPES:
        accepted = ", ".join(kind.lstrip(".") for kind in ACCEPTED)
        _refuse(
            _("%(name)s cannot be attached. Accepted are: %(kinds)s.") % {"name": name, "kinds": accepted}
        )
    content_type, matches = _TYPES[suffix]
    if not matches(data):
        _refuse(
            _("The content of %(name)s is not what its ending says. Save it again in the right format.")
            % {"name": name}
        )
    return content_type


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
