"""Who makes a report is told which logs it would lack; a run whose worker ended holds up nothing (AUD-10, ACC-12)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.cycles.models import AuditCycle
from audit.imports import loading
from audit.jobs import JOBS
from audit.reconciliation import services as reconciliation
from audit.reconciliation.models import Reconciliation
from audit.reports import revisions
from audit.reports.models import AuditReport
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories
from tests.audit import world
from tests.audit.imports import logs
from tests.audit.reports import world as rows
from tests.audit.reports.steps import People, walk
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
LATE = "このレポートの作成後に届いたログがあります"
HOUR = dt.timedelta(hours=1)
TO_COME = "反映されていないログがあります"


@pytest.fixture
def month() -> AuditCycle:
    cycle = world.open_cycle()
    logs.host()
    reconciliation.reconcile(cycle=cycle, organisation=factories.organisation("13"), now=logs.NOW)
    return cycle


def page(person: User, revision: int = 1) -> str:
    return client_of(person).get(reverse("audit_report", args=["2026-09", "13", revision])).content.decode()


def job(now: dt.datetime) -> int:
    """What the scheduler does each hour; for how many federations it compared anew."""
    return next(job for job in JOBS if job.name == "reconcile_logs").run(now=now)


def supplement(report: AuditReport, people: People, now: dt.datetime) -> AuditReport:
    report.refresh_from_db()
    return revisions.supplement(
        report_id=report.pk, version=report.version, reason="転送停止", actor=people.operator, now=now
    )


def test_aud_10_an_import_that_is_not_done_is_named_before_the_report_is_made(month: AuditCycle) -> None:
    actor = logs.operator()
    made = logs.upload(logs.text(logs.line()), actor=actor)
    assert TO_COME not in page(actor)
    loading.start(import_id=made.pk, actor=actor, now=timezone.now())

    told = page(actor)
    many = client_of(actor).get(reverse("audit_report_many", args=["create"])).content.decode()

    for text in (told, many):
        assert TO_COME in text
        assert "splunk.csv</a> 取込み待ち" in text
    assert month.pk
    assert TO_COME not in page(factories.user(Role.AUDIT_REVIEWER, code="central"))


def test_aud_10_rows_that_came_after_the_last_reconciliation_are_said_until_it_is_done_anew(
    month: AuditCycle,
) -> None:
    operator = logs.operator()
    made = logs.load(logs.text(logs.line()))
    made.finished_at = logs.NOW + dt.timedelta(minutes=5)
    made.save()

    before = page(operator)
    reconciliation.reconcile_again(now=logs.NOW + dt.timedelta(hours=1))

    assert TO_COME in before
    assert "09:00の突合の後に取り込まれたログがあります" in before.replace(" ", "")
    assert TO_COME not in page(operator)


def test_aud_10_an_import_of_rows_that_were_there_already_hinders_nothing(month: AuditCycle) -> None:
    logs.load(logs.text(logs.line()))
    reconciliation.reconcile_again(now=logs.NOW + dt.timedelta(hours=1))
    again = logs.load(logs.text(logs.line()) + b"\n")
    again.finished_at = logs.NOW + dt.timedelta(hours=2)
    again.save()

    assert again.duplicate_count == 1
    assert TO_COME not in page(logs.operator())


def test_acc_12_a_run_whose_worker_ended_is_given_up_and_holds_up_no_report(month: AuditCycle) -> None:
    """Its rows and works are those of the run before: nothing else would ever start another one."""
    lost = Reconciliation.system.create(
        cycle=month, organisation=factories.organisation("13"), started_at=logs.NOW
    )
    operator = client_for(Role.OPERATOR, code="operations")
    here = reverse("audit_report", args=["2026-09", "13", 1])
    assert "まだ終わっていません" in operator.get(here).content.decode()

    reconciliation.reconcile_again(now=logs.NOW + dt.timedelta(minutes=20))
    lost.refresh_from_db()
    assert lost.state == "RUNNING", "it may still be at work"
    reconciliation.reconcile_again(now=logs.NOW + dt.timedelta(hours=1))

    lost.refresh_from_db()
    assert (lost.state, lost.problem) == ("FAILED", "WorkerEnded")
    assert "まだ終わっていません" not in operator.get(here).content.decode()


def test_aud_10_a_report_that_lacks_late_logs_says_so_until_its_supplement_is_made(month: AuditCycle) -> None:
    operator, reviewer = logs.operator(), factories.user(Role.AUDIT_REVIEWER, code="central")
    first = reconciliation.newest_run(month, factories.organisation("13"))
    world.report(month, status="CREATED", reconciliation=first, made_at=logs.NOW)
    assert LATE not in page(operator)
    made = logs.load(logs.text(logs.line()))
    made.finished_at = logs.NOW + dt.timedelta(minutes=5)
    made.save()
    reconciliation.reconcile_again(now=logs.NOW + dt.timedelta(hours=1))

    told, read = page(operator), page(reviewer)

    assert LATE in told
    assert f'href="{reverse("log_import", args=[made.pk])}"' in told
    assert LATE in read
    assert reverse("log_import", args=[made.pk]) not in read
    world.report(
        month,
        status="CREATED",
        reconciliation=reconciliation.newest_run(month, factories.organisation("13")),
        made_at=logs.NOW + dt.timedelta(hours=1),
    )
    assert LATE not in page(operator)


def test_aud_10_logs_that_come_after_the_copy_is_kept_lead_to_a_supplement_by_the_jobs_alone() -> None:
    """A backlog of a collector arrives when the month is over: the report stays, a new run shows what it lacks."""
    people, cycle = People(), rows.cycle()
    logs.host()
    report, other = (rows.report(cycle, code) for code in ("13", "27"))
    at = dt.datetime(2026, 10, 30, 9, tzinfo=JST)
    assert job(at) == 2
    manager = factories.user(Role.SECURITY_MANAGER, code="27")
    for each, who in ((report, people), (other, replace(people, manager=manager))):
        walk(each, who, "store_copy")
    before = AuditReport.system.filter(pk=report.pk).values().get()
    at += 2 * HOUR
    assert job(at) == 0
    assert LATE not in page(people.operator)

    made = logs.load(logs.text(logs.line(), logs.line(host="dbsv13b")), now=at)
    assert (made.kept_count, made.held_count) == (1, 1)
    assert job(at) == 1

    assert AuditReport.system.filter(pk=report.pk).values().get() == before
    assert reconciliation.newest_run(cycle, other.organisation) == other.reconciliation
    assert LATE in page(people.operator)
    again = logs.load(logs.text(logs.line()) + b"\n", now=at)
    assert (again.kept_count, job(at + HOUR), job(at + 2 * HOUR)) == (0, 0, 0)
    assert not reconciliation.stored_before_rows(cycle)  # finished months are not counted anew every hour
    assert (
        not reconciliation.months_that_got_rows()
    )  # nor is their coverage read: that of 27 was looked at once
    with CaptureQueriesContext(connection) as sent:
        assert job(at + 2 * HOUR) == 0
    assert not [each for each in sent if 'DISTINCT "audit_logcoverage"' in each["sql"]]
    at += 3 * HOUR
    new = supplement(report, people, at)
    assert (new.status, new.reconciliation) == ("CREATED", reconciliation.newest_run(cycle, new.organisation))
    assert new.reconciliation.counts == {"DATABASE": {"U_NOPLAN": 1}}
    # Lines that had waited for their machine are late rows too, though their import ended long ago.
    AuditReport.system.filter(pk=new.pk).update(status="COPY_STORED", made_at=at)
    assert LATE not in page(people.operator, 2)
    logs.host("dbsv13b")
    assert job(at + HOUR * 48) == 1
    assert LATE in page(people.operator, 2)
    assert supplement(new, people, at + HOUR * 48).reconciliation.counts == {"DATABASE": {"U_NOPLAN": 2}}
