"""Steps 1 to 7: who does which, what must be true before, and that nothing happens twice (AUD-02…AUD-07)."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from audit.reconciliation.models import Reconciliation, Side
from audit.reports import many, services
from audit.reports.errors import ChangedMeanwhile, NotAllowed, Refused
from audit.reports.models import AuditReport, FileOrder, Presentation, ReportEvent, ReportFile, ReportStatus
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit.reports import world
from tests.audit.reports.steps import NOW, WAY, People, central, do, explain, last, one_file, walk
from tests.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def report() -> AuditReport:
    return world.report(world.cycle())


def told(template: str) -> set[int | None]:
    return set(Notice.system.filter(template=template).values_list("to_user_id", flat=True))


def test_aud_02_to_07_the_whole_way_with_history_trail_and_mail_to_who_owes_the_next_step(
    people: People, report: AuditReport
) -> None:
    world.run(report.cycle)
    order = [
        ("CREATED", "audit_report_made", {people.reviewer.pk, people.confirmer.pk}),
        ("CENTRAL_CONFIRMED", "audit_report_to_provide", {people.confirmer.pk}),
        ("PROVIDED", "audit_report_provided", {people.officer.pk, people.manager.pk}),
        ("FED_CONFIRMED", "audit_report_to_return", {people.manager.pk}),
        ("RETURNED", "audit_report_returned", {people.reviewer.pk, people.confirmer.pk}),
        ("COPY_STORED", "audit_report_finished", {people.officer.pk, people.manager.pk}),
    ]
    for (step, name), (status, template, owed) in zip(WAY, order, strict=True):
        do(step, report, getattr(people, name))
        assert report.status == status
        assert told(template) == owed

    events = list(report.events.values_list("verb", "from_status", "to_status", "actor_name"))
    assert [event[0] for event in events] == [
        "created",
        "central_confirmed",
        "provided",
        "federation_confirmed",
        "returned",
        "copy_stored",
    ]
    assert [event[1] for event in events] == ["PLANNED", *(event[2] for event in events[:-1])]
    assert all(event[3] for event in events)
    assert report.version == 7
    assert TrailEntry.objects.filter(action__startswith="audit_report.").count() == 6


def test_aud_10_a_month_without_findings_is_made_and_one_that_was_not_reconciled_is_not(
    people: People, report: AuditReport
) -> None:
    with pytest.raises(Refused, match="突合"):
        do("create", report, people.operator)
    running = world.run(report.cycle, state=Reconciliation.State.RUNNING)
    with pytest.raises(Refused, match="まだ終わっていません"):
        do("create", report, people.operator)
    Reconciliation.system.filter(pk=running.pk).update(state=Reconciliation.State.FAILED)
    with pytest.raises(Refused):
        do("create", report, people.operator)
    done = world.run(report.cycle)

    do("create", report, people.operator)
    do("central_confirm", report, people.confirmer)

    assert report.reconciliation == done
    assert report.status == ReportStatus.CENTRAL_CONFIRMED


def test_aud_03_every_mismatch_has_a_reason_of_the_central_side_before_it_confirms(
    people: People, report: AuditReport
) -> None:
    found = world.run(report.cycle)
    first, second = world.mismatch(found), world.mismatch(found)
    do("create", report, people.operator)
    explain(first, people, Side.CENTRAL)
    explain(second, people, Side.FEDERATION)  # the other party's reason does not count

    with pytest.raises(Refused, match="1件"):
        do("central_confirm", report, people.confirmer)
    explain(second, people, Side.CENTRAL)
    do("central_confirm", report, people.confirmer)

    assert report.status == ReportStatus.CENTRAL_CONFIRMED


def test_aud_03_a_reason_given_in_an_earlier_run_stays(people: People, report: AuditReport) -> None:
    explain(world.mismatch(world.run(report.cycle), "same session"), people, Side.CENTRAL)
    world.mismatch(world.run(report.cycle), "same session")

    do("create", report, people.operator)

    do("central_confirm", report, people.confirmer)
    assert report.status == ReportStatus.CENTRAL_CONFIRMED


def test_aud_05_reasons_of_the_federation_for_all_before_it_confirms(
    people: People, report: AuditReport
) -> None:
    found = world.mismatch(world.run(report.cycle))
    explain(found, people, Side.CENTRAL)
    walk(report, people, "provide")

    with pytest.raises(Refused, match="1件"):
        do("federation_confirm", report, people.manager)
    explain(found, people, Side.FEDERATION)
    do("federation_confirm", report, people.manager)

    assert report.status == ReportStatus.FEDERATION_CONFIRMED


@pytest.mark.parametrize("step", [step for step, _name in WAY])
def test_each_step_is_for_its_people_and_in_its_place(step: str, people: People, report: AuditReport) -> None:
    world.run(report.cycle)
    names = dict(WAY)
    position = [each for each, _name in WAY].index(step)
    for other, name in WAY[position + 1 :]:  # no later step first
        with pytest.raises(Refused):
            do(other, report, getattr(people, name))
    for before, name in WAY[:position]:
        do(before, report, getattr(people, name))
    right = getattr(people, names[step])
    strangers = [
        factories.user(Role.SECURITY_MANAGER, code="14"),
        factories.user(Role.AUDITOR),
        factories.user(Role.USER),
        central(Role.AUDITOR),
        factories.user(Role.APPROVER),
        *(person for person in vars(people).values() if person not in (right, people.confirmer)),
    ]
    if step == "store_copy":
        strangers = [person for person in strangers if person != people.reviewer]

    for person in strangers:
        with pytest.raises(NotAllowed):
            do(step, report, person)
    do(step, report, right)


def test_who_made_a_report_does_not_confirm_it_neither_as_deputy_nor_for_themselves(
    people: People, report: AuditReport
) -> None:
    factories.membership(people.operator, Role.APPROVER, code="central")  # both houses
    stand_in = central(Role.USER)
    factories.deputy(people.operator, stand_in, Role.APPROVER, code="central")
    factories.deputy(people.confirmer, people.operator, Role.APPROVER, code="central")
    now = dt.datetime.now(dt.UTC)
    world.run(report.cycle)
    do("create", report, people.operator, now)

    for person in (people.operator, stand_in):
        with pytest.raises(NotAllowed):
            do("central_confirm", report, person, now)
    factories.deputy(people.confirmer, stand_in, Role.APPROVER, code="central")
    do("central_confirm", report, stand_in, now)

    assert (report.central_checked_by, report.central_checked_for) == (stand_in, people.confirmer)
    assert last(report).detail["acts_for"] == people.confirmer.display_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("created_by", "central_checked_by"),
        ("created_for", "central_checked_by"),
        ("created_by", "central_checked_for"),
        ("created_for", "federation_checked_for"),
        ("central_checked_by", "federation_checked_by"),
    ],
)
def test_the_database_refuses_one_person_on_both_sides(one: str, other: str, report: AuditReport) -> None:
    person = factories.user()
    setattr(report, one, person)
    setattr(report, other, person)

    with pytest.raises(IntegrityError), transaction.atomic():
        report.save()


def test_a_step_on_an_old_screen_is_told_who_was_faster(people: People, report: AuditReport) -> None:
    world.run(report.cycle)
    seen = report.version
    do("create", report, people.operator)

    with pytest.raises(ChangedMeanwhile, match=people.operator.display_name):
        services.create(report_id=report.pk, version=seen, actor=factories.operator(), now=NOW)

    assert report.events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_one_step_one_event_and_the_other_is_told(people: People) -> None:
    report = world.report(world.cycle())
    walk(report, people, "central_confirm")
    second = central(Role.APPROVER)
    version = report.version

    answers = at_once(
        *(
            lambda actor=actor: services.provide(report_id=report.pk, version=version, actor=actor, now=NOW)
            for actor in (people.confirmer, second)
        ),
        refusals=(ChangedMeanwhile,),
    )

    lost = [answer for answer in answers if isinstance(answer, ChangedMeanwhile)]
    assert len(lost) == 1
    winner = ReportEvent.objects.get(report=report, verb="provided")
    assert winner.actor_name in lost[0].reason
    assert Notice.system.filter(template="audit_report_provided").count() == 2


def test_aud_06_presenting_is_the_federations_choice_and_blocks_nothing(
    people: People, report: AuditReport
) -> None:
    day = dt.date(2026, 10, 20)
    walk(report, people, "provide")
    with pytest.raises(Refused, match="確認"):
        _present(report, people.officer, to="県", on=day)
    do("federation_confirm", report, people.manager)
    for values, field in (
        ({"to": " ", "on": day}, "to"),
        ({"to": "県", "on": None}, "on"),
        ({"to": "県", "on": day + dt.timedelta(days=9)}, "on"),
    ):
        with pytest.raises(Refused) as refused:
            _present(report, people.officer, **values)
        assert refused.value.field == field
    with pytest.raises(NotAllowed):
        _present(report, people.reviewer, to="県", on=day)

    _present(report, people.officer, presented=False, reason="年度末にまとめて提示する。")
    do("send_back", report, people.manager)
    _present(report, people.officer, to="東京都、全保険者", on=day)

    assert report.presentation == Presentation.PRESENTED
    assert (report.presented_to, report.presented_on) == ("東京都、全保険者", day)
    assert [event.verb for event in report.events.all()][-3:] == ["not_presented", "returned", "presented"]


def _present(report: AuditReport, actor: User, presented: bool = True, **values: Any) -> None:
    report.refresh_from_db()
    services.present(
        report_id=report.pk, version=report.version, presented=presented, actor=actor, now=NOW, **values
    )
    report.refresh_from_db()


def test_aud_07_a_returned_file_that_differs_is_refused_by_name(people: People, report: AuditReport) -> None:
    walk(report, people, "federation_confirm")
    original = one_file(report, "ORIGINAL")
    common: dict[str, Any] = {
        "report_id": report.pk,
        "version": report.version,
        "actor": people.manager,
        "now": NOW,
    }

    with pytest.raises(Refused, match=r"改ざん済み\.pdf") as refused:
        services.send_back(
            files=[
                (original.name, bytes(original.content)),
                ("改ざん済み.pdf", bytes(original.content) + b"x"),
            ],
            **common,
        )
    assert refused.value.field == "files"
    report.refresh_from_db()
    assert report.status == ReportStatus.FEDERATION_CONFIRMED
    services.send_back(files=[("手元の控え.pdf", bytes(original.content))], **common)

    detail = last(report).detail
    assert detail["sent_along"] == [{"name": "手元の控え.pdf", "sha256": original.sha256}]
    assert len(detail["files"]) == 6


def test_aud_07_the_copy_is_equal_to_the_original_and_both_hashes_are_recorded(
    people: People, report: AuditReport
) -> None:
    walk(report, people, "store_copy")

    copies = ReportFile.system.filter(report=report, stage="COPY")
    originals = {file.name: file for file in ReportFile.system.filter(report=report, stage="ORIGINAL")}
    assert copies.count() == len(originals) == 6
    for copy in copies:
        assert bytes(copy.content) == bytes(originals[copy.name].content)
    kept = last(report).detail["files"]
    assert all(pair["original"] == pair["copy"] == originals[pair["name"]].sha256 for pair in kept)


@pytest.mark.parametrize(
    ("until", "step"), [("central_confirm", "provide"), ("federation_confirm", "send_back")]
)
def test_aud_07_no_step_with_a_file_that_was_changed_in_the_database(
    until: str, step: str, people: People, report: AuditReport
) -> None:
    walk(report, people, until)
    changed = one_file(report, "PROVIDED" if step == "provide" else "ORIGINAL")
    tamper(changed)

    with pytest.raises(Refused, match=re.escape(changed.name)):
        do(step, report, getattr(people, dict(WAY)[step]))


def tamper(file: ReportFile) -> None:
    """Somebody who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_reportfile DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_reportfile SET content = '\\x00' WHERE id = %s", [file.pk])
        cursor.execute("ALTER TABLE audit_reportfile ENABLE TRIGGER USER")


def test_aud_04_providing_all_at_once_does_what_can_be_done_and_says_why_not(people: People) -> None:
    cycle = world.cycle()
    ready = [world.report(cycle, code) for code in ("13", "14", "15")]
    early = world.report(cycle, "16")
    for each in ready:
        walk(each, people, "central_confirm")
    tamper(one_file(ready[1], "PROVIDED"))
    ready[1].refresh_from_db()
    everything = [*ready, early]

    looked = many.preview("provide", everything, actor=people.confirmer, now=NOW)
    assert [bool(each.why_not) for each in looked] == [False, True, False, True]
    assert not AuditReport.system.filter(status="PROVIDED").exists()
    seen = {each.pk: each.version for each in everything} | {ready[2].pk: 1}
    done = many.take("provide", everything, seen, actor=people.confirmer, now=NOW)

    assert [bool(each.why_not) for each in done] == [False, True, True, True]
    assert people.confirmer.display_name in done[2].why_not  # somebody confirmed since version 1
    assert AuditReport.system.get(status="PROVIDED") == ready[0]


def test_one_mail_for_each_day_and_person_of_central_whatever_the_number_of_reports(people: People) -> None:
    cycle = world.cycle()
    for code in ("13", "14", "15"):
        walk(world.report(cycle, code), people, "create")

    assert Notice.system.filter(template="audit_report_made", to_user=people.reviewer).count() == 1


def test_sec_02_the_history_is_insert_only(people: People, report: AuditReport) -> None:
    walk(report, people, "create")

    with pytest.raises(Exception, match="insert-only"), transaction.atomic():
        ReportEvent.objects.update(text="x")


def test_hash_of_the_file_is_that_of_its_content(people: People, report: AuditReport) -> None:
    walk(report, people, "central_confirm")

    file = one_file(report, "PROVIDED")

    assert hashlib.sha256(bytes(file.content)).hexdigest() == file.sha256


@pytest.mark.parametrize(
    ("until", "step"), [("central_confirm", "provide"), ("federation_confirm", "send_back")]
)
def test_aud_07_the_next_step_waits_for_the_files_that_a_worker_makes(
    until: str, step: str, people: People, report: AuditReport
) -> None:
    world.run(report.cycle)
    names = dict(WAY)
    for each in [name for name, _who in WAY]:
        actor = getattr(people, names[each])
        if each == until:
            getattr(services, each)(report_id=report.pk, version=report.version, actor=actor, now=NOW)
            break
        do(each, report, actor)
    report.refresh_from_db()
    assert FileOrder.objects.filter(report=report, done_at=None).count() == (
        1 if until == "central_confirm" else 2
    )

    with pytest.raises(Refused, match="ファイルがまだできていません"):
        do(step, report, getattr(people, names[step]))
