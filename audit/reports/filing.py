"""The files of a report: their hashes, what came back, and the copies that 中央会 keeps (AUD-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from audit.reports.errors import Refused
from audit.reports.models import AuditReport, ReportFile
from portal.common.files import Upload

Stage = ReportFile.Stage


def hashes(report: AuditReport, stage: str) -> dict[str, str]:
    """SHA-256 of each file of a stage, by its name."""
    return dict(ReportFile.system.filter(report=report, stage=stage).values_list("name", "sha256"))


def compared(file: Upload, originals: Mapping[str, str]) -> dict[str, str]:
    """A file that came back, equal to one of the originals. Raises Refused with the name of the one that is not."""
    name, data = file
    digest = hashlib.sha256(data).hexdigest()
    if digest not in originals.values():
        text = _(
            "The file “%(name)s” is not the original: it was changed, or belongs to another report (SHA-256 %(digest)s). Nothing was sent back."
        )
        raise Refused("files", text % {"name": name, "digest": digest})
    return {"name": name, "sha256": digest}


def keep_copies(report: AuditReport, now: datetime) -> list[dict[str, str]]:
    """Keep each original as a copy and read back what was kept: both hashes. Raises Refused for one that is not equal."""
    pairs = []
    for original in ReportFile.system.filter(report=report, stage=Stage.ORIGINAL):
        copy = _again(original, report=report, stage=Stage.COPY, made_at=now)
        copy.refresh_from_db(fields=["content"])
        digest = hashlib.sha256(copy.content).hexdigest()
        if digest != original.sha256:
            text = _("The copy of “%(name)s” is not equal to the original. Tell network operations at once.")
            raise Refused("", text % {"name": original.name})
        pairs.append({"name": original.name, "original": original.sha256, "copy": digest})
    return pairs


def carry_over(old: AuditReport, new: AuditReport) -> None:
    """What 中央会 provided did not change: the same files belong to the new revision."""
    for file in ReportFile.system.filter(report=old, stage=Stage.PROVIDED):
        _again(file, report=new, stage=Stage.PROVIDED, made_at=file.made_at)


def _again(file: ReportFile, *, report: AuditReport, stage: str, made_at: datetime) -> ReportFile:
    copy: ReportFile = ReportFile.system.create(
        report=report,
        organisation_id=report.organisation_id,
        log_kind=file.log_kind,
        format=file.format,
        stage=stage,
        name=file.name,
        content=file.content,
        size=file.size,
        sha256=file.sha256,
        checkpoint=file.checkpoint,
        made_at=made_at,
    )
    return copy
