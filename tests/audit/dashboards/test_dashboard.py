"""The first page of the audit: exceptions first, one's own only, the same statements for one report and for 564."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from audit.cycles.models import AuditCycle, CycleStep, Step
from audit.dashboards import selectors
from audit.dashboards.matrix import Mark
from audit.reconciliation.models import Mismatch, ReasonCode, Reconciliation, Side
from audit.reports.models import AuditReport, ReportStatus
from portal.common.time import JST
from portal.orgs.models import Organisation
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit.documents import world
from tests.audit.reports import world as reports
from tests.roles import client_for

pytestmark = pytest.mark.django_db
TODAY = dt.datetime(2026, 10, 23, 9, 0, tzinfo=JST)
_DUE = {1: (9, 28), 2: (10, 20), 3: (10, 21), 4: (10, 27), 5: (10, 28), 6: (10, 28), 7: (10, 28)}


def _month(month: dt.date = dt.date(2026, 9, 1), later: int = 0) -> AuditCycle:
    cycle = world.cycle(month)
    for number, (due_month, due_day) in _DUE.items():
        day = dt.date(2026, due_month, due_day) + dt.timedelta(days=later)
        CycleStep.objects.get_or_create(
            cycle=cycle,
            step=Step(number),
            defaults={
                "owner": "CENTRAL",
                "due_day": due_day,
                "month_offset": 0,
                "roll": "NEXT",
                "starts_on": day,
                "due_on": day,
            },
        )
    return cycle


def _reports(cycle: AuditCycle, *codes: str, **fields: Any) -> None:
    provided = {"status": ReportStatus.PROVIDED, "provided_at": TODAY}
    AuditReport.system.bulk_create(
        AuditReport(cycle=cycle, organisation=factories.organisation(code), **provided | fields)
        for code in codes
    )


@pytest.fixture
def central() -> Client:
    return client_for(Role.AUDIT_REVIEWER, code="central")


@time_machine.travel(TODAY)
def test_federations_with_something_to_look_into_stand_before_all_others(central: Client) -> None:
    cycle = _month()
    _reports(cycle, "01", "02")
    _reports(
        cycle, "47", status=ReportStatus.CENTRAL_CONFIRMED, provided_at=None
    )  # should be provided by the 21st

    page = central.get("/audit/").content.decode()
    rows = page[page.index("<tbody>\n") :]

    assert rows.index("沖縄県国保連合会") < rows.index("北海道国保連合会")
    assert 'data-s="over"' in rows


@time_machine.travel(TODAY)
def test_a_federation_sees_itself_alone_and_not_before_it_was_provided() -> None:
    cycle = _month()
    _reports(cycle, "14")
    _reports(cycle, "13", status=ReportStatus.CREATED, provided_at=None)
    client = client_for(Role.SECURITY_MANAGER, code="13")

    page = client.get("/audit/").content.decode()
    rows = page[page.index("<tbody>\n") :]

    assert "神奈川県" not in page
    assert "東京都国保連合会" in rows
    assert 'data-s="run"' not in rows


@time_machine.travel(TODAY)
def test_aud_04_the_month_that_a_federation_looks_at_tells_nothing_of_reports_it_was_not_given() -> None:
    august, september = _month(dt.date(2026, 8, 1), later=-30), _month()
    _reports(august, "13", "14")
    _reports(september, "14", made_at=TODAY)
    _reports(september, "13", status=ReportStatus.CREATED, provided_at=None, made_at=TODAY)
    people = [("SECURITY_MANAGER", "13"), ("SECURITY_MANAGER", "14"), ("AUDIT_REVIEWER", "central")]

    found = [selectors.current_cycle(factories.user(role, code=code), 2026) for role, code in people]

    assert found == [august, september, september]


def test_aud_08_the_days_count_from_when_the_step_came_to_its_owner_until_the_cell_turns_red() -> None:
    cycle, reader = _month(), factories.user(Role.AUDIT_REVIEWER, code="central")
    confirmed = {"status": ReportStatus.CENTRAL_CONFIRMED, "provided_at": None}
    _reports(cycle, "13", **confirmed, central_confirmed_at=TODAY - dt.timedelta(days=20))
    _reports(cycle, "14", **confirmed, central_confirmed_at=TODAY + dt.timedelta(days=4))

    day = dt.date(2026, 10, 28)  # five working days after the day of step 3
    picture = selectors.matrix_of(reader, year=2026, current=cycle, today=day)

    marks = {row.organisation.code: row.current.mark for row in picture.rows}
    assert (marks["13"], marks["14"]) == (Mark.LONG_OVERDUE, Mark.OVERDUE)


@time_machine.travel(TODAY)
def test_what_came_back_is_counted_of_the_47_federations_and_not_of_the_staging_one(central: Client) -> None:
    assert Organisation.objects.filter(kind="STAGING").exists()
    _reports(_month(), "13", status=ReportStatus.RETURNED, returned_at=TODAY)

    page = central.get("/audit/").content.decode()

    assert "/ 47" in page
    assert "ステージング" not in page
    assert "送付済み" in page[: page.index("h-matrix")]
    assert "差戻し" not in page


@time_machine.travel(TODAY)
def test_without_a_role_in_the_audit_the_page_is_refused() -> None:
    assert client_for(Role.APPLICANT, code="13").get("/audit/").status_code == 403


@time_machine.travel(TODAY)
def test_the_page_takes_the_same_statements_for_one_report_and_for_all_of_a_year(central: Client) -> None:
    _reports(_month(), "13")
    central.get("/audit/")
    few = _statements(central)

    codes = list(Organisation.objects.filter(kind="FEDERATION").values_list("code", flat=True))
    for number in range(4, 9):
        month = _month(dt.date(2026, number, 1), later=-200)
        _reports(month, *codes, status=ReportStatus.COPY_STORED, returned_at=TODAY)

    assert _statements(central) == few


def _statements(client: Client) -> int:
    with CaptureQueriesContext(connection) as told:
        assert client.get("/audit/").status_code == 200
    return len(told)


@time_machine.travel(TODAY)
def test_the_file_says_what_the_page_shows_and_taking_it_is_recorded(central: Client) -> None:
    _reports(_month(), "13")

    answer = central.get("/audit/export/?year=2026&format=xlsx")

    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active  # type: ignore[attr-defined]
    lines = {row[0].value: [cell.value for cell in row] for row in sheet.iter_rows()}
    assert lines["東京都国保連合会"][6] == "連合会で確認中"
    assert TrailEntry.objects.filter(action="audit_dashboard.export", detail={"year": 2026}).count() == 1


@pytest.mark.parametrize("year", ["", "x", "99999", "9" * 5000, "１９", "2019", "2100", "-1"])
@time_machine.travel(TODAY)
def test_a_year_that_is_none_is_this_year(central: Client, year: str) -> None:
    page = central.get("/audit/", {"year": year})

    assert page.status_code == 200
    assert "2026年度" in page.content.decode()


@time_machine.travel(TODAY)
def test_why_logs_differed_counts_the_newest_reason_of_each_session(central: Client) -> None:
    _month()
    world.report("13", sessions=5)

    page = central.get("/audit/").content.decode()

    assert "緊急作業" in page
    assert (
        '<b class="u-num">10</b>' in page
    )  # five sessions in each of two logs, two parties: the newest counts


@time_machine.travel(TODAY)
def test_the_overview_over_rest_says_what_the_page_says_and_to_a_federation_its_own(central: Client) -> None:
    cycle = _month()
    _reports(cycle, "13", "14")
    address = "/api/v1/audit/overview/"

    whole = central.get(address).json()
    own = client_for(Role.SECURITY_MANAGER, code="13").get(f"{address}?year=2026").json()

    assert len(whole["federations"]) == 47
    assert [len(whole["months"]), *{len(row["cells"]) for row in whole["federations"]}] == [12, 12]
    (current,) = [n for n, month in enumerate(whole["months"]) if month["is_current"]]
    (tokyo,) = [row for row in whole["federations"] if row["organisation"] == "13"]
    assert whole["months"][current]["month"] == "2026-09"
    assert tokyo["cells"][current] == {
        "mark": "fed",
        "status": "PROVIDED",
        "revision": 1,
        "owed_step": 4,
        "owed_due_on": "2026-10-27",
    }
    assert whole["counts"] == {"fed": 2, "none": 45}
    assert [row["organisation"] for row in own["federations"]] == ["13"]
    assert central.get(f"{address}?year=1999").status_code == 400


@time_machine.travel(TODAY)
def test_aud_03_each_session_counts_once_with_the_newest_word_of_either_party_in_any_run_of_the_month() -> (
    None
):
    month = _month()
    report = world.report(sessions=3, reasons=False, provided_at=TODAY)
    other = world.report("14", sessions=2, reasons=False, provided_at=TODAY)
    old = Reconciliation.system.create(
        cycle=month, organisation=report.organisation, started_at=TODAY, state=Reconciliation.State.DONE
    )
    sessions = list(
        Mismatch.system.filter(reconciliation=report.reconciliation).exclude(code="OK").order_by("pk")
    )
    before, gone = sessions[0], sessions[1]
    before.pk, before.reconciliation, before._state.adding = None, old, True
    before.save()
    gone.pk, gone.reconciliation, gone.fingerprint, gone._state.adding = None, old, "gone", True
    gone.save()
    sessions = list(
        Mismatch.system.filter(reconciliation=report.reconciliation).exclude(code="OK").order_by("pk")
    )
    fitting = Mismatch.system.filter(reconciliation=report.reconciliation, code="OK")[0]
    elsewhere = Mismatch.system.filter(reconciliation=other.reconciliation).exclude(code="OK")[0]
    for session, side, code in (
        (sessions[0], Side.CENTRAL, "EMERGENCY"),
        (before, Side.FEDERATION, "OVERRUN"),  # the newest word of the first, said in the run before
        (sessions[1], Side.FEDERATION, "OTHER"),
        (sessions[1], Side.CENTRAL, "EMERGENCY"),
        (sessions[2], Side.CENTRAL, "EMERGENCY"),
        (gone, Side.CENTRAL, "LOG_ERROR"),  # the run that is shown does not know it
        (elsewhere, Side.CENTRAL, "FORM_ERROR"),
        (fitting, Side.CENTRAL, "LOG_ERROR"),
    ):
        reports.reason(session, side, code=code)
    reports.reason(sessions[2], Side.FEDERATION, code="OTHER", given_at=TODAY - dt.timedelta(days=90))

    with CaptureQueriesContext(connection) as sent:
        everything = selectors.findings(factories.user(Role.AUDIT_REVIEWER, code="central"), 2026)
    own = selectors.findings(factories.user(Role.SECURITY_MANAGER, code="13"), 2026)

    def told(found: selectors.Findings) -> dict[str, int]:
        return {bar.label: bar.count for bar in found.reasons}

    labels = {code: str(ReasonCode(code).label) for code in ("EMERGENCY", "OVERRUN", "FORM_ERROR")}
    assert told(everything) == {labels["EMERGENCY"]: 2, labels["OVERRUN"]: 1, labels["FORM_ERROR"]: 1}
    assert told(own) == {labels["EMERGENCY"]: 2, labels["OVERRUN"]: 1}
    assert sum("audit_mismatchreason" in query["sql"] for query in sent) == 1
