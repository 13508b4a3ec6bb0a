"""What the logs tell other rooms: which of their rows are evidence (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.imports.parsing import COLUMNS
from portal.trail.sources import Rows, register_source

_LEFT = "(d.gone->'audit.log_batch'->l.row_key::text)"  # see audit.retention.models.Disposal.gone
_DISPOSALS = "SELECT {what} FROM audit_disposal d WHERE d.state = 'DONE' AND jsonb_exists(d.gone->'audit.log_batch', l.row_key::text)"


def register_all() -> None:
    """Called once when the portal starts."""
    register_source(
        name="audit.log_batch",
        label=_("log rows"),
        table="audit_logbatch",
        columns="id log_import_id chunk row_count made_at",
        time="made_at",
        rows=Rows(table="audit_logrow", chunk="batch_id", columns=COLUMNS),
        disposed=f"EXISTS ({_DISPOSALS.format(what='')})",
        # The rows of a batch become fewer with each month of it that goes; the last disposal left the fewest.
        left=f"{_DISPOSALS.format(what=_LEFT + '->>1')} ORDER BY ({_LEFT}->>0)::bigint LIMIT 1",
    )
    register_source(
        name="audit.log_chunk",
        label=_("pieces of log files"),
        table="audit_logchunk",
        columns="id log_import_id number first_line line_count sha256 data",
        disposed=(
            "EXISTS (SELECT FROM audit_logchunk c JOIN audit_logimport i ON i.id = c.log_import_id"
            " JOIN audit_disposal d ON d.kind = 'NUMBER_LOGS' AND d.state = 'DONE'"
            " AND d.month = date_trunc('month', i.last_at AT TIME ZONE 'Asia/Tokyo')::date"
            " WHERE c.id = l.row_key AND c.data = '')"
        ),
    )
    register_source(
        name="audit.log_mapping",
        label=_("mappings of the logs"),
        table="audit_logmapping",
        columns="id definition made_by_id made_at",
        time="made_at",
    )
    register_source(
        name="audit.application_access",
        label=_("what counts as the application"),
        table="audit_applicationaccess",
        columns="id definition made_by_id made_at",
        time="made_at",
    )
