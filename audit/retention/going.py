"""What goes with one month of each kind, counted and hashed before it goes (AUD-09). Called in the transaction of the decision.

Nothing goes that is not as it was sealed: what somebody changed would be proven by the record of its disposal for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audit.cycles.dates import add_months
from audit.imports.models import HeldLine, LogChunk, LogImport, LogRow
from audit.ledgers.models import WorkChange, WorkEntry, WorkImport
from audit.reconciliation.models import Incident, IncidentSession, Mismatch, MismatchReason
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from audit.retention import selectors
from audit.retention.decisions import BATCHES, BATCHES_BY_PARTS, CHANGES, CHUNKS, FILES, REASONS, part_of
from audit.retention.errors import Refused
from audit.retention.models import RecordKind
from portal.common.time import JST
from portal.trail.models import Leaf
from portal.trail.reading import parts_of_chunk
from portal.trail.records import left_of, unproven
from portal.trail.sources import Source, find_source

_State = LogImport.State


@dataclass(frozen=True, kw_only=True)
class Gone:
    """For the record: how much of what, the SHA-256 over the hashes of what went, and Disposal.gone."""

    counts: dict[str, int]
    digest: str
    gone: dict[str, Any] = field(default_factory=dict)


def carry_out(kind: str, month: date) -> Gone:
    """Dispose of the month. Raises Refused: the evidence does not fit, or somebody still needs it."""
    return _OF_KIND[RecordKind(kind)](month)


def _number_logs(month: date) -> Gone:
    """With rows about individual numbers go the files of this month, also those that brought no row."""
    brought = LogImport.objects.filter(pk__in=selectors.files_of(month).values("pk"))
    chunks = LogChunk.objects.filter(log_import__in=brought).exclude(data=b"")
    told = dict(chunks.order_by("pk").values_list("pk", "sha256"))
    _require_proven(CHUNKS, list(told))
    counts = {
        "chunks": chunks.update(data=b""),
        "held": HeldLine.objects.filter(log_import__in=brought).delete()[0],
    }
    # A file without its content is not imported any more.
    brought.filter(state__in=(_State.UPLOADED, _State.FAILED)).update(state=_State.DISCARDED)
    left = left_of(_source(CHUNKS), list(told))
    files = {str(pk): [sha256, left.get(pk, "")] for pk, sha256 in told.items()}
    made = _logs(month, numbers=True, counts=counts)
    return replace(made, gone=made.gone | {CHUNKS: files})


def _other_logs(month: date) -> Gone:
    return _logs(month, numbers=False, counts={})


def _logs(month: date, *, numbers: bool, counts: dict[str, int]) -> Gone:
    """The partition is dropped. The digests of what each batch loses stand in the record: with them its leaf can still be computed.

    Where the leaf is of the version that covers all rows of a batch at once, the digest of those that are left stands there.
    """
    rows = LogRow.system.filter(
        involves_number=numbers, event_at__gte=_begin(month), event_at__lt=_begin(add_months(month, 1))
    )
    batches = sorted(rows.order_by().values_list("batch_id", flat=True).distinct())
    _require_proven(BATCHES, batches)
    source, part = _source(BATCHES), part_of(month, numbers=numbers).encode()
    assert source.rows is not None
    leaves = Leaf.objects.filter(source=BATCHES, row_key__in=batches, version__lt=BATCHES_BY_PARTS)
    at_once = set(leaves.values_list("row_key", flat=True))
    gone: dict[str, Any] = {
        str(batch): parts_of_chunk(source.rows, batch)[part].decode()
        for batch in batches
        if batch not in at_once
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_count, digest FROM audit_dispose_logs(%s, %s)", [month, numbers])
        counts["rows"], digest = cursor.fetchone()
    gone |= {str(batch): _left_at_once(source, batch) for batch in at_once}
    return Gone(counts=counts, digest=digest or _sha256([]), gone={BATCHES: gone})


def _left_at_once(source: Source, batch: int) -> tuple[int, str]:
    rows = source.rows_of(1)
    assert rows is not None
    (digest,) = parts_of_chunk(rows, batch).values()
    return LogRow.system.filter(batch_id=batch).count(), digest.decode()


def _reports(month: date) -> Gone:
    """The contents go, the rows with their hashes stay. Their leaves need the contents: from now on the record proves name and hash."""
    files = ReportFile.system.filter(report__cycle__month=month).exclude(content=b"")
    told = list(files.order_by("pk").values_list("pk", "name", "sha256"))
    _require_proven(FILES, [pk for pk, _name, _hash in told])
    counts = {"files": files.update(content=b"")}
    left = left_of(_source(FILES), [pk for pk, _name, _hash in told])
    done = AuditReport.system.filter(cycle__month=month, status=ReportStatus.COPY_STORED)
    counts["reports"] = done.update(status=ReportStatus.DISPOSED)
    return Gone(
        counts=counts,
        digest=_sha256([sha256.encode() for _pk, _name, sha256 in told]),
        gone={FILES: {str(pk): [name, sha256, left.get(pk, "")] for pk, name, sha256 in told}},
    )


def _sessions(month: date) -> Gone:
    """What the reconciliation of this month found, why it differed, and the incidents that came of it. The counts of its runs stay."""
    incidents = Incident.system.filter(cycle__month=month)
    still_open = incidents.filter(state=Incident.State.OPEN).first()
    if still_open is not None:
        raise Refused(_("The incident %(number)s of this month is still open.") % {"number": still_open})
    sessions = Mismatch.system.filter(reconciliation__cycle__month=month)
    reasons = MismatchReason.system.filter(mismatch__in=sessions)
    keys, digest = _proven(REASONS, reasons)
    counts = {
        "reasons": _delete(reasons),
        "incident_sessions": _delete(IncidentSession.system.filter(mismatch__in=sessions)),
        "incidents": _delete(incidents),
        "sessions": _delete(sessions),
    }
    return Gone(counts=counts, digest=digest, gone={REASONS: keys})


def _ledgers(month: date) -> Gone:
    """Works that were planned in this month, and the rows of files that were read in it. Sessions keep the number of their work."""
    first, following = _begin(month), _begin(add_months(month, 1))
    works = WorkEntry.system.filter(planned_from__gte=first, planned_from__lt=following)
    changes = WorkChange.objects.filter(entry__in=works)
    keys, digest = _proven(CHANGES, changes)
    Mismatch.system.filter(work__in=works).update(work=None)
    files = WorkImport.system.filter(uploaded_at__gte=first, uploaded_at__lt=following)
    counts = {
        "changes": _delete(changes),
        "works": _delete(works),
        "files": _delete(files.exclude(state=WorkImport.State.OPEN)),
    }
    return Gone(counts=counts, digest=digest, gone={CHANGES: keys})


_OF_KIND: dict[RecordKind, Callable[[date], Gone]] = {
    RecordKind.NUMBER_LOGS: _number_logs,
    RecordKind.OTHER_LOGS: _other_logs,
    RecordKind.REPORTS: _reports,
    RecordKind.SESSIONS: _sessions,
    RecordKind.LEDGERS: _ledgers,
}


def _delete(rows: QuerySet[Any]) -> int:
    return int(rows.delete()[0])


def _proven(source: str, rows: QuerySet[Any]) -> tuple[list[int], str]:
    """The keys of these records, and the SHA-256 over the hashes that the evidence log has of them. Raises Refused."""
    keys = sorted(rows.order_by().values_list("pk", flat=True))
    _require_proven(source, keys)
    leaves = Leaf.objects.filter(source=source, row_key__in=keys).order_by("row_key")
    return keys, _sha256([bytes(each) for each in leaves.values_list("hash", flat=True)])


def _require_proven(name: str, keys: Collection[int]) -> None:
    wrong = unproven(_source(name), keys)
    if wrong:
        text = _("The evidence of these records does not fit (%(record)s). Have it verified first.")
        raise Refused(text % {"record": f"{name} {wrong[0]}"})


def _source(name: str) -> Source:
    found = find_source(name)
    assert found is not None
    return found


def _sha256(hashes: list[bytes]) -> str:
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def _begin(month: date) -> datetime:
    return datetime(month.year, month.month, month.day, tzinfo=JST)
