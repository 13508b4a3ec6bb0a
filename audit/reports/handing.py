"""A file of a report is handed out only as it was made; one that is another goes to nobody, and operations are told (AUD-07)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.reports import telling
from audit.reports.errors import Refused
from audit.reports.models import AuditReport, ReportFile
from audit.retention.models import Disposal, RecordKind
from portal.orgs.models import User
from portal.trail import services as trail


class FileChanged(Refused):
    """Its content is not what was recorded when it was made."""


class FileDisposed(Refused):
    """Its content went after its keeping time."""


def content_of(file: ReportFile, report: AuditReport, *, actor: User, now: datetime) -> bytes:
    """The content of a file that the person may see. Raises FileDisposed, and FileChanged when the hash is another.

    Never inside a transaction: that it was another is recorded although nothing is handed out.
    """
    content = bytes(file.content)
    if hashlib.sha256(content).hexdigest() == file.sha256:
        return content
    if not content and _was_disposed_of(report):
        text = _("The content of this file was disposed of after its keeping time. Its name and hash stay.")
        raise FileDisposed("", text)
    with transaction.atomic():
        trail.record(
            action="audit_report.file_changed",
            now=now,
            actor=actor,
            object_type="audit_report",
            object_id=report.pk,
            object_label=str(report),
            object_organisation_id=report.organisation_id,
            detail={"file": file.name, "sha256": file.sha256},
        )
        telling.tell_file_changed(report, file, now)
    text = _(
        "The file “%(name)s” does not match what was recorded when it was made. It is not handed out. Network operations were told."
    )
    raise FileChanged("", text % {"name": file.name})


def _was_disposed_of(report: AuditReport) -> bool:
    rows = Disposal.objects.filter(kind=RecordKind.REPORTS, state=Disposal.State.DONE)
    return rows.filter(month=report.cycle.month).exists()
