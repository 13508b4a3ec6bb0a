"""What the logs tell other rooms: which of their rows are evidence (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.imports.rows import COLUMNS
from audit.retention import decisions
from portal.trail.sources import Rows, register_source

# Rows go by month and by whether they are about individual numbers (AUD-09); see audit.retention.decisions.part_of.
_PART = "to_char(r.event_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM') || CASE WHEN r.involves_number THEN ' t' ELSE ' f' END"

_BATCH = ("id", "log_import_id", "chunk", "row_count", "made_at")


def register_all() -> None:
    """Called once when the portal starts."""
    register_source(
        name=decisions.BATCHES,
        label=_("log rows"),
        table="audit_logbatch",
        columns=_BATCH,
        version=decisions.BATCHES_BY_PARTS,
        earlier={1: _BATCH},
        time="made_at",
        rows=Rows(
            table="audit_logrow",
            chunk="batch_id",
            columns=COLUMNS,
            part=_PART,
            parts_since=decisions.BATCHES_BY_PARTS,
        ),
        going=decisions.going(decisions.BATCHES),
    )
    register_source(
        name=decisions.CHUNKS,
        label=_("pieces of log files"),
        table="audit_logchunk",
        columns="id log_import_id number first_line line_count sha256 data",
        going=decisions.going(decisions.CHUNKS, emptied="data"),
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
