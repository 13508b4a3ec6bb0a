"""Reasons of both parties for many mismatches at once, and incidents (AUD-03, AUD-05, SEC-02)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from audit.reconciliation import incidents, reasons, selectors
from audit.reconciliation.models import Code, Incident, IncidentSession, Mismatch, MismatchReason, Side
from audit.reports.models import AuditReport
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from tests import factories
from tests.audit.reports import world

pytestmark = pytest.mark.django_db
NOW = world.at(world.MONTH.replace(day=29))


def reviewer() -> User:
    return factories.user(Role.AUDIT_REVIEWER, code="central")


def officer(code: str = "13") -> User:
    return factories.user(Role.SECURITY_OFFICER, code=code)


def made(
    status: str = "CREATED", count: int = 2, place: str = "13", **fields: Any
) -> tuple[AuditReport, list[Mismatch]]:
    """A report in this state with sessions that differ."""
    month = world.cycle()
    run = world.run(month, place)
    sessions = [world.mismatch(run, **fields) for _n in range(count)]
    provided = {"provided_at": NOW} if status != "CREATED" else {}
    return world.report(month, place, status=status, reconciliation=run, **provided), sessions


def give(
    sessions: list[Mismatch], actor: User, side: str = Side.CENTRAL, **more: Any
) -> list[MismatchReason]:
    """An emergency, unless said otherwise."""
    said: dict[str, Any] = {"code": "EMERGENCY", "text": "障害対応のため。", "now": NOW} | more
    of = sessions[0].reconciliation_id if sessions else None
    report = AuditReport.system.filter(is_current=True, reconciliation=of).first()
    return reasons.give_reason(
        report_id=report.pk if report else 0, mismatches=sessions, side=side, actor=actor, **said
    )


def test_aud_03_one_reason_for_many_and_the_newest_counts() -> None:
    report, sessions = made(count=3)
    one, two = reviewer(), reviewer()
    assert selectors.without_reason(report, Side.CENTRAL).count() == 3

    give(sessions[:2], one)
    give(sessions[1:2], two, code="OVERRUN", text="延長したため。")

    assert list(selectors.without_reason(report, Side.CENTRAL)) == sessions[2:]
    assert selectors.without_reason(report, Side.FEDERATION).count() == 3
    rows = selectors.with_reasons(selectors.sessions(one, report, "DATABASE").order_by("pk"))
    newest = [getattr(row, "central_reason", None) for row in rows]
    assert [each and each.code for each in newest] == ["EMERGENCY", "OVERRUN", None]
    assert MismatchReason.system.count() == 3  # nothing is overwritten
    for said in MismatchReason.system.filter(
        mismatch=sessions[1]
    ):  # as earlier versions copied them into a later run
        said.pk, said._state.adding = None, True
        said.save()
    told = selectors.history(one, report, sessions[1])
    assert [each.code for each in told] == ["OVERRUN", "EMERGENCY"], "each once"
    kept = TrailEntry.objects.filter(action="mismatch.reason").order_by("id")
    assert [entry.detail["count"] for entry in kept] == [2, 1]


def test_aud_03_a_second_click_says_nothing_twice() -> None:
    _report, sessions = made(count=2)
    one, two = reviewer(), reviewer()

    first = give(sessions[:1], one)
    again = give(sessions, one)  # the second session is new
    give(sessions, one)
    give(sessions[:1], two)  # somebody else agrees: a reason of their own

    assert again[0] == first[0]
    assert len(again) == 2
    assert MismatchReason.system.count() == 3
    kept = TrailEntry.objects.filter(action="mismatch.reason").order_by("id")
    assert [entry.detail["count"] for entry in kept] == [1, 1, 1]


def test_aud_03_a_reason_stays_with_its_session_in_a_later_run_of_the_month() -> None:
    report, (session, other) = made()
    give([session], reviewer())
    again = world.run(report.cycle)
    Mismatch.system.bulk_create(
        [
            Mismatch(
                **{
                    field.attname: getattr(row, field.attname)
                    for field in Mismatch._meta.concrete_fields
                    if field.name not in ("id", "reconciliation")
                },
                reconciliation=again,
            )
            for row in (session, other)
        ]
    )
    AuditReport.system.filter(pk=report.pk).update(reconciliation=again)
    report.refresh_from_db()

    left = selectors.without_reason(report, Side.CENTRAL)

    assert [row.fingerprint for row in left] == [other.fingerprint]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"code": "NONSENSE"}, "code"),
        ({"code": ""}, "code"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 501}, "text"),
    ],
)
def test_aud_03_code_and_text_are_both_needed(more: dict[str, str], field: str) -> None:
    _report, sessions = made()

    with pytest.raises(Refused) as refused:
        give(sessions, reviewer(), **more)

    assert refused.value.field == field
    assert not MismatchReason.system.exists()


def test_nothing_chosen_and_what_fits_a_work_are_refused() -> None:
    _report, sessions = made(code=Code.OK)

    for chosen in ([], sessions):
        with pytest.raises(Refused):
            give(chosen, reviewer())


def test_aud_05_each_party_speaks_while_its_own_step_is_open() -> None:
    created, of_created = made()
    provided, of_provided = made("PROVIDED", place="27")

    with pytest.raises(ChangedMeanwhile):
        give(of_created, officer(), Side.FEDERATION)
    with pytest.raises(ChangedMeanwhile):
        give(of_provided, reviewer())
    give(of_created, reviewer())
    give(of_provided, officer("27"), Side.FEDERATION)

    for report in (created, provided):
        AuditReport.system.filter(pk=report.pk).update(status="COPY_STORED")
    for sessions, person, side in (
        (of_created, reviewer(), Side.CENTRAL),
        (of_provided, officer("27"), Side.FEDERATION),
    ):
        with pytest.raises(ChangedMeanwhile):
            give(sessions, person, side)


def test_org_03_nobody_speaks_for_another_party_or_federation() -> None:
    _report, sessions = made("PROVIDED")
    _created, of_created = made(place="27")
    strangers = (
        officer("27"),
        factories.user(Role.AUDITOR),
        factories.user(Role.APPLICANT),
        factories.operator(),
    )

    for person in (*strangers, reviewer()):
        with pytest.raises(NotAllowed):
            give(sessions, person, Side.FEDERATION)
    for person in (officer("27"), factories.operator(), factories.user(Role.APPROVER, code="central")):
        with pytest.raises(NotAllowed):
            give(of_created, person)
    with pytest.raises(Refused):
        give([*sessions, *of_created], officer(), Side.FEDERATION)


def test_aud_03_suspected_misuse_opens_one_incident_that_both_parties_hear_of() -> None:
    report, sessions = made(count=3)
    one, manager = reviewer(), factories.user(Role.SECURITY_MANAGER)
    elsewhere = factories.user(Role.SECURITY_MANAGER, code="27")

    give(sessions[:2], one, code="MISUSE", text="夜間に全件を参照している。")
    give(sessions[1:], one, code="MISUSE", text="同じ人。")
    give(sessions, one, code="MISUSE", text="もう一度。")

    second, first = Incident.system.all()
    assert [each.sessions.count() for each in (first, second)] == [2, 1]
    told = Notice.system.filter(template="incident_opened").values_list("to_user", flat=True)
    assert set(told) == {one.pk, manager.pk}
    assert "夜間" not in str(list(Notice.system.values_list("context", flat=True)))
    for person in (one, manager, factories.user(Role.AUDITOR)):
        assert set(selectors.incidents(person)) == {first, second}
    for person in (elsewhere, factories.user(Role.APPLICANT)):
        assert not selectors.incidents(person).exists()
    assert report.status == "CREATED"


def test_org_04_an_incident_is_closed_with_its_result_by_somebody_else() -> None:
    _report, sessions = made()
    one, manager = reviewer(), factories.user(Role.SECURITY_MANAGER)
    give(sessions, one, code="MISUSE")
    incident = Incident.system.get()

    for person in (one, officer(), factories.user(Role.SECURITY_MANAGER, code="27"), factories.operator()):
        with pytest.raises(NotAllowed):
            incidents.close(incident_id=incident.pk, result="問題なし", actor=person, now=NOW)
    with pytest.raises(Refused):
        incidents.close(incident_id=incident.pk, result=" ", actor=manager, now=NOW)
    incidents.close(incident_id=incident.pk, result="正当な作業と確認した。", actor=manager, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        incidents.close(incident_id=incident.pk, result="x", actor=reviewer(), now=NOW)

    incident.refresh_from_db()
    assert (incident.state, incident.closed_by) == ("CLOSED", manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.system.update(closed_by=one)
    give(sessions[:1], one, code="MISUSE")  # a closed one does not stand in the way of a new suspicion
    assert IncidentSession.system.count() == 3


def test_sec_02_a_reason_cannot_be_changed() -> None:
    _report, sessions = made()
    give(sessions, reviewer())

    with pytest.raises(DatabaseError), transaction.atomic():
        MismatchReason.system.update(text="x")
