"""Nothing goes before its time, by one person, or from under a hold; what goes is counted and stays provable (AUD-09)."""

from __future__ import annotations

import datetime as dt
import hashlib
from threading import Event
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from audit.cycles.models import AuditCycle
from audit.ledgers.models import WorkEntry
from audit.reconciliation.models import Incident, Mismatch, MismatchReason, Reconciliation
from audit.reports.documents import files, making
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from audit.retention import going, selectors, services
from audit.retention.errors import NotAllowed, Refused
from audit.retention.models import Disposal, Hold, RecordKind, RetentionRule
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.documents import world
from tests.audit.ledgers.world import work
from tests.roles import client_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db
OLD = dt.date(2018, 9, 1)  # over since October 2025
YOUNG = dt.date(2025, 9, 1)
_NUMBERS, _OTHER, _REPORTS, _SESSIONS, _LEDGERS = RecordKind


def _row(number: int, day: dt.date, *, numbers: bool, batch: int = 7) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_logrow_partition(%s, %s)", [day, numbers])
        cursor.execute(
            "INSERT INTO audit_logrow (id, organisation_id, batch_id, log_kind, event_at, host, db_name, db_user, os_user,"
            " client, program, session_id, action, object_name, target, volume, return_code, source_id, medium_type,"
            " medium_serial, involves_number, is_application, is_skewed, line_hash)"
            " VALUES (%s, %s, %s, 'DATABASE', %s, 'h', '', '', '', '', '', '', '', '', '', 0, '', '', '', '', %s, false,"
            " false, %s)",
            [
                number,
                factories.organisation("13").pk,
                batch,
                dt.datetime(day.year, day.month, 15, 12, tzinfo=JST),
                numbers,
                hashlib.sha256(str(number).encode()).digest(),
            ],
        )


def _rows() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM audit_logrow ORDER BY id")
        return [pk for (pk,) in cursor.fetchall()]


@pytest.fixture
def operator() -> User:
    return factories.operator()


@pytest.fixture
def central() -> User:
    return factories.user(Role.APPROVER, code="central")


def _work(begin: dt.datetime) -> WorkEntry:
    return work(planned_from=begin, planned_until=begin + dt.timedelta(hours=2))


def _propose(kind: RecordKind, month: dt.date, actor: User, **values: Any) -> Disposal:
    return services.propose(
        **{"kind": kind, "month": month, "reason": "保存期間満了", "actor": actor, "now": timezone.now()}
        | values
    )


def _decide(disposal: Disposal, actor: User, *, approve: bool = True, answer: str = "") -> Disposal:
    return services.decide(disposal=disposal, approve=approve, answer=answer, actor=actor, now=timezone.now())


def test_a_month_goes_by_the_word_of_two_and_every_other_row_stays(operator: User, central: User) -> None:
    for number, (day, numbers) in enumerate([(OLD, True), (OLD, True), (OLD, False), (YOUNG, True)], start=1):
        _row(number, day, numbers=numbers)

    done = _decide(_propose(_NUMBERS, OLD, operator), central)

    assert _rows() == [3, 4]
    assert done.state == Disposal.State.DONE
    assert done.counts["rows"] == 2
    assert list(done.gone["audit.log_batch"]) == ["7"]
    hashes = b"".join(hashlib.sha256(str(number).encode()).digest() for number in (1, 2))
    assert done.digest == hashlib.sha256(hashes).hexdigest()
    assert not selectors.is_there(_NUMBERS, OLD)


def test_individual_numbers_are_kept_seven_years_and_personal_information_three(operator: User) -> None:
    month = dt.date(timezone.now().year - 5, 4, 1)
    _row(1, month, numbers=True)
    _row(2, month, numbers=False)

    assert _propose(_OTHER, month, operator).pk
    with pytest.raises(Refused, match="保存"):
        _propose(_NUMBERS, month, operator)


@pytest.mark.parametrize("years", [3, 7, 10])
def test_the_keeping_time_counts_from_the_end_of_the_month(years: int) -> None:
    assert selectors.kept_until(dt.date(2020, 12, 1), years) == dt.date(2021 + years, 1, 1)
    assert selectors.kept_until(dt.date(2020, 1, 1), years) == dt.date(2020 + years, 2, 1)


def test_nobody_disposes_alone(operator: User) -> None:
    _row(1, OLD, numbers=True)
    factories.membership(operator, Role.APPROVER, code="central")
    disposal = _propose(_NUMBERS, OLD, operator)

    with pytest.raises(NotAllowed, match="提案"):
        _decide(disposal, User.objects.get(pk=operator.pk))

    assert _rows() == [1]
    with pytest.raises(DatabaseError, match="disposal_two_people"), transaction.atomic():
        Disposal.objects.filter(pk=disposal.pk).update(
            state="DONE", decided_by=operator, decided_at=timezone.now()
        )


def test_a_hold_keeps_what_is_over_its_time_until_it_is_released(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    disposal = _propose(_NUMBERS, OLD, operator)
    hold = services.place_hold(kind=_NUMBERS, month=None, reason="調査中", actor=central, now=timezone.now())

    with pytest.raises(Refused, match="調査中"):
        _decide(disposal, central)
    assert _rows() == [1]

    services.release_hold(hold=hold, actor=central, now=timezone.now())
    assert _decide(disposal, central).state == Disposal.State.DONE


def test_the_database_itself_drops_nothing_without_two_people_or_before_its_time(
    operator: User, central: User
) -> None:
    _row(1, OLD, numbers=True)
    _row(2, YOUNG, numbers=True)
    Disposal.objects.create(
        kind=_NUMBERS,
        month=YOUNG,
        state="DONE",
        reason="早すぎる",
        proposed_by=operator,
        proposed_at=timezone.now(),
        decided_by=central,
        decided_at=timezone.now(),
    )
    for month in (OLD, YOUNG):
        refused = pytest.raises(DatabaseError, match="may not go yet")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT audit_dispose_logs(%s, true)", [month])

    assert _rows() == [1, 2]


def test_a_refusal_says_why_and_the_month_can_be_proposed_anew(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    disposal = _propose(_NUMBERS, OLD, operator)

    with pytest.raises(Refused):
        _decide(disposal, central, approve=False)
    _decide(disposal, central, approve=False, answer="監査中のため")

    with pytest.raises(Refused):
        _decide(disposal, central)
    assert _propose(_NUMBERS, OLD, operator).pk != disposal.pk
    assert _rows() == [1]


def test_a_record_of_disposal_can_be_neither_changed_nor_removed(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    done = _decide(_propose(_NUMBERS, OLD, operator), central)

    for change in (
        lambda: Disposal.objects.filter(pk=done.pk).update(reason="別の理由"),
        lambda: Disposal.objects.filter(pk=done.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="is a record"), transaction.atomic():
            change()


def test_contents_of_report_files_go_and_their_hashes_stay(
    operator: User, central: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF")
    report = world.report(sessions=1)
    AuditReport.system.filter(pk=report.pk).update(cycle=world.cycle(OLD), status=ReportStatus.COPY_STORED)
    making.order(report=AuditReport.system.get(pk=report.pk), stage="ORIGINAL", now=world.NOW)
    making.make_owed_files(now=world.NOW)
    hashes = set(ReportFile.system.values_list("sha256", flat=True))
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        ReportFile.system.update(content=b"")

    done = _decide(_propose(_REPORTS, OLD, operator), central)

    kept = ReportFile.system.all()
    assert {bytes(each.content) for each in kept} == {b""}
    assert {each.sha256 for each in kept} == hashes
    assert done.counts == {"files": 6, "reports": 1}
    assert AuditReport.system.get(pk=report.pk).status == ReportStatus.DISPOSED
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        ReportFile.system.update(content=b"forged")


@pytest.mark.parametrize(("kind", "years"), [(_NUMBERS, 6), (_OTHER, 2), (_REPORTS, 6)])
def test_a_keeping_time_is_never_shorter_than_table_2_51(
    kind: RecordKind, years: int, operator: User
) -> None:
    with pytest.raises(Refused, match="年以上"):
        services.change_rule(kind=kind, years=years, actor=operator, now=timezone.now())
    with pytest.raises(DatabaseError, match="retention_least"), transaction.atomic():
        RetentionRule.objects.filter(kind=kind).update(years=years)


def test_a_longer_keeping_time_holds_at_once(operator: User) -> None:
    _row(1, OLD, numbers=True)
    services.change_rule(kind=_NUMBERS, years=20, actor=operator, now=timezone.now())

    with pytest.raises(Refused):
        _propose(_NUMBERS, OLD, operator)


def test_who_has_no_part_in_it_neither_proposes_nor_decides_nor_holds(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    other = factories.user(Role.SECURITY_MANAGER, code="13")
    disposal = _propose(_NUMBERS, OLD, operator)

    for act in (
        lambda: _propose(_OTHER, OLD, other),
        lambda: _decide(disposal, other),
        lambda: _decide(disposal, operator),
        lambda: services.place_hold(kind=_OTHER, month=None, reason="x", actor=other, now=timezone.now()),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.django_db(transaction=True)
def test_two_people_deciding_at_once_dispose_once() -> None:
    _row(1, OLD, numbers=True)
    first, second = (factories.user(Role.APPROVER, code="central") for _ in range(2))
    disposal = _propose(_NUMBERS, OLD, factories.operator())

    results = at_once(
        lambda: _decide(disposal, first), lambda: _decide(disposal, second), refusals=(Refused,)
    )

    assert sorted(isinstance(each, Refused) for each in results) == [False, True]
    assert Disposal.objects.get().counts["rows"] == 1
    assert not Hold.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hold_placed_in_the_instant_of_a_disposal_is_told_that_it_came_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _row(1, OLD, numbers=True)
    operator, central = factories.operator(), factories.user(Role.APPROVER, code="central")
    disposal = _propose(_NUMBERS, OLD, operator)
    judged, held, carry_out = Event(), Event(), going.carry_out

    def carried_out(kind: str, month: dt.date) -> going.Gone:
        judged.set()
        held.wait(0.5)  # without the lock the hold would stand before the rows go
        return carry_out(kind, month)

    def hold() -> Hold:
        judged.wait(10)
        made = services.place_hold(
            kind=_NUMBERS, month=OLD, reason="調査中", actor=central, now=timezone.now()
        )
        held.set()
        return made

    monkeypatch.setattr(going, "carry_out", carried_out)
    done, refused = at_once(lambda: _decide(disposal, central), hold, refusals=(Refused,))

    assert done.state == Disposal.State.DONE
    assert "廃棄" in refused.reason
    assert _rows() == []
    assert not Hold.objects.exists()


def test_rows_that_come_for_a_month_that_is_gone_go_by_two_people_anew(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    _decide(_propose(_NUMBERS, OLD, operator), central)
    _row(2, OLD, numbers=True, batch=8)

    refused = pytest.raises(DatabaseError, match="may not go yet")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_dispose_logs(%s, true)", [OLD])  # the first decision is used up
    again = _decide(_propose(_NUMBERS, OLD, operator), central)

    assert _rows() == []
    assert list(again.gone["audit.log_batch"]) == ["8"]


def _month_with_reasons() -> AuditCycle:
    report = world.report(sessions=2)
    run = report.reconciliation
    assert run is not None
    Reconciliation.system.filter(pk=run.pk).update(cycle=world.cycle(OLD))
    return world.cycle(OLD)


def test_sessions_go_with_their_reasons_and_the_counts_of_the_run_stay(operator: User, central: User) -> None:
    _month_with_reasons()
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        MismatchReason.system.all().delete()

    done = _decide(_propose(_SESSIONS, OLD, operator), central)

    assert done.counts == {"reasons": 8, "incident_sessions": 0, "incidents": 0, "sessions": 6}
    assert not MismatchReason.system.exists()
    assert not Mismatch.system.exists()
    assert Reconciliation.system.get().counts
    assert not selectors.is_there(_SESSIONS, OLD)


def test_an_incident_that_is_open_keeps_the_sessions_of_its_month(operator: User, central: User) -> None:
    cycle = _month_with_reasons()
    incident = Incident.system.create(
        number="監-1",
        organisation=factories.organisation("13"),
        cycle=cycle,
        fingerprint="x",
        text="不正の疑い",
        opened_by=operator,
        opened_at=timezone.now(),
    )
    disposal = _propose(_SESSIONS, OLD, operator)

    with pytest.raises(Refused, match="監-1"):
        _decide(disposal, central)
    page = client_of(central).post(
        reverse("audit_disposal_decide", args=[disposal.pk]), {"decision": "approve", "answer": "点検済み。"}
    )
    assert page.status_code == 422
    assert 'value="点検済み。"' in page.content.decode()  # what was typed stays in its row
    Incident.system.filter(pk=incident.pk).update(
        state="CLOSED", closed_by=central, closed_at=timezone.now(), result="誤検知"
    )
    assert _decide(disposal, central).counts["incidents"] == 1


def test_works_go_with_their_changes_and_sessions_keep_the_number(operator: User, central: User) -> None:
    old = _work(dt.datetime(2018, 9, 3, 9, tzinfo=JST))
    young = _work(dt.datetime(2025, 9, 3, 9, tzinfo=JST))
    world.report(sessions=0)
    Mismatch.system.update(work=old, work_number=old.work_number)

    done = _decide(_propose(_LEDGERS, OLD, operator), central)

    assert done.counts == {"changes": 1, "works": 1, "files": 0}
    assert list(WorkEntry.system.all()) == [young]
    assert set(Mismatch.system.values_list("work", "work_number")) == {(None, old.work_number)}
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        young.changes.all().delete()


def test_rest_tells_keeping_times_what_is_held_and_what_went(operator: User, central: User) -> None:
    _row(1, OLD, numbers=True)
    _row(2, OLD, numbers=False)
    done = _decide(_propose(_NUMBERS, OLD, operator), central)
    services.place_hold(kind=_OTHER, month=None, reason="調査中", actor=central, now=timezone.now())
    browser = client_of(factories.user(Role.AUDITOR, code="central"))

    told = browser.get("/api/v1/audit/retention/").json()
    holds = browser.get("/api/v1/audit/retention/holds/").json()["results"]
    (gone,) = browser.get("/api/v1/audit/retention/disposals/").json()["results"]

    assert {rule["kind"]: rule["years"] for rule in told["rules"]}["OTHER_LOGS"] == 3
    assert [(due["kind"], due["month"], due["held_because"]) for due in told["due"]] == [
        ("OTHER_LOGS", "2018-09", "調査中")
    ]
    assert [(hold["month"], hold["released_at"]) for hold in holds] == [(None, None)]
    assert (gone["month"], gone["counts"]["rows"], gone["sha256"]) == ("2018-09", 1, done.digest)
    assert client_of(factories.user(Role.APPLICANT)).get("/api/v1/audit/retention/").status_code == 403
