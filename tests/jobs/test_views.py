"""The pages of jobs show the last and the next run and start one by hand (SEC-04)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import JobRun
from portal.jobs.table import all_jobs
from portal.orgs.permissions import Role
from tests.jobs.support import job, use_table
from tests.roles import client_for

pytestmark = pytest.mark.django_db


def add_runs(count: int, **changes: Any) -> None:
    now = timezone.now()
    for number in range(count):
        moment = now - dt.timedelta(days=number)
        values = {"job": "test", "status": "DONE", "started_at": moment, "finished_at": moment}
        JobRun.objects.create(
            **values | changes, period=f"{moment:%Y-%m-%dT%H:%M}", lease_until=moment, summary="3"
        )


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
    name = all_jobs()[0].name

    for path in ("/jobs/", f"/jobs/{name}/", f"/jobs/{name}/run/"):
        assert client_for(role, code=code).get(path).status_code == 403


def test_without_login_nothing_is_shown(client: Client) -> None:
    assert client.get("/jobs/").status_code == 302


def test_the_history_has_pages_and_names_who_started(monkeypatch: pytest.MonkeyPatch) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")
    add_runs(60, requested_by=client.user)  # type: ignore[attr-defined]

    first = client.get("/jobs/test/")
    second = client.get(f"/jobs/test/?cursor={first.context['page'].next_cursor}")

    assert [len(shown.context["page"].rows) for shown in (first, second)] == [50, 10]
    assert client.user.display_name in first.content.decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/jobs/", "/jobs/test/"])
def test_the_pages_cost_the_same_with_many_runs(
    path: str, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")
    client.get(path)
    add_runs(1)
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(40) as captured:
            client.get(path)
        counts.append(len(captured))
        JobRun.objects.all().delete()
        add_runs(30)

    assert counts[0] == counts[1]


def test_a_job_is_started_by_hand_after_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")

    asked = client.get("/jobs/test/run/")
    nothing_yet = JobRun.objects.count()
    started = client.post("/jobs/test/run/", follow=True)
    twice = client.post("/jobs/test/run/")

    assert (asked.status_code, nothing_yet) == (200, 0)
    assert started.redirect_chain == [("/jobs/test/", 302)]
    assert 'hx-trigger="every 2s"' in started.content.decode()
    assert twice.status_code == 409
    assert JobRun.objects.get().requested_by == client.user  # type: ignore[attr-defined]


def test_the_moving_part_alone_is_sent_to_htmx_and_stops_moving_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")
    add_runs(1)

    part = client.get("/jobs/test/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert "hx-trigger" not in part


def test_an_auditor_reads_and_does_not_start() -> None:
    name = all_jobs()[0].name
    client = client_for(Role.AUDITOR, code="operations")

    assert client.get(f"/jobs/{name}/").status_code == 200
    assert client.post(f"/jobs/{name}/run/").status_code == 403


def test_a_job_that_never_was_is_not_found_and_a_retired_one_has_its_history() -> None:
    client = client_for(Role.OPERATOR, code="operations")
    add_runs(1, job="retired")

    assert client.get("/jobs/nothing/").status_code == 404
    assert client.get("/jobs/nothing/run/").status_code == 404
    assert client.get("/jobs/retired/").status_code == 200
    assert client.get("/jobs/retired/run/").status_code == 404


def test_the_menu_counts_failing_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")
    add_runs(2, status="FAILED")

    assert client.get("/jobs/").context["navigation"].counts.failing_jobs == 1


def test_rest_lists_jobs_and_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    use_table(monkeypatch, job())
    client = client_for(Role.OPERATOR, code="operations")
    add_runs(1)

    (listed,) = client.get("/api/v1/jobs/").json()
    started = client.post("/api/v1/jobs/test/runs/")
    twice = client.post("/api/v1/jobs/test/runs/")
    runs = client.get("/api/v1/jobs/test/runs/").json()["results"]

    assert (listed["name"], listed["last_run"]["status"], listed["open_run"]) == ("test", "DONE", None)
    assert (started.status_code, started.json()["by_hand"]) == (202, True)
    assert (twice.status_code, twice.json()["code"]) == (409, "already-running")
    assert [run["status"] for run in runs] == ["QUEUED", "DONE"]
    assert client.post("/api/v1/jobs/nothing/runs/").status_code == 404
    assert client_for(Role.AUDITOR, code="operations").post("/api/v1/jobs/test/runs/").status_code == 403
    assert client_for(Role.APPLICANT).get("/api/v1/jobs/").status_code == 403
