"""What was disposed of by two people is explained to the evidence; what was swapped is named (SEC-02, AUD-09)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.imports.models import HeldLine, LogBatch, LogChunk, LogCoverage, LogImport, LogRow
from audit.imports.rows import COLUMNS
from audit.ledgers.models import WorkEntry
from audit.reconciliation.models import MismatchReason, Reconciliation
from audit.reports.documents import files, making
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from audit.retention import selectors, services
from audit.retention.decisions import years_after
from audit.retention.errors import Refused
from audit.retention.models import Disposal, RecordKind
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail import sealing, sources, verifying
from portal.trail.findings import Kind
from portal.trail.models import Leaf
from portal.trail.reading import lines, parts_of_chunk, set_session
from portal.trail.records import left_of
from portal.trail.sources import find_source
from tests import factories
from tests.audit.documents import world
from tests.audit.imports import logs
from tests.audit.ledgers.world import work
from tests.audit.retention.test_disposal import OLD, _row
from tests.evidence import RunningSigner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signer")]

LATER = dt.date(2018, 11, 1)
THEN = dt.datetime(2018, 12, 3, 9, tzinfo=JST)  # when what is disposed of today was sealed
RECENT = timezone.now() - dt.timedelta(days=40)


@pytest.fixture
def people() -> tuple[User, User]:
    return factories.operator(), factories.user(Role.APPROVER, code="central")


def _dispose(kind: RecordKind, people: tuple[User, User], month: dt.date = OLD) -> None:
    now = timezone.now()
    asked = services.propose(kind=kind, month=month, reason="保存期間満了", actor=people[0], now=now)
    services.decide(disposal=asked, approve=True, answer="", actor=people[1], now=now)
    sealing.seal(now=now)


def _report(monkeypatch: pytest.MonkeyPatch, sealed_at: dt.datetime = THEN) -> None:
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF " + checkpoint.encode())
    report = world.report(sessions=1)
    AuditReport.system.filter(pk=report.pk).update(cycle=world.cycle(OLD), status=ReportStatus.COPY_STORED)
    making.order(report=AuditReport.system.get(pk=report.pk), stage="ORIGINAL", now=world.NOW)
    making.make_owed_files(now=world.NOW)
    sealing.seal(now=sealed_at)


def test_report_files_that_two_people_disposed_of_are_counted_not_missed(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    _report(monkeypatch)

    _dispose(RecordKind.REPORTS, people)

    result = verifying.verify()
    assert result.fits, result.findings
    assert result.disposed == 6


def test_aud_09_name_and_hash_of_a_file_stay_proven_after_its_disposal(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    _report(monkeypatch)
    files_before = {str(each.pk): [each.name, each.sha256] for each in ReportFile.system.all()}

    _dispose(RecordKind.REPORTS, people)

    told = Disposal.objects.get().gone["audit.report_file"]
    assert {key: said[:2] for key, said in told.items()} == files_before
    one = ReportFile.system.first()
    assert one is not None
    for column, value in (("sha256", "0" * 64), ("name", "other.pdf"), ("made_at", THEN), ("content", b"x")):
        _forge("audit_reportfile", f"UPDATE audit_reportfile SET {column} = %s WHERE id = %s", value, one.pk)
        (found,) = verifying.verify().findings
        assert (found.kind, found.source, found.key) == (Kind.CHANGED, "audit.report_file", one.pk)
        _forge(
            "audit_reportfile",
            f"UPDATE audit_reportfile SET {column} = %s WHERE id = %s",
            getattr(one, column) if column != "content" else b"",
            one.pk,
        )
    assert verifying.verify().fits
    _forge("audit_reportfile", "UPDATE audit_reportfile SET content = %s WHERE id = %s", b"x", one.pk)
    source = find_source("audit.report_file")
    assert source is not None
    with transaction.atomic():
        left = left_of(source, [one.pk])[one.pk]
    _disposal(people, RecordKind.REPORTS, {"audit.report_file": {str(one.pk): ["", "", left]}})
    (found,) = verifying.verify().findings
    assert (found.kind, found.key) == (Kind.CHANGED, one.pk), "a disposal leaves no content"


@contextmanager
def _at_once() -> Iterator[None]:
    """The portal as it was while the leaf of a batch covered one digest over all of its rows."""
    source = find_source("audit.log_batch")
    assert source is not None
    assert source.rows is not None
    rows = replace(source.rows, part="", parts_since=1)
    sources._sources[source.name] = replace(source, version=1, earlier={}, rows=rows)
    try:
        yield
    finally:
        sources._sources[source.name] = source


def _hash_at_once(batch: LogBatch) -> bytes:
    """The leaf of a batch as the first version of the format says."""
    with transaction.atomic():
        set_session()
        (line,) = lines(
            "SELECT id, log_import_id, chunk, row_count, made_at FROM audit_logbatch WHERE id = %s",
            [batch.pk],
        )
        rows = lines(
            f"SELECT {', '.join(COLUMNS)} FROM audit_logrow WHERE batch_id = %s ORDER BY id", [batch.pk]
        )
        digest = hashlib.sha256(b"".join(row + b"\n" for row in rows)).hexdigest()
    head = f"evidence/1 audit.log_batch/1 {batch.pk}\n".encode()
    return hashlib.sha256(b"\0" + head + line + b"\n" + digest.encode()).digest()


def _rest(batch: LogBatch, statement: str) -> list[Any]:
    """What the record of a disposal told of the rows that it left: how many, and their digest."""
    source = find_source("audit.log_batch")
    assert source is not None
    rows = source.rows_of(1)
    assert rows is not None
    with transaction.atomic():
        set_session()
        _forge("audit_logrow", statement)
        (digest,) = parts_of_chunk(rows, batch.pk).values()
        left = LogRow.system.filter(batch_id=batch.pk).count()
        transaction.set_rollback(True)
    return [left, digest.decode()]


def test_sec_02_batches_sealed_before_leaves_had_parts_stay_proven_and_can_be_disposed_of(
    people: tuple[User, User],
) -> None:
    with _at_once():
        batch = _batch(people[0], OLD, LATER, dt.date(2026, 1, 1), sealed_at=THEN)
    leaf = Leaf.objects.get(source="audit.log_batch")
    assert (leaf.version, bytes(leaf.hash)) == (1, _hash_at_once(batch))
    changed = [(Kind.CHANGED, "audit.log_batch", batch.pk)]
    assert verifying.verify().fits
    assert _found_after("audit_logrow", "UPDATE audit_logrow SET host = 'x' WHERE id = 3") == changed

    for month, left in ((OLD, 2), (LATER, 1)):
        _dispose(RecordKind.NUMBER_LOGS, people, month)

        assert Disposal.objects.latest("pk").gone["audit.log_batch"][str(batch.pk)][0] == left
        result = verifying.verify()
        assert (result.findings, result.less) == ([], 1)
        assert _found_after("audit_logrow", "UPDATE audit_logrow SET host = 'x' WHERE id = 3") == changed


def test_sec_02_records_of_disposals_of_the_earlier_form_explain_what_they_did_and_none_can_be_added(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a record counts when it was sealed before the first leaf with parts, or for what is as old as its kind is kept."""
    _report(monkeypatch, RECENT)
    with _at_once():
        batch = _batch(people[0], OLD, LATER)
    file, chunk = ReportFile.system.earliest("pk"), LogChunk.objects.get(log_import=batch.log_import)
    first = "DELETE FROM audit_logrow WHERE id = 1"
    empty = f"UPDATE audit_reportfile SET content = '' WHERE id = {file.pk}"
    _coverage(batch, LATER)
    with pytest.raises(Refused, match="後から作成"):
        services.propose(
            kind=RecordKind.NUMBER_LOGS, month=LATER, reason="x", actor=people[0], now=timezone.now()
        )
    rest, told = _rest(batch, first), {str(file.pk): [file.name, file.sha256]}
    rows_gone = _disposal(people, RecordKind.NUMBER_LOGS, {"audit.log_batch": {str(batch.pk): rest}})
    reports = _disposal(people, RecordKind.REPORTS, {"audit.report_file": told})
    sealing.seal(now=timezone.now())

    def found() -> list[list[tuple[str, str, int | None]]]:
        return [
            _found_after("audit_logrow", first),
            _found_after("audit_logrow", "DELETE FROM audit_logrow WHERE id = 2"),
            _found_after("audit_logchunk", f"UPDATE audit_logchunk SET data = '' WHERE id = {chunk.pk}"),
            _found_after("audit_reportfile", empty),
            _found_after("audit_reportfile", f"{empty}; UPDATE audit_reportfile SET name = 'x' WHERE id = {file.pk}"),
        ]  # fmt: skip

    rows = [(Kind.CHANGED, "audit.log_batch", batch.pk)]
    pieces, files = (
        [(Kind.CHANGED, "audit.log_chunk", chunk.pk)],
        [(Kind.CHANGED, "audit.report_file", file.pk)],
    )
    assert found() == [[], rows, [], [], files]
    _batch(people[0], dt.date(2026, 1, 1))
    assert found() == [[], rows, [], [], files], "they are older than the first leaf with parts"
    _forge("audit_disposal", "DELETE FROM audit_disposal")
    for one in (rows_gone, reports):
        _disposal(people, RecordKind(one.kind), one.gone)
    sealing.seal(now=timezone.now())
    gone = {(Kind.DELETED, "audit.disposal", one.pk) for one in (rows_gone, reports)}
    assert [set(each) - gone for each in found()] == [
        set(rows),
        set(rows),
        set(pieces),
        set(files),
        set(files),
    ]


def _coverage(batch: LogBatch, month: dt.date) -> None:
    host = logs.host("h", code="13")
    at = dt.datetime(month.year, month.month, 2, tzinfo=JST)
    LogCoverage.system.create(
        organisation=host.organisation, host=host, log_kind="DATABASE", day=at.date(), log_import=batch.log_import,
        row_count=1, first_at=at, last_at=at,
    )  # fmt: skip


def test_aud_09_a_file_that_was_swapped_is_not_disposed_of(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    _report(monkeypatch)
    one = ReportFile.system.first()
    assert one is not None
    _forge("audit_reportfile", "UPDATE audit_reportfile SET sha256 = %s WHERE id = %s", "0" * 64, one.pk)

    with pytest.raises(Refused, match=f"audit.report_file {one.pk}"):
        _dispose(RecordKind.REPORTS, people)

    assert not ReportFile.system.filter(content=b"").exists()


def _file(operator: User, **values: Any) -> LogImport:
    """A file of logs with one piece."""
    made = LogImport.objects.create(
        **{
            "log_kind": "DATABASE",
            "month": OLD,
            "file_name": "a.csv",
            "sha256": hashlib.sha256(f"{LogImport.objects.count()}".encode()).hexdigest(),
            "size": 1,
            "encoding": "utf-8",
            "line_count": 1,
            "chunk_count": 1,
            "uploaded_by": operator,
            "uploaded_at": timezone.now(),
        }
        | values
    )
    LogChunk.objects.create(
        log_import=made, number=0, first_line=1, line_count=1, data=b"packed", sha256="0" * 64
    )
    return made


def _batch(
    operator: User, *months: dt.date, numbers: bool = True, sealed_at: dt.datetime | None = None
) -> LogBatch:
    """A batch that was sealed, else just now, with one row about individual numbers in each of these months."""
    brought = _file(operator, last_at=dt.datetime(OLD.year, OLD.month, 15, tzinfo=dt.UTC))
    batch = LogBatch.objects.create(
        log_import=brought, chunk=0, row_count=len(months), made_at=sealed_at or timezone.now()
    )
    for number, month in enumerate(months, start=LogRow.system.count() + 1):
        _row(number, month, numbers=numbers or number > 1, batch=batch.pk)
    sealing.seal(now=sealed_at or timezone.now())
    return batch


def _work(begin: dt.datetime) -> WorkEntry:
    return work(planned_from=begin, planned_until=begin + dt.timedelta(hours=2))


def _forge(table: str, statement: str, *values: object) -> None:
    """As the owner of the tables can."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values or None)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_log_rows_that_two_people_disposed_of_are_counted_not_missed(people: tuple[User, User]) -> None:
    _batch(people[0], OLD)

    _dispose(RecordKind.NUMBER_LOGS, people)

    result = verifying.verify()
    assert result.fits, result.findings
    assert result.disposed == 1


def test_rows_that_stay_of_a_batch_are_proven_when_its_other_rows_are_gone(people: tuple[User, User]) -> None:
    batch = _batch(people[0], OLD, LATER, dt.date(2026, 1, 1))

    for month in (OLD, LATER):
        _dispose(RecordKind.NUMBER_LOGS, people, month)

        result = verifying.verify()
        assert result.fits, result.findings
        assert result.disposed == 1

    _forge("audit_logrow", "UPDATE audit_logrow SET host = 'other' WHERE id = 3")
    (found,) = verifying.verify().findings
    assert (found.kind, found.source, found.key) == (Kind.CHANGED, "audit.log_batch", batch.pk)


def test_nothing_is_disposed_of_that_is_not_as_it_was_sealed(people: tuple[User, User]) -> None:
    batch = _batch(people[0], OLD, LATER)
    _forge("audit_logrow", "UPDATE audit_logrow SET host = 'other' WHERE id = 2")

    with pytest.raises(Refused, match=f"audit.log_batch {batch.pk}"):
        _dispose(RecordKind.NUMBER_LOGS, people)

    assert LogRow.system.count() == 2
    Disposal.objects.update(state="REFUSED", decided_by=people[1], decided_at=timezone.now())
    file = _file(people[0], uploaded_at=THEN.replace(month=11))
    sealing.seal(now=THEN)
    _forge("audit_logchunk", "UPDATE audit_logchunk SET data = %s", b"other")
    with pytest.raises(Refused, match=f"audit.log_chunk {file.chunks.get().pk}"):
        _dispose(RecordKind.NUMBER_LOGS, people, LATER)


def test_reasons_and_works_that_two_people_disposed_of_are_counted_and_others_missed(
    people: tuple[User, User],
) -> None:
    report = world.report(sessions=1)
    Reconciliation.system.update(cycle=world.cycle(OLD))
    _work(dt.datetime(OLD.year, OLD.month, 3, 9, tzinfo=JST))
    kept = _work(dt.datetime(2026, 9, 3, 9, tzinfo=JST)).changes.get()
    sealing.seal(now=THEN)
    assert report.pk

    _dispose(RecordKind.SESSIONS, people)
    _dispose(RecordKind.LEDGERS, people)

    result = verifying.verify()
    assert result.fits, result.findings
    assert result.disposed == 4 + 1
    _forge("audit_workchange", "DELETE FROM audit_workchange WHERE id = %s", kept.pk)
    (found,) = verifying.verify().findings
    assert (found.kind, found.source, found.key) == (Kind.DELETED, "audit.work_change", kept.pk)


def test_aud_09_what_was_written_long_after_its_month_is_kept_its_years_too(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is gone only the time of its seal shows that it was old."""
    _report(monkeypatch, RECENT)
    Reconciliation.system.update(cycle=world.cycle(OLD))
    today, sealed = timezone.now().date(), RECENT.astimezone(JST).date()
    until = years_after(sealed, 7) + dt.timedelta(days=3)

    for kind in (RecordKind.REPORTS, RecordKind.SESSIONS):
        assert selectors.is_there(kind, OLD)
        with pytest.raises(Refused, match=f"{until}"):
            services.propose(kind=kind, month=OLD, reason="保存期間満了", actor=people[0], now=timezone.now())
    kinds = {each.kind for each in selectors.due(today)}
    assert kinds.isdisjoint({"REPORTS", "SESSIONS"})
    later = selectors.due(until)
    due = [each for each in later if each.kind in ("REPORTS", "SESSIONS")]
    assert [(each.kind, each.month, each.kept_until) for each in due] == [
        ("REPORTS", OLD, until),
        ("SESSIONS", OLD, until),
    ]


@pytest.mark.parametrize("state", ["DISCARDED", "UPLOADED", "DONE"])
def test_aud_09_a_file_that_brought_no_row_goes_with_the_month_of_its_upload(
    people: tuple[User, User], state: str
) -> None:
    """Nobody imported it, or all of its lines wait for their machines."""
    month, uploaded = dt.date(2017, 5, 1), dt.datetime(2017, 5, 31, 23, tzinfo=JST)
    file = _file(people[0], state=state, uploaded_at=uploaded)
    late = _file(people[0], uploaded_at=uploaded, last_at=uploaded + dt.timedelta(hours=2))
    HeldLine.objects.create(
        log_import=file, line_number=1, host="h", key="h", event_at=uploaded, raw="個人番号".encode()
    )
    sealing.seal(now=uploaded)
    due = {each.month for each in selectors.due(timezone.now().date())}
    assert {month, dt.date(2017, 6, 1)} <= due

    _dispose(RecordKind.NUMBER_LOGS, people, month)

    assert bytes(file.chunks.get().data) == b""
    assert not file.held.exists()
    assert LogImport.objects.get(pk=file.pk).state == ("DONE" if state == "DONE" else "DISCARDED")
    assert Disposal.objects.get().counts == {"chunks": 1, "held": 1, "rows": 0}
    result = verifying.verify()
    assert (result.findings, result.disposed) == ([], 1)
    assert bytes(late.chunks.get().data) == b"packed"
    assert not selectors.is_there(RecordKind.NUMBER_LOGS, month)


def _disposal(people: tuple[User, User], kind: RecordKind, gone: dict[str, Any], **values: Any) -> Disposal:
    """A record of a disposal that nobody decided, as whoever holds the database can write it."""
    now = timezone.now()
    return Disposal.objects.create(
        **{
            "kind": kind,
            "month": OLD,
            "state": "DONE",
            "reason": "保存期間満了",
            "proposed_by": people[0],
            "proposed_at": now - dt.timedelta(hours=1),
            "decided_by": people[1],
            "decided_at": now,
            "digest": "0" * 64,
            "gone": gone,
        }
        | values
    )


def _found_after(table: str, statement: str) -> list[tuple[str, str, int | None]]:
    """What verify_trail says after that, which is undone again."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS kept; CREATE TABLE kept AS TABLE {table}")
    _forge(table, statement)
    found = verifying.verify().findings
    _forge(table, f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept")
    return [(finding.kind, finding.source, finding.key) for finding in found]


def test_sec_02_a_forged_disposal_hides_neither_deletion_nor_change(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of last month, and a record of a disposal, which is sealed like every other, that says they were due."""
    _report(monkeypatch, RECENT)
    reason, file = MismatchReason.system.first(), ReportFile.system.first()
    assert reason is not None
    assert file is not None
    month = dt.date(RECENT.year, RECENT.month, 1)
    batch = _batch(people[0], dt.date(2021, 9, 1), dt.date(2021, 9, 1), month, numbers=False)
    chunk = LogChunk.objects.get(log_import=batch.log_import)
    source = find_source("audit.log_batch")
    assert source is not None
    assert source.rows is not None
    with transaction.atomic():
        set_session()
        parts = {
            part.decode(): digest.decode() for part, digest in parts_of_chunk(source.rows, batch.pk).items()
        }
    changed = [(Kind.CHANGED, "audit.log_batch", batch.pk)]
    true = {"audit.log_batch": {str(batch.pk): parts["2021-09 f"]}}
    _disposal(people, RecordKind.OTHER_LOGS, true, month=dt.date(2021, 9, 1))
    first, second = "DELETE FROM audit_logrow WHERE id = 1", "UPDATE audit_logrow SET host = 'x' WHERE id = 2"
    assert _found_after("audit_logrow", first) == []
    assert _found_after("audit_logrow", f"{first}; {second}") == changed, (
        "a neighbour that is kept for longer"
    )
    rows = {"audit.log_batch": {str(batch.pk): parts[f"{month:%Y-%m} t"]}}
    future = timezone.now() + dt.timedelta(days=9 * 366)
    for kind, gone, values in (
        (RecordKind.SESSIONS, {"audit.mismatch_reason": [reason.pk]}, {}),
        (RecordKind.SESSIONS, {"audit.mismatch_reason": [reason.pk]}, {"decided_at": future}),
        (RecordKind.OTHER_LOGS, {"audit.mismatch_reason": [reason.pk]}, {}),
        (RecordKind.NUMBER_LOGS, rows, {"month": month}),
        (RecordKind.NUMBER_LOGS, rows, {"month": month, "decided_at": future}),
        (RecordKind.NUMBER_LOGS, {"audit.log_chunk": {str(chunk.pk): ["", _left("audit.log_chunk", chunk.pk, "data")]}}, {}),
        (RecordKind.REPORTS, {"audit.report_file": {str(file.pk): ["", "", _left("audit.report_file", file.pk, "content")]}}, {}),
        (RecordKind.REPORTS, {"audit.report_file": "x"}, {}),
    ):  # fmt: skip
        _disposal(people, kind, gone, **values)
    sealing.seal(now=timezone.now())
    assert verifying.verify().fits

    table, key = "audit_mismatchreason", ("audit.mismatch_reason", reason.pk)
    assert _found_after(table, f"DELETE FROM {table} WHERE id = {reason.pk}") == [(Kind.DELETED, *key)]
    assert _found_after(table, f"UPDATE {table} SET text = 'x' WHERE id = {reason.pk}") == [
        (Kind.CHANGED, *key)
    ]
    for statement in (
        "DELETE FROM audit_logrow WHERE id = {}",
        "UPDATE audit_logrow SET host = 'x' WHERE id = {}",
    ):
        for row in (2, 3):  # under a disposal of another month, and of its own, which is not over
            assert _found_after("audit_logrow", statement.format(row)) == changed
    _disposal(people, RecordKind.NUMBER_LOGS, rows)
    assert _found_after("audit_logrow", "DELETE FROM audit_logrow WHERE id = 3") == changed, "a month that is"
    assert _found_after("audit_logchunk", "UPDATE audit_logchunk SET data = ''") == [
        (Kind.CHANGED, "audit.log_chunk", chunk.pk)
    ]
    assert _found_after(
        "audit_reportfile", f"UPDATE audit_reportfile SET content = '' WHERE id = {file.pk}"
    ) == [(Kind.CHANGED, "audit.report_file", file.pk)]


def _left(name: str, key: int, column: str) -> str:
    """The digest of a record without its content, as its disposal would tell it."""
    source = find_source(name)
    assert source is not None
    with transaction.atomic():
        _forge(source.table, f"UPDATE {source.table} SET {column} = ''")
        left = left_of(source, [key])[key]
        transaction.set_rollback(True)
    return left


def test_sec_02_a_disposal_explains_only_what_two_people_decided_one_after_the_other(
    people: tuple[User, User],
) -> None:
    """Of records that are old enough, a row is gone under a record that the portal would not have written."""
    world.report(sessions=1)
    reason = MismatchReason.system.first()
    assert reason is not None
    sealing.seal(now=THEN)
    gone, now = {"audit.mismatch_reason": [reason.pk]}, timezone.now()
    table, found = "audit_mismatchreason", [(Kind.DELETED, "audit.mismatch_reason", reason.pk)]
    delete = f"DELETE FROM {table} WHERE id = {reason.pk}"
    _disposal(people, RecordKind.SESSIONS, gone, proposed_at=now + dt.timedelta(minutes=1))
    _disposal(people, RecordKind.LEDGERS, gone)
    _disposal(people, RecordKind.SESSIONS, gone, month=dt.date(now.year - 6, 1, 1))
    _disposal(people, RecordKind.SESSIONS, gone, state="REFUSED")
    two_people = next(each for each in Disposal._meta.constraints if each.name == "disposal_two_people")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Disposal, two_people)
    alone = _disposal((people[0], people[0]), RecordKind.SESSIONS, gone)
    try:
        assert _found_after(table, delete) == found
        assert _found_after(table, f"UPDATE {table} SET text = 'x' WHERE id = {reason.pk}") == [
            (Kind.CHANGED, "audit.mismatch_reason", reason.pk)
        ]
    finally:
        _forge("audit_disposal", f"DELETE FROM audit_disposal WHERE id = {alone.pk}")
        with connection.schema_editor() as editor:
            editor.add_constraint(Disposal, two_people)

    _disposal(people, RecordKind.SESSIONS, gone)
    assert _found_after(table, delete) == [], "the portal's own would look like that"
    assert _found_after(table, f"UPDATE {table} SET text = 'x' WHERE id = {reason.pk}") == [
        (Kind.CHANGED, "audit.mismatch_reason", reason.pk)
    ]


def test_a_pdf_that_somebody_swapped_in_the_database_is_named(
    monkeypatch: pytest.MonkeyPatch, signer: RunningSigner
) -> None:
    _report(monkeypatch)
    pdf = ReportFile.system.filter(format="PDF").first()
    assert pdf is not None
    _forge(
        "audit_reportfile", "UPDATE audit_reportfile SET content = %s WHERE id = %s", b"%PDF forged", pdf.pk
    )

    found = verifying.verify().findings[0]

    assert (found.kind, found.source, found.key) == (Kind.CHANGED, "audit.report_file", pdf.pk)


def test_a_file_bears_the_checkpoint_that_was_newest_when_it_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkpoint = sealing.seal(now=timezone.now())

    _report(monkeypatch)

    assert f"{checkpoint.size:d}" in ReportFile.system.filter(format="PDF")[0].checkpoint.replace(",", "")
