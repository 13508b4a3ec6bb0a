"""What reports give to the evidence log: their history, and their files with their contents (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.retention import decisions
from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="audit.report_event",
        label=_("history of audit reports"),
        table="audit_reportevent",
        columns="id report_id at actor_id actor_name verb from_status to_status text detail",
        time="at",
    )
    register_source(
        name=decisions.FILES,
        label=_("files of audit reports"),
        table="audit_reportfile",
        columns="id report_id organisation_id log_kind format stage name content size sha256 checkpoint made_at",
        time="made_at",
        going=decisions.going(decisions.FILES, emptied="content", named=("name", "sha256")),
    )
