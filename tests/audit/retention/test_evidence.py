"""What was disposed of by two people is explained to the evidence; what was swapped is named (SEC-02, AUD-09)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from audit.imports.models import LogBatch, LogImport, LogRow
from audit.ledgers.models import WorkEntry
from audit.reconciliation.models import Reconciliation
from audit.reports.documents import files, making
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from audit.retention import services
from audit.retention.errors import Refused
from audit.retention.models import Disposal, RecordKind
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail import sealing, verifying
from portal.trail.findings import Kind
from tests import factories
from tests.audit.documents import world
from tests.audit.ledgers.world import work
from tests.audit.retention.test_disposal import OLD, _row
from tests.evidence import RunningSigner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signer")]

LATER = dt.date(2018, 11, 1)


@pytest.fixture
def people() -> tuple[User, User]:
    return factories.operator(), factories.user(Role.APPROVER, code="central")


def _dispose(kind: RecordKind, people: tuple[User, User], month: dt.date = OLD) -> None:
    now = timezone.now()
    asked = services.propose(kind=kind, month=month, reason="保存期間満了", actor=people[0], now=now)
    services.decide(disposal=asked, approve=True, answer="", actor=people[1], now=now)
    sealing.seal(now=now)


def _report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF " + checkpoint.encode())
    report = world.report(sessions=1)
    AuditReport.system.filter(pk=report.pk).update(cycle=world.cycle(OLD), status=ReportStatus.COPY_STORED)
    making.order(report=AuditReport.system.get(pk=report.pk), stage="ORIGINAL", now=world.NOW)
    making.make_owed_files(now=world.NOW)
    sealing.seal(now=timezone.now())


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

    assert Disposal.objects.get().gone == {"audit.report_file": files_before}
    one = ReportFile.system.first()
    assert one is not None
    for column, value in (("sha256", "0" * 64), ("name", "other.pdf")):
        _forge("audit_reportfile", f"UPDATE audit_reportfile SET {column} = %s WHERE id = %s", value, one.pk)
        (found,) = verifying.verify().findings
        assert (found.kind, found.source, found.key) == (Kind.CHANGED, "audit.report_file", one.pk)
        _forge(
            "audit_reportfile",
            f"UPDATE audit_reportfile SET {column} = %s WHERE id = %s",
            getattr(one, column),
            one.pk,
        )
    assert verifying.verify().fits


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


def _batch(operator: User, *months: dt.date) -> LogBatch:
    """A sealed batch with one row about individual numbers in each of these months."""
    brought = LogImport.objects.create(
        log_kind="DATABASE",
        month=OLD,
        file_name="a.csv",
        sha256="0" * 64,
        size=1,
        encoding="utf-8",
        line_count=len(months),
        chunk_count=1,
        uploaded_by=operator,
        uploaded_at=timezone.now(),
        last_at=dt.datetime(OLD.year, OLD.month, 15, tzinfo=dt.UTC),
    )
    batch = LogBatch.objects.create(
        log_import=brought, chunk=0, row_count=len(months), made_at=timezone.now()
    )
    for number, month in enumerate(months, start=1):
        _row(number, month, numbers=True, batch=batch.pk)
    sealing.seal(now=timezone.now())
    return batch


def _work(begin: dt.datetime) -> WorkEntry:
    return work(planned_from=begin, planned_until=begin + dt.timedelta(hours=2))


def _forge(table: str, statement: str, *values: object) -> None:
    """As the owner of the tables can."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
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


def test_reasons_and_works_that_two_people_disposed_of_are_counted_and_others_missed(
    people: tuple[User, User],
) -> None:
    report = world.report(sessions=1)
    Reconciliation.system.update(cycle=world.cycle(OLD))
    _work(dt.datetime(OLD.year, OLD.month, 3, 9, tzinfo=JST))
    kept = _work(dt.datetime(2026, 9, 3, 9, tzinfo=JST)).changes.get()
    sealing.seal(now=timezone.now())
    assert report.pk

    _dispose(RecordKind.SESSIONS, people)
    _dispose(RecordKind.LEDGERS, people)

    result = verifying.verify()
    assert result.fits, result.findings
    assert result.disposed == 4 + 1
    _forge("audit_workchange", "DELETE FROM audit_workchange WHERE id = %s", kept.pk)
    (found,) = verifying.verify().findings
    assert (found.kind, found.source, found.key) == (Kind.DELETED, "audit.work_change", kept.pk)


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
