"""Audit reports over REST: the same steps, the same refusals (AUD-02…AUD-07)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.reports.models import AuditReport
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests.audit.reports import world
from tests.audit.reports.steps import People, one_file, walk
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def report() -> AuditReport:
    return world.report(world.cycle())


def post(actor: User, report: AuditReport, step: str, **body: Any) -> Any:
    report.refresh_from_db()
    address = f"/api/v1/audit/reports/{report.cycle.key}/13/{report.revision}/steps/{step}/"
    return client_of(actor).post(address, {"version": report.version} | body, content_type="application/json")


def test_the_steps_over_rest_say_who_was_faster_and_what_is_missing(
    people: People, report: AuditReport
) -> None:
    missing = post(people.operator, report, "create")
    world.run(report.cycle)
    made = post(people.operator, report, "create")
    again = post(people.operator, report, "create", version=1)
    strange = post(people.operator, report, "create", reason="x")
    other = post(people.manager, report, "central_confirm")

    assert missing.status_code == 422
    assert "突合" in missing.json()["detail"]
    assert (made.status_code, made.json()["status"], made.json()["version"]) == (200, "CREATED", 2)
    assert (again.status_code, again.json()["code"]) == (409, "changed-meanwhile")
    assert people.operator.display_name in again.json()["detail"]
    assert (strange.status_code, strange.json()["errors"][0]["path"]) == (422, "reason")
    assert other.status_code == 404  # not provided: the federation has none
    assert post(people.reviewer, report, "central_confirm").status_code == 403
    assert post(people.confirmer, report, "nothing").status_code == 404


def test_what_is_beside_the_way_over_rest(people: People, report: AuditReport) -> None:
    walk(report, people, "federation_confirm")

    presented = post(people.officer, report, "present", presented=True, to="東京都", on="2026-10-20")
    world.run(report.cycle)
    supplement = post(people.operator, report, "supplement", reason="転送の停止")

    assert presented.json()["presentation"] == "PRESENTED"
    assert post(people.officer, report, "present").status_code == 422
    assert (supplement.json()["revision"], supplement.json()["status"]) == (2, "CREATED")


def test_lists_and_files_over_rest(people: People, report: AuditReport) -> None:
    walk(report, people, "provide")
    file = one_file(report, "PROVIDED")
    browser: Client = client_of(people.officer)
    base = "/api/v1/audit/reports/"

    listed = browser.get(f"{base}?month={report.cycle.key}").json()
    one = browser.get(f"{base}{report.cycle.key}/13/1/").json()
    to = f"{base}{report.cycle.key}/13/1/files/{file.pk}/"
    taken = browser.get(f"{to}?reason=監査").json()

    assert [row["organisation"] for row in listed["results"]] == ["13"]
    assert len(one["files"]) == 6
    assert base64.b64decode(taken["content"]) == bytes(file.content)
    assert browser.get(to).status_code == 400
    assert TrailEntry.objects.get(action="audit_report.download").detail["reason"] == "監査"


def test_a_repeated_request_does_a_step_once(people: People, report: AuditReport) -> None:
    world.run(report.cycle)
    address = f"/api/v1/audit/reports/{report.cycle.key}/13/1/steps/create/"
    browser = client_of(people.operator)

    answers = [
        browser.post(
            address, {"version": 1}, content_type="application/json", headers={"Idempotency-Key": "once"}
        )
        for _n in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert report.events.count() == 1
    assert timezone.now() > report.events.get().at
