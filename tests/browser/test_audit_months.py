"""The calendar, a month, deadlines and closures of the audit in a browser: good pages, and a version entered by keyboard."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from audit.cycles import services
from audit.cycles.models import Closure, DeadlinePolicy
from audit.reports.models import AuditReport, ReportStatus
from portal.orgs.permissions import Role
from tests import factories
from tests.browser.conftest import Office
from tests.browser.good import expect_good, expect_good_here

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pages_of_the_months_are_good_and_a_version_is_entered(office: Office) -> None:
    now = timezone.now()
    services.open_cycle(month=(now - dt.timedelta(days=62)).date().replace(day=1), now=now)
    services.open_due_cycles(now)
    month = services.AuditCycle.objects.earliest("month")
    AuditReport.system.filter(cycle=month, organisation__code="13").update(
        status=ReportStatus.PROVIDED, provided_at=now
    )
    operator = factories.operator()
    Closure.objects.create(day=now.date() + dt.timedelta(days=40), name="開所記念日", made_by=operator)
    officer = office.desk_of(factories.user(Role.SECURITY_OFFICER))
    desk = office.desk_of(factories.user(Role.AUDIT_REVIEWER, code="central"))

    for path in ("/audit/calendar/", f"/audit/cycles/{month.key}/", "/audit/closures/"):
        expect_good(officer, path)
    for path in (
        "/audit/calendar/",
        "/audit/calendar/?owner=CENTRAL",
        f"/audit/cycles/{month.key}/",
        "/audit/closures/",
        "/audit/deadlines/",
        "/audit/deadlines/2020-01/",
        "/audit/deadlines/new/",
    ):
        expect_good(desk, path)

    desk.page.fill("input[name=note]", "試行")
    desk.page.fill("input[name=s4-due_day]", "1")
    desk.press("最初の12か月を確認する")
    expect_good_here(desk)
    assert "前の工程の期限日より前の日です。" in desk.page.inner_text("main")
    desk.page.fill("input[name=s4-due_day]", "26")
    desk.press("最初の12か月を確認する")
    expect_good_here(desk)
    desk.press("この版を登録する")
    expect_good_here(desk)
    assert DeadlinePolicy.objects.latest("valid_from").steps.get(step=4).due_day == 26
    assert office.csp_hits() == []
