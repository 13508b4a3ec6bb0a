"""A month is opened once, by whomever, in order, with its days frozen and a report for each federation (AUD-08, SEC-04)."""

from __future__ import annotations

import datetime as dt

import pytest

from audit.cycles import dates, rules, selectors, services
from audit.cycles.models import AuditCycle, Closure, CycleStep, DeadlinePolicy, PolicyStep, Step
from audit.reports.models import AuditReport, ReportStatus
from portal.jobs import services as jobs
from portal.jobs.table import find_job
from portal.schedule import JOBS
from portal.trail.models import TrailEntry
from tests.audit import world
from tests.audit.world import jst
from tests.threads import at_once

SEPTEMBER, OCTOBER = dt.date(2026, 9, 1), dt.date(2026, 10, 1)


@pytest.mark.django_db
def test_a_new_portal_begins_with_the_month_that_is_due_and_owes_nothing_for_the_past() -> None:
    assert [c.month for c in services.open_due_cycles(jst(2026, 10, 20, 23, 59))] == [SEPTEMBER]
    assert services.open_due_cycles(jst(2026, 10, 20, 23, 59)) == []
    assert [c.month for c in services.open_due_cycles(jst(2026, 10, 21, 0, 0))] == [OCTOBER]


@pytest.mark.django_db
def test_the_scheduler_was_down_from_the_20th_to_the_29th_and_for_three_months() -> None:
    services.open_due_cycles(jst(2026, 6, 21, 0, 4))

    opened = services.open_due_cycles(jst(2026, 9, 29, 8, 0))

    assert [c.key for c in opened] == ["2026-07", "2026-08", "2026-09"]
    assert [c.covers_from.isoformat() for c in opened] == ["2026-06-21", "2026-07-21", "2026-08-21"]
    september = opened[-1].steps.get(step=Step.CREATE)
    assert (september.starts_on, september.due_on) == (dt.date(2026, 9, 21), dt.date(2026, 9, 28))


@pytest.mark.django_db
def test_the_job_runs_once_each_day_and_catches_up_after_an_outage() -> None:
    (job,) = [job for job in JOBS if job.name == "open_audit_cycles"]

    jobs.run_job(job, now_fn=lambda: jst(2026, 9, 19, 0, 5))
    assert [c.key for c in AuditCycle.objects.all()] == ["2026-08"]
    (run,) = jobs.run_job(job, now_fn=lambda: jst(2026, 9, 29, 10, 0))

    assert run.summary == "2026-09"
    assert jobs.run_job(job, now_fn=lambda: jst(2026, 9, 29, 10, 1)) == []
    assert find_job("open_audit_cycles") == job


@pytest.mark.django_db
def test_opening_plans_one_report_for_each_federation_and_none_for_the_staging_one() -> None:
    cycle = world.open_cycle()

    rows = AuditReport.system.filter(cycle=cycle).select_related("organisation")
    assert len(rows) == 47
    assert {(r.status, r.revision, r.is_current, r.organisation.kind) for r in rows} == {
        (ReportStatus.PLANNED, 1, True, "FEDERATION")
    }
    entry = TrailEntry.objects.get(action="audit_cycle.open")
    assert (entry.object_label, entry.detail) == ("2026-09", {"policy": "2020-01", "reports": 47})


@pytest.mark.django_db
def test_a_month_keeps_the_days_it_was_born_with_whatever_is_decided_later() -> None:
    cycle = world.open_cycle()
    before = list(cycle.steps.values_list("step", "starts_on", "due_on", "min_working_days"))

    PolicyStep.objects.update(due_day=10, min_working_days=9)
    Closure.objects.create(day=dt.date(2026, 10, 20), name="臨時休業")
    services.open_due_cycles(jst(2026, 9, 30))

    assert list(cycle.steps.values_list("step", "starts_on", "due_on", "min_working_days")) == before
    assert [s.pk for s in selectors.cycle("2026-09").steps.all()] == [s.pk for s in cycle.steps.all()]


@pytest.mark.django_db
def test_a_month_is_born_with_the_version_and_the_closures_of_its_day() -> None:
    new = DeadlinePolicy.objects.create(valid_from=OCTOBER, opens_day=16, covers_from_day=16)
    for rule in PolicyStep.objects.filter(policy__valid_from=dt.date(2020, 1, 1)):
        rule.pk, rule.policy = None, new
        rule.save()
    Closure.objects.create(day=dt.date(2026, 10, 28), name="臨時休業")

    opened = services.open_due_cycles(jst(2026, 9, 25)) + services.open_due_cycles(jst(2026, 10, 16))

    september, october = opened
    assert [c.policy.valid_from for c in opened] == [dt.date(2020, 1, 1), OCTOBER]
    # Nothing is left out and nothing reported twice where the day changes.
    assert (september.covers_until, october.covers_from) == (dt.date(2026, 9, 20), dt.date(2026, 9, 21))
    assert october.covers_until == dt.date(2026, 10, 15)
    first = selectors.step(october, Step.CREATE)
    assert (first.starts_on, first.due_on, first.moved) == (
        dt.date(2026, 10, 16),
        dt.date(2026, 10, 29),
        "10月28日は臨時休業のため、次の営業日の10月29日へ",
    )


@pytest.mark.django_db
def test_the_first_version_of_a_new_portal_is_that_of_the_notes() -> None:
    first = DeadlinePolicy.objects.get()

    fields = services.RULE_FIELDS
    assert [[getattr(s, f) for f in fields] for s in first.steps.all()] == [
        [getattr(s, f) for f in fields] for s in rules.default_steps()
    ]


@pytest.mark.django_db
def test_two_and_three_months_run_at_the_same_time() -> None:
    august, september = world.open_cycle(dt.date(2026, 8, 1)), world.open_cycle()
    world.all_reports(august, ReportStatus.PROVIDED)

    assert selectors.current_cycles(dt.date(2026, 9, 25)) == [august, september]
    october = world.open_cycle(OCTOBER)
    assert selectors.current_cycles(dt.date(2026, 10, 21)) == [august, september, october]  # August is late
    world.all_reports(august, ReportStatus.COPY_STORED)
    assert selectors.current_cycles(dt.date(2026, 10, 21)) == [september, october]


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_open_each_month_once() -> None:
    services.open_due_cycles(jst(2026, 6, 25))
    now = jst(2026, 9, 29)

    results = at_once(*[lambda: services.open_due_cycles(now)] * 2)

    opened = sorted(c.key for found in results for c in found)
    assert opened == ["2026-07", "2026-08", "2026-09"]
    assert AuditCycle.objects.count() == 4
    assert (CycleStep.objects.count(), AuditReport.system.count()) == (28, 188)
    assert dates.add_months(dt.date(2026, 12, 1), 1) == dt.date(2027, 1, 1)
