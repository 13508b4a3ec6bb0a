"""The page of jobs shows the last and the next run (SEC-04)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import JobRun
from portal.jobs.table import all_jobs
from portal.orgs.permissions import Role
from tests.roles import client_for

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_operations_see_every_job_with_its_runs(role: str) -> None:
    services.run_due(timezone.now())
    JobRun.objects.create(
        job="retired", period="2020-01-01T00:00", started_at=timezone.now(), lease_until=timezone.now()
    )

    shown = client_for(role, code="operations").get("/jobs/")

    assert shown.status_code == 200
    text = shown.content.decode()
    assert all(str(job.label) in text for job in all_jobs())
    assert "retired" in text


def test_before_the_first_run_the_page_says_so() -> None:
    shown = client_for(Role.OPERATOR, code="operations").get("/jobs/")

    assert 'class="c-empty"' in shown.content.decode()


@pytest.mark.parametrize(("role", "code"), [(Role.SECURITY_MANAGER, "13"), (Role.AUDITOR, "central")])
def test_others_do_not(role: str, code: str) -> None:
    assert client_for(role, code=code).get("/jobs/").status_code == 403


def test_without_login_nothing_is_shown(client: Client) -> None:
    assert client.get("/jobs/").status_code == 302
