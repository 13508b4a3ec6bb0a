"""Corrections and supplements: a new revision, the old one stays, both parties know of it (AUD-10)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from audit.reconciliation.models import Side
from audit.reports import guards, selectors, services
from audit.reports.errors import ChangedMeanwhile, NotAllowed, Refused
from audit.reports.models import AuditReport, ReportFile
from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.enquiries import services as enquiries
from tests import factories
from tests.audit.reports import world
from tests.audit.reports.steps import NOW, People, central, do, explain, last, walk
from tests.audit.reports.test_steps import told

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=3)


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def report() -> AuditReport:
    return world.report(world.cycle())


def asked(people: People, code: str = "13") -> str:
    person = people.officer if code == "13" else factories.user(Role.SECURITY_OFFICER, code=code)
    return enquiries.ask(
        organisation=factories.organisation(code),
        desk="CENTRAL",
        category="AUDIT",
        subject="訂正",
        text="理由が違います。",
        actor=person,
        now=NOW,
    ).number


def correct(
    report: AuditReport,
    actor: User,
    enquiry: str,
    reason: str = "作業番号の誤り",
    now: dt.datetime = LATER,
    central_too: bool = False,
) -> AuditReport:
    report.refresh_from_db()
    return services.correct(
        report_id=report.pk,
        version=report.version,
        reason=reason,
        enquiry=enquiry,
        central_too=central_too,
        actor=actor,
        now=now,
    )


def supplement(report: AuditReport, actor: User, reason: str = "KKDB13の転送停止") -> AuditReport:
    report.refresh_from_db()
    return services.supplement(
        report_id=report.pk, version=report.version, reason=reason, actor=actor, now=LATER
    )


def test_aud_10_a_correction_needs_a_reason_an_enquiry_and_a_report(
    people: People, report: AuditReport
) -> None:
    with pytest.raises(Refused, match="改版できません"):
        correct(report, people.operator, "X-1")
    walk(report, people, "provide")
    number, others = asked(people), asked(people, "14")

    for reason, enquiry, field in (
        (" ", number, "reason"),
        ("誤り", "", "enquiry"),
        ("誤り", "EQ-2026-999999", "enquiry"),
        ("誤り", others, "enquiry"),
    ):
        with pytest.raises(Refused) as refused:
            correct(report, people.operator, enquiry, reason)
        assert refused.value.field == field
    for person in (people.manager, people.officer, central(Role.AUDITOR)):
        with pytest.raises(NotAllowed):
            correct(report, person, number)
    assert AuditReport.system.count() == 1


def test_aud_10_rows_or_works_changed_it_starts_again_at_step_2_and_the_old_one_stays(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "send_back")
    files = ReportFile.system.filter(report=report).count()
    run = world.run(report.cycle)

    new = correct(report, people.operator, asked(people))

    report.refresh_from_db()
    assert (report.status, report.is_current) == ("SUPERSEDED", False)
    assert ReportFile.system.filter(report=report).count() == files == 12
    assert (new.revision, new.status, new.is_current) == (2, "CREATED", True)
    assert (new.reconciliation, new.created_by, new.central_checked_by) == (run, people.operator, None)
    assert new.files.count() == 0
    assert told("audit_report_revised") == {people.officer.pk, people.manager.pk}
    assert [event.verb for event in new.events.all()] == ["corrected"]
    assert last(report).verb == "superseded"


def test_aud_10_only_reasons_of_the_federation_changed_it_starts_again_at_step_4_with_the_same_files(
    people: People, report: AuditReport
) -> None:
    found = world.mismatch(world.run(report.cycle))
    explain(found, people, Side.CENTRAL)
    walk(report, people, "provide")
    explain(found, people, Side.FEDERATION)
    do("federation_confirm", report, people.manager)
    provided = {file.sha256 for file in ReportFile.system.filter(report=report, stage="PROVIDED")}

    new = correct(report, people.confirmer, asked(people))

    assert (new.status, new.central_checked_by, new.created_by) == (
        "PROVIDED",
        people.confirmer,
        people.operator,
    )
    assert {file.sha256 for file in new.files.all()} == provided
    assert len(provided) == 6


def test_aud_10_a_new_reason_of_central_after_its_confirmation_starts_again_at_step_2(
    people: People, report: AuditReport
) -> None:
    found = world.mismatch(world.run(report.cycle))
    explain(found, people, Side.CENTRAL)
    walk(report, people, "provide")
    world.reason(found, Side.CENTRAL, by=people.reviewer, given_at=LATER)
    assert guards.central_changed(report, guards.newest_run(report))

    assert correct(report, people.operator, asked(people)).status == "CREATED"


def test_aud_10_before_step_3_it_is_about_the_check_of_central_or_about_new_rows(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "create")
    with pytest.raises(Refused, match="まだ確認していません"):
        correct(report, people.operator, "GS-000123", central_too=True)
    do("central_confirm", report, people.confirmer)
    with pytest.raises(Refused) as refused:
        correct(report, people.operator, "GS-000123")
    assert refused.value.field == "central_too"

    new = correct(report, people.operator, "GS-000123", central_too=True)  # of the business support system

    assert (new.status, new.enquiry_number, new.needs_acknowledgement) == ("CREATED", "GS-000123", False)
    assert new.reconciliation == report.reconciliation


def test_aud_10_both_parties_acknowledge_a_revision_after_step_3_before_the_federation_confirms(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "federation_confirm")
    world.run(report.cycle)
    number = asked(people)
    new = correct(report, people.operator, number)
    do("central_confirm", new, people.confirmer)
    with pytest.raises(Refused):  # not provided yet
        do("acknowledge", new, people.manager)
    do("provide", new, people.confirmer)
    enquiry = new.enquiries.get().enquiry
    enquiries.close(enquiry_id=enquiry.pk, version=enquiry.version, actor=people.officer, now=LATER)

    with pytest.raises(Refused, match="中央会"):
        do("federation_confirm", new, people.manager)
    for person in (people.officer, people.operator, factories.user(Role.SECURITY_MANAGER, code="14")):
        with pytest.raises(NotAllowed):
            do("acknowledge", new, person)
    do("acknowledge", new, people.reviewer)
    with pytest.raises(Refused, match="すでに"):
        do("acknowledge", new, people.confirmer)
    with pytest.raises(Refused, match="先にこの版"):
        do("federation_confirm", new, people.manager)
    do("acknowledge", new, people.manager)
    do("federation_confirm", new, people.manager)

    assert new.status == "FED_CONFIRMED"


def test_aud_10_late_logs_open_a_supplement_and_edit_nothing(people: People, report: AuditReport) -> None:
    walk(report, people, "central_confirm")
    with pytest.raises(Refused, match="追補するものはありません"):
        supplement(report, people.operator)
    run = world.run(report.cycle)
    with pytest.raises(Refused) as refused:
        supplement(report, people.operator, " ")
    assert refused.value.field == "reason"
    with pytest.raises(NotAllowed):
        supplement(report, people.confirmer)

    new = supplement(report, people.operator)

    report.refresh_from_db()
    assert report.reconciliation != run
    assert (new.is_supplement, new.status, new.reconciliation, new.revision) == (True, "CREATED", run, 2)


def test_aud_10_who_opened_the_revision_does_not_confirm_it(people: People, report: AuditReport) -> None:
    walk(report, people, "provide")
    world.run(report.cycle)
    new = correct(report, people.confirmer, asked(people))

    with pytest.raises(NotAllowed):
        do("central_confirm", new, people.confirmer)
    do("central_confirm", new, central(Role.APPROVER))

    assert new.status == "CENTRAL_CONFIRMED"


def test_a_replaced_revision_takes_no_step_any_more(people: People, report: AuditReport) -> None:
    walk(report, people, "provide")
    world.run(report.cycle)
    seen = report.version
    correct(report, people.operator, asked(people))

    with pytest.raises(ChangedMeanwhile):
        services.federation_confirm(report_id=report.pk, version=seen, actor=people.manager, now=LATER)
    for step, actor in (("federation_confirm", people.manager), ("create", people.operator)):
        with pytest.raises(Refused):
            do(step, report, actor)
    with pytest.raises(Refused):
        supplement(report, people.operator)


def test_org_02_the_federation_keeps_its_revision_until_the_new_one_is_provided(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "provide")
    world.run(report.cycle)
    new = correct(report, people.operator, asked(people), now=timezone.now())
    assert list(selectors.reports(people.officer)) == [report]
    assert list(selectors.reports(people.reviewer)) == [new]

    do("central_confirm", new, people.confirmer)
    do("provide", new, people.confirmer)

    assert list(selectors.reports(people.officer)) == [new]
    assert {each.revision for each in selectors.revisions(people.officer, new)} == {1, 2}
