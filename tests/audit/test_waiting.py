"""What waits in the audit stands on the home page of whoever does something about it, of a deputy too (ORG-04, AUD-02…AUD-09)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from audit import waiting
from audit.ledgers.models import Ledger
from audit.reconciliation.models import Incident
from audit.reports.models import AuditReport, FileOrder, ReportFile
from audit.retention import services as retention
from audit.retention.models import Disposal, RecordKind
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.imports import logs
from tests.audit.ledgers.world import work
from tests.audit.reports import world
from tests.audit.reports.steps import People, central, walk
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def labels(person: User) -> dict[str, int]:
    """The cards of a person, as somebody who logs in now sees them."""
    fresh = User.objects.get(pk=person.pk)
    return {str(card.label): card.count for card in waiting.of(fresh, timezone.now())}


MINE = "対応待ちの監査報告レポート"


def test_org_04_what_waits_for_the_principal_waits_for_the_deputy_and_their_list_shows_it() -> None:
    people = People()
    report = world.report(world.cycle(dt.date(2026, 6, 1)))
    walk(report, people, "provide")
    stand_in, auditor = factories.user(Role.APPLICANT), factories.user(Role.AUDITOR)
    assert MINE not in labels(stand_in)

    for person in (stand_in, auditor):
        factories.deputy(people.manager, person, Role.SECURITY_MANAGER)

    assert labels(stand_in)[MINE] == 1
    assert MINE not in labels(auditor)  # ORG-03: reads only
    listed = client_of(stand_in).get(reverse("audit_report_list") + "?whose=mine").content.decode()
    assert reverse("audit_report", args=[report.cycle.key, "13", 1]) in listed
    people.manager.memberships.update(valid_until=timezone.localdate() - dt.timedelta(days=1))
    assert MINE not in labels(stand_in), "the principal does not hold the role any more"


def test_org_04_a_deputy_does_a_step_of_many_reports_at_once() -> None:
    people, stand_in = People(), central(Role.APPLICANT)
    report = walk(world.report(world.cycle(dt.date(2026, 6, 1))), people, "central_confirm")
    many = reverse("audit_report_many", args=["provide"])
    assert client_of(stand_in).get(many).status_code == 403

    factories.deputy(people.confirmer, stand_in, Role.APPROVER, code="central")
    answer = client_of(stand_in).post(many, {"report": f"{report.pk}:{report.version}"})

    assert answer.status_code == 302
    report.refresh_from_db()
    assert report.status == "PROVIDED"


def test_what_was_handed_over_waits_at_once_and_the_first_step_from_its_day_on() -> None:
    month = world.cycle(dt.date(2030, 1, 1))
    world.report(month, "13", status="CREATED", made_at=timezone.now())
    world.report(month, "14")

    assert labels(central(Role.AUDIT_REVIEWER))[MINE] == 1
    assert MINE not in labels(factories.operator())


def test_aud_07_files_that_are_not_made_wait_for_operations() -> None:
    report = world.report(world.cycle(), status="CENTRAL_CONFIRMED")
    order: Any = {"report": report, "stage": ReportFile.Stage.PROVIDED}
    FileOrder.objects.create(ordered_at=timezone.now(), **order)
    assert "作成できていないレポート" not in labels(factories.operator()), "a worker is at it"

    FileOrder.objects.update(problem="SigningUnavailable: no key")

    assert labels(factories.operator())["作成できていないレポート"] == 1
    assert "作成できていないレポート" not in labels(central(Role.APPROVER))


def test_aud_03_and_05_works_whose_time_is_over_wait_for_the_keeper_of_their_ledger() -> None:
    over = work("13", Ledger.FEDERATION)
    work("13", Ledger.FEDERATION, planned_from=_in(1), planned_until=_in(2))
    work("13", Ledger.FEDERATION, actual_from=over.planned_from, actual_until=over.planned_until)
    work("27", Ledger.FEDERATION)
    officer = factories.user(Role.SECURITY_OFFICER)

    assert labels(officer)["実績が未入力の作業"] == 1
    page = client_of(officer).get(reverse("ledger_federation_list") + "?state=unrecorded").content.decode()
    assert page.count('role="rowheader"') == 1
    assert over.work_number in page


def _in(days: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(days=days)


def test_log_files_and_unknown_machines_wait_for_operations() -> None:
    logs.load(logs.text(logs.line("2026-09-01 10:00:00")))

    found = labels(factories.operator())

    assert found["ログにある未登録の機器"] == 1
    assert "取込みが終わっていないログ" not in found
    logs.upload(logs.text(logs.line("2026-09-02 10:00:00")))
    assert labels(factories.operator())["取込みが終わっていないログ"] == 1
    assert "ログにある未登録の機器" not in labels(central(Role.AUDIT_REVIEWER))


def test_an_incident_waits_for_those_who_may_close_it() -> None:
    opener, other = (factories.user(Role.SECURITY_MANAGER) for _ in range(2))
    month = world.cycle()
    Incident.system.create(
        number="F-1",
        organisation=opener.organisation,
        cycle=month,
        text="x",
        opened_by=opener,
        opened_at=timezone.now(),
    )

    card = "調査が必要な不正利用の疑い"
    assert labels(other)[card] == 1
    assert card not in labels(opener)
    assert card not in labels(factories.user(Role.SECURITY_MANAGER, code="27"))


def test_aud_09_a_proposed_disposal_waits_for_the_approver_of_the_central_association() -> None:
    month = world.cycle(dt.date(2016, 9, 1))
    report = world.report(month, status="COPY_STORED")
    world.files(report, "ORIGINAL")
    retention.propose(
        kind=RecordKind.REPORTS, month=month.month, reason="x", actor=factories.operator(), now=timezone.now()
    )

    assert labels(central(Role.APPROVER))["承認待ちの廃棄"] == 1
    assert Disposal.objects.count() == AuditReport.system.count() == 1
