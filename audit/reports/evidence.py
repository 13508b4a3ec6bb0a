"""What reports give to the evidence log: their history, and their files with their contents (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

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
        name="audit.report_file",
        label=_("files of audit reports"),
        table="audit_reportfile",
        columns="id report_id organisation_id log_kind format stage name content size sha256 checkpoint made_at",
        time="made_at",
        disposed=(
            "EXISTS (SELECT FROM audit_reportfile f JOIN audit_auditreport r ON r.id = f.report_id"
            " JOIN audit_auditcycle c ON c.id = r.cycle_id"
            " JOIN audit_disposal d ON d.kind = 'REPORTS' AND d.month = c.month AND d.state = 'DONE'"
            " WHERE f.id = l.row_key AND f.content = ''"
            # Records of disposals that were made before names and hashes stood in them say nothing of either.
            " AND (NOT jsonb_exists(d.gone, 'audit.report_file')"
            " OR d.gone->'audit.report_file'->l.row_key::text = jsonb_build_array(f.name, f.sha256)))"
        ),
    )
