"""What 中央会 drafts for a revision shows through nowhere before it was provided, and a replaced one stays (AUD-04, AUD-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.dashboards import selectors as dashboards
from audit.reconciliation.models import Mismatch, Side
from audit.reports import page
from audit.reports.models import AuditReport
from portal.orgs.models import User
from tests.audit.reports import world
from tests.audit.review.test_reasons import NOW, officer, reviewer
from tests.audit.review.test_screens import address, text
from tests.roles import client_of

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
DRAFT, SAID, OWN = "次の版の下書きです。", "提供した理由です。", "連合会が次の版に書いた理由です。"


@pytest.fixture
def month() -> tuple[AuditReport, AuditReport, list[Mismatch]]:
    """r1 was provided with a reason for the first session alone; its correction holds a draft for both, in the same run."""
    cycle = world.cycle()
    run = world.run(cycle)
    sessions = [world.mismatch(run), world.mismatch(run)]
    old = world.report(cycle, status="SUPERSEDED", is_current=False, reconciliation=run, provided_at=NOW)
    old.events.create(verb="superseded", at=NOW + HOUR)
    new = world.report(cycle, status="CREATED", revision=2, reconciliation=run)
    world.reason(sessions[0], text=SAID, given_at=NOW - HOUR)
    for session in sessions:
        world.reason(session, text=DRAFT, code="FORM_ERROR", given_at=NOW + 2 * HOUR)
    return old, new, sessions


def everywhere(browser: Client, report: AuditReport, session: Mismatch) -> str:
    """What all pages, files and answers together say of the reasons."""
    why = {"purpose": "CHECK", "text": "月次点検"}
    key = {"month": report.cycle.key, "code": "13", "revision": report.revision}
    answers: list[Any] = [
        browser.get(address(report)),
        browser.get(address(report, "audit_session", pk=session.pk)),
        browser.get(address(report, "audit_sessions_print")),
        browser.post(address(report, "audit_sessions_export"), why),
        browser.get(reverse("api_audit_mismatches", kwargs=key)),
    ]
    assert {answer.status_code for answer in answers} == {200}
    return "".join(map(text, answers))


def figures(person: User) -> dict[str, int]:
    """The reasons of the year on the overview."""
    return {bar.label: bar.count for bar in dashboards.findings(person, 2026).reasons}


def test_aud_04_a_federation_reads_no_draft_of_central_on_any_page_file_answer_filter_or_figure(
    month: tuple[AuditReport, AuditReport, list[Mismatch]],
) -> None:
    old, new, sessions = month
    one, central = officer(), reviewer()
    browser = client_of(one)
    key = {"month": old.cycle.key, "code": "13", "revision": 1}
    api = reverse("api_audit_mismatches", kwargs=key)

    read = everywhere(browser, old, sessions[0])

    assert DRAFT not in read
    assert read.count(SAID) == 5
    for reason, count in (("FORM_ERROR", 0), ("EMERGENCY", 1)):
        assert len(browser.get(f"{api}?reason={reason}").json()["results"]) == count
        assert (SAID in text(browser.get(f"{address(old)}?reason={reason}"))) is bool(count)
    assert [line.central for line in page.mismatches(one, old)] == [1]
    assert figures(one) == {"緊急作業": 1}
    assert browser.get(address(new)).status_code == 404
    assert everywhere(client_of(central), new, sessions[1]).count(DRAFT) > 5
    assert [line.central for line in page.mismatches(central, new)] == [2]
    assert sum(figures(central).values()) == 2


def test_aud_10_a_replaced_revision_keeps_its_reasons_when_the_next_one_is_provided(
    month: tuple[AuditReport, AuditReport, list[Mismatch]],
) -> None:
    old, new, sessions = month
    AuditReport.system.filter(pk=new.pk).update(status="PROVIDED", provided_at=NOW + 3 * HOUR)
    new.refresh_from_db()
    world.reason(sessions[0], Side.FEDERATION, text=OWN, given_at=NOW + 4 * HOUR)
    assert timezone.now() > NOW

    for person in (officer(), reviewer()):
        browser = client_of(person)
        before, after = everywhere(browser, old, sessions[0]), everywhere(browser, new, sessions[0])

        assert (DRAFT in before, OWN in before, SAID in before) == (False, False, True)
        assert (DRAFT in after, OWN in after) == (True, True)
        assert sum(figures(person).values()) == 2
