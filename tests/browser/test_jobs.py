"""The pages of scheduled jobs, with a run under way (SEC-04)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.jobs.models import JobRun
from tests.browser.conftest import Office
from tests.browser.good import expect_good

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pages_of_jobs_are_good_while_one_runs(office: Office) -> None:
    desk = office.desk_of(office.lab.cast.operator)
    now = timezone.now()
    values = {"job": "purge_sessions", "started_at": now, "lease_until": now}
    JobRun.objects.create(period="2026-11-20T03:20", status="FAILED", finished_at=now, summary="x", **values)
    JobRun.objects.create(
        period="2026-11-21T03:20", status="RUNNING", progress_done=3, progress_total=9, **values
    )

    for path in ("/jobs/", "/jobs/purge_sessions/", "/jobs/purge_sessions/run/", "/jobs/remind_overdue/run/"):
        expect_good(desk, path)
