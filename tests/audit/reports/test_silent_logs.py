"""A federation whose logs do not come is never shown as one without mismatches: on screens, in files, at a glance (AUD-10)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook
from pypdf import PdfReader

from audit.imports.models import Host
from audit.reconciliation import services as reconciliation
from audit.reconciliation.models import LogKind, Reconciliation
from audit.reports.documents import files
from audit.reports.documents.content import content_of
from audit.reports.models import AuditReport, ReportFile
from portal.orgs.models import Organisation
from portal.orgs.permissions import Role
from tests import factories
from tests.audit import world as audit
from tests.audit.imports import logs
from tests.audit.reports import world
from tests.audit.reports.steps import central
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db

NOTHING_DIFFERS = "すべて台帳と一致しています"
NO_ACCESS = "ありませんでした"  # as the PDF says it of a month without any
NO_MACHINE = "このログの収集対象として登録された機器がないため、不一致の有無は判断できません。"
IRREGULAR = "不定期のため欠落は判定できません"


def silent_report(**fields: Any) -> AuditReport:
    """Of a federation without a machine, reconciled by the portal itself."""
    month = audit.open_cycle()
    run = reconciliation.reconcile(
        cycle=month, organisation=factories.organisation("13"), now=audit.jst(2026, 9, 22)
    )
    assert run.coverage == []
    values = {"reconciliation": run, "made_at": timezone.now(), "provided_at": timezone.now()} | fields
    return audit.report(month, status="PROVIDED", **values)


def text_of_pdf(report: AuditReport, kind: LogKind = LogKind.DATABASE) -> str:
    data = files.pdf(content_of(report, kind, ReportFile.Stage.PROVIDED), "")
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace("\n", "")


def test_aud_10_the_page_of_a_report_without_machines_says_that_nothing_can_be_said() -> None:
    report = silent_report()
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])

    for person in (central(Role.AUDIT_REVIEWER), factories.user(Role.SECURITY_MANAGER)):
        page = client_of(person).get(here).content.decode()

        assert page.count(NO_MACHINE) == 2  # both logs
        assert NOTHING_DIFFERS not in page
        assert "DBアクセス：収集対象の機器が登録されていないため" in page


def test_aud_10_the_review_of_a_silent_log_does_not_say_that_nothing_differs() -> None:
    report = silent_report()
    here = reverse("audit_sessions", args=[report.cycle.key, "13", 1, "database"])

    page = client_of(central(Role.AUDIT_REVIEWER)).get(here).content.decode()

    assert NO_MACHINE in page
    assert "台帳の作業と一致" not in page


def test_aud_10_every_file_of_a_silent_report_says_that_nothing_can_be_said() -> None:
    content = content_of(silent_report(), LogKind.TAKEOUT, ReportFile.Stage.PROVIDED)

    printed = text_of_pdf(AuditReport.system.get(cycle__month=content.month, organisation__code="13"))
    rows = list(csv.reader(io.StringIO(files.csv_bytes(content).decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(files.workbook_bytes(content)))

    assert NO_MACHINE in printed
    assert NO_ACCESS not in printed
    assert rows[1:] == [["", "ログの収集状況", NO_MACHINE]]
    assert book.worksheets[0].cell(row=2, column=3).value == NO_MACHINE
    assert book["ログの収集状況"].cell(row=2, column=1).value == "収集対象の機器が登録されていません"


def _run_with(*coverage: dict[str, Any]) -> AuditReport:
    month = world.cycle()
    run = world.run(month, coverage=list(coverage), counts={})
    return world.report(
        month, status="PROVIDED", provided_at=timezone.now(), reconciliation=run, made_at=timezone.now()
    )


def machine(rows: int, *missing: str, sends: str = "DAILY") -> dict[str, Any]:
    return {
        "host": "KK13-DB01",
        "log_kind": "DATABASE",
        "days_with_rows": rows,
        "days_missing": list(missing),
        "sends": sends,
    }


def test_aud_10_days_without_a_log_limit_what_no_mismatch_says() -> None:
    report = _run_with(machine(29, "2026-09-03"))
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])

    page = client_of(central(Role.AUDIT_REVIEWER)).get(here).content.decode()

    assert "届いたログの範囲では不一致はありません。ログの届いていない日" in page
    assert "届いたログの範囲では不一致はありません。ログの届いていない日" in text_of_pdf(report)


def test_aud_10_a_machine_that_sends_now_and_then_is_not_shown_as_one_without_a_gap() -> None:
    report = _run_with(machine(0, sends="IRREGULAR"))
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])

    page = client_of(central(Role.AUDIT_REVIEWER)).get(here).content.decode()

    assert IRREGULAR in page
    assert "欠落なし" not in page
    assert "対象期間にこのログが1件も届いていないため" in page
    assert IRREGULAR in text_of_pdf(report)
    content = content_of(report, LogKind.DATABASE, ReportFile.Stage.PROVIDED)
    book = load_workbook(io.BytesIO(files.workbook_bytes(content)))
    assert book["ログの収集状況"].cell(row=2, column=3).value == "不定期のため判定できません"


def test_aud_10_a_run_keeps_how_often_a_machine_sends() -> None:
    logs.host("dbsv13", sends_takeout="IRREGULAR")
    run = reconciliation.reconcile(
        cycle=audit.open_cycle(), organisation=factories.organisation("13"), now=audit.jst(2026, 9, 22)
    )

    assert {line["log_kind"]: line["sends"] for line in run.coverage} == {
        "DATABASE": "DAILY",
        "TAKEOUT": "IRREGULAR",
    }


def test_aud_10_a_whole_log_without_a_mismatch_is_said_to_fit() -> None:
    report = _run_with(machine(31))
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])

    page = client_of(central(Role.AUDIT_REVIEWER)).get(here).content.decode()

    assert NOTHING_DIFFERS in page
    assert NO_ACCESS in text_of_pdf(report)


def test_aud_10_the_map_and_the_overview_name_the_federations_without_a_machine() -> None:
    audit.open_cycle()
    logs.host("dbsv13")
    logs.host("dbsv27", code="27", last_day=audit.SEPTEMBER.replace(month=7))  # no more in this month
    federations = Organisation.objects.filter(kind="FEDERATION")
    tokyo, osaka = federations.get(code="13").short_name, federations.get(code="27").short_name
    browser = client_for(Role.AUDIT_REVIEWER, code="central")

    mapped = browser.get(f"{reverse('log_coverage')}?month=2026-09").content.decode()
    overview = browser.get(f"{reverse('audit_dashboard')}?year=2026").content.decode()

    named = mapped[mapped.index("<details><summary>連合会名を表示") :]
    named = named[: named.index("</details>")]
    assert osaka in named
    assert tokyo not in named
    assert f"{federations.count() - 1}連合会では" in mapped
    shown = overview[overview.index("機器が未登録の連合会") :]
    assert f"{federations.count() - 1}連合会" in shown  # DB accesses
    assert f"{federations.count()}連合会" in shown  # file take-outs
    own = client_for(Role.SECURITY_MANAGER, code="27").get(f"{reverse('audit_dashboard')}?year=2026")
    assert "機器が未登録の連合会" in own.content.decode()
    assert tokyo not in own.content.decode()


def test_aud_10_over_rest_a_federation_without_a_machine_is_no_federation_without_gaps() -> None:
    audit.open_cycle()
    logs.host("dbsv13")
    browser = client_for(Role.AUDIT_REVIEWER, code="central")

    lines = browser.get("/api/v1/audit/coverage/?month=2026-09&log=DATABASE").json()

    assert [line["organisation"] for line in lines] == [f"{number:02}" for number in range(1, 48)]
    assert {line["organisation"] for line in lines if line["has_machine"]} == {"13"}
    assert lines[12]["days"]
    assert not any(line["days"] for line in lines if not line["has_machine"])


def test_aud_10_staging_takes_no_part() -> None:
    month = audit.open_cycle()
    assert Host.system.count() == 0

    page = client_for(Role.AUDIT_REVIEWER, code="central").get(f"{reverse('log_coverage')}?month={month.key}")

    assert "ステージング" not in page.content.decode()
    assert Reconciliation.system.count() == 0
