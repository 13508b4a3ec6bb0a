"""What a federation sees of 中央会's ledger, and the log rows behind a session (AUD-01, AUD-04, ORG-02)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.ledgers import selectors, services
from audit.reconciliation import logrows
from audit.reconciliation import services as reconciliation
from audit.reconciliation.logrows import rows_of_session
from audit.reconciliation.models import Mismatch
from audit.reports.models import AuditReport
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.imports import logs
from tests.audit.ledgers.world import NOW, jst, officer, reviewer, work
from tests.audit.reports import world
from tests.audit.review.test_reasons import made
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def test_aud_04_of_the_central_ledger_a_federation_sees_the_works_of_a_month_that_was_provided() -> None:
    auditor = factories.user(Role.AUDITOR)
    september, october = dt.date(2026, 9, 20), dt.date(2026, 9, 21)
    inside = work(planned_from=jst(22, day=september), planned_until=jst(23, day=september))
    across = work(planned_from=jst(23, day=september), planned_until=jst(1, day=october))
    outside = work(planned_from=jst(0, 0, day=october), planned_until=jst(2, day=october))
    foreign = work("27", planned_from=jst(22, day=september), planned_until=jst(23, day=september))
    report, _sessions = made()

    assert not selectors.works(auditor).exists()
    assert client_of(auditor).get(reverse("work", args=[inside.pk])).status_code == 404
    AuditReport.system.filter(pk=report.pk).update(status="PROVIDED", provided_at=timezone.now())

    assert set(selectors.works(auditor)) == {inside, across}
    assert client_of(auditor).get(reverse("work", args=[inside.pk])).status_code == 200
    for hidden in (outside, foreign):
        assert client_of(auditor).get(reverse("work", args=[hidden.pk])).status_code == 404
    assert dt.date(2026, 9, 1) == world.MONTH


def test_aud_03_logs_of_a_cancelled_work_are_a_mismatch_and_their_rows_stand_behind_it() -> None:
    day, keeper = dt.date(2026, 9, 1), reviewer()
    logs.host()
    entry = work(
        actor=keeper,
        hosts=["DBSV13"],
        accounts=["tanaka"],
        planned_from=jst(9, 50, day=day),
        planned_until=jst(10, 30, day=day),
    )
    services.cancel(entry_id=entry.pk, version=1, reason="延期", actor=keeper, now=NOW)
    logs.load(
        logs.text(
            logs.line("2026-09-01 10:00:00", object_name="T_ONE"),
            logs.line("2026-09-01 10:05:00", object_name="T_ONE"),
            logs.line("2026-09-01 10:02:00", object_name="T_ONE", user="suzuki"),
        )
    )
    month = world.cycle()
    run = reconciliation.reconcile(cycle=month, organisation=factories.organisation("13"), now=logs.NOW)
    report = world.report(month, status="CREATED", reconciliation=run)

    session = Mismatch.system.get(reconciliation=run, account="tanaka")

    assert (session.code, session.work_number, session.row_count) == ("L_CANCELLED", entry.work_number, 2)
    rows = rows_of_session(keeper, session)
    assert [(row.os_user, row.object_name) for row in rows] == [("tanaka", "T_ONE")] * 2
    assert not rows_of_session(officer("27"), session).exists()
    key = {"month": "2026-09", "code": "13", "revision": report.revision, "log": "database", "pk": session.pk}
    page = client_of(keeper).get(reverse("audit_session", kwargs=key)).content.decode()
    assert page.count("T_ONE") == 3


def test_the_log_rows_of_a_session_are_read_page_by_page_in_the_order_of_their_time(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(logrows, "SHOWN", 3)
    keeper = reviewer()
    logs.host()
    clocks = ["10:00:00", "10:02:00", "10:01:00", "10:02:00", "10:04:00", "10:03:00", "10:02:00"]
    logs.load(
        logs.text(
            *(logs.line(f"2026-09-01 {at}", rows=str(n + 1)) for n, at in enumerate(clocks)),
        )
    )
    run = reconciliation.reconcile(
        cycle=world.cycle(), organisation=factories.organisation("13"), now=logs.NOW
    )
    session = Mismatch.system.get(reconciliation=run)
    rows = list(logrows.rows_of_session(keeper, session))
    assert len(rows) == 7
    pages, cursor = [], ""

    while True:
        with django_assert_num_queries(1):
            page = logrows.page_of_session(keeper, session, cursor)
        pages.append(page)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor

    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert [row.pk for page in pages for row in page.rows] == [row.pk for row in rows]
    back = logrows.page_of_session(keeper, session, pages[2].previous_cursor or "")
    assert [row.pk for row in back.rows] == [row.pk for row in pages[1].rows]
    first = logrows.page_of_session(keeper, session, back.previous_cursor or "")
    assert [row.pk for row in first.rows] == [row.pk for row in rows[:3]]
    assert (pages[0].previous_cursor, first.previous_cursor) == (None, None)
    for nonsense in ("a1", "x", "a9.9.9", "a" + "9" * 30 + ".1"):
        assert logrows.page_of_session(keeper, session, nonsense).rows[0].pk == rows[0].pk
