"""Fault cases 6 and 8: two people decide at once, or about something that is no longer what they saw (ACC-01, ORG-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts import asking
from portal.fulfilment.models import Operation
from portal.gateways import directory_factory
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.errors import AlreadyDecided, ContentChanged, MoveNotAllowed
from portal.workflow.models import Application, RouteStage, Status
from portal.workflow.verbs import Verb
from tests import factories, journeys
from tests.fakes import FakeDirectory
from tests.roles import client_of
from tests.workflow import cards
from tests.workflow.test_races import at_once, losers, winners

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = range(3)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> cards.Office:
    cards.use_kind(monkeypatch)
    return cards.Office()


def one_stage() -> None:
    """The approver's decision is the last one."""
    RouteStage.objects.create(
        kind=cards.CODE, position=1, label="Approval", role=Role.APPROVER, decided_in="OWN"
    )


def state(application: Application) -> tuple[str, int]:
    """The status, and how many operations were queued."""
    application.refresh_from_db()
    return (
        application.status,
        Operation.system.filter(application_number=application.number).count(),
    )


def edit(application: Application, applicant: Any) -> Application:
    """Pull it back, change what it is about, hand it in again."""
    now = timezone.now()
    services.pull_back(application_id=application.pk, actor=applicant, now=now)
    services.save_draft(
        application_id=application.pk,
        actor=applicant,
        version=None,
        content=cards.content("yamada"),
        now=now,
    )
    return cards.submit(Application.system.get(pk=application.pk), applicant)


# fault case 6
@pytest.mark.parametrize("_round", ROUNDS)
def test_case_6_of_two_approvers_one_decides_and_the_other_is_told_who(
    office: cards.Office, _round: int
) -> None:
    second = factories.approver()
    application = cards.submitted(office.applicant)
    seen = [cards.seen(application, person) for person in (office.approver, second)]

    results = at_once(*(lambda a=a: services.approve(**a, comment="") for a in seen))

    assert (winners(results), losers(results)) == (1, [AlreadyDecided])
    (told,) = (result for result in results if isinstance(result, AlreadyDecided))
    assert told.stage.decided_by in (office.approver, second)
    assert application.events.filter(verb=Verb.APPROVED).count() == 1


# fault case 6
@pytest.mark.parametrize("_round", ROUNDS)
def test_case_6_of_approve_and_reject_one_counts(office: cards.Office, _round: int) -> None:
    one_stage()
    second = factories.approver()
    application = cards.submitted(office.applicant)
    first_seen, second_seen = cards.seen(application, office.approver), cards.seen(application, second)

    results = at_once(
        lambda: services.approve(**first_seen, comment=""),
        lambda: services.reject(**second_seen, comment="不要"),
    )

    assert (winners(results), losers(results)) == (1, [AlreadyDecided])
    assert state(application) in {(Status.FULFILLING, 1), (Status.REJECTED, 0)}


# fault case 6
@pytest.mark.parametrize("_round", ROUNDS)
def test_case_6_of_approve_and_pull_back_one_counts(office: cards.Office, _round: int) -> None:
    application = cards.submitted(office.applicant)
    seen = cards.seen(application, office.approver)

    results = at_once(
        lambda: services.approve(**seen, comment=""),
        lambda: services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now()),
    )

    assert (winners(results), losers(results)) == (1, [MoveNotAllowed])
    approvals = application.events.filter(verb=Verb.APPROVED).count()
    pulled = application.events.filter(verb=Verb.PULLED_BACK).count()
    assert approvals + pulled == 1


# fault case 6
@pytest.mark.parametrize("_round", ROUNDS)
def test_case_6_of_approve_and_withdraw_one_counts(office: cards.Office, _round: int) -> None:
    one_stage()
    application = cards.submitted(office.applicant)
    seen = cards.seen(application, office.approver)

    results = at_once(
        lambda: services.approve(**seen, comment=""),
        lambda: services.withdraw(
            application_id=application.pk, actor=office.applicant, comment="", now=timezone.now()
        ),
    )

    assert (winners(results), losers(results)) == (1, [MoveNotAllowed])
    assert state(application) in {(Status.FULFILLING, 1), (Status.WITHDRAWN, 0)}


# fault case 6
@pytest.mark.parametrize("_round", ROUNDS)
def test_case_6_of_approve_and_edit_one_counts_and_only_what_was_seen_is_approved(
    office: cards.Office, _round: int
) -> None:
    one_stage()
    application = cards.submitted(office.applicant, "tanaka")
    seen = cards.seen(application, office.approver)

    results = at_once(
        lambda: services.approve(**seen, comment=""), lambda: edit(application, office.applicant)
    )

    assert winners(results) == 1
    (told,) = losers(results)
    names = [line.payload["name"] for line in application.lines.all()]
    assert (*state(application), names, told) in [
        (Status.FULFILLING, 1, ["tanaka"], MoveNotAllowed),  # the edit came too late
        (Status.IN_REVIEW, 0, ["yamada"], AlreadyDecided),  # the stage that was seen is closed
        (Status.IN_REVIEW, 0, ["yamada"], ContentChanged),
        (Status.IN_REVIEW, 0, ["yamada"], MoveNotAllowed),  # the approval met it while it was edited
    ]


# fault case 8
def test_case_8_a_tab_that_shows_what_was_edited_since_approves_nothing(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, cast = FakeDirectory(), journeys.Cast()
    monkeypatch.setattr(directory_factory, "get_directory", lambda: directory)
    asking.forget()
    application = journeys.submitted(cast)
    tab, page = client_of(cast.approver), f"/applications/{application.number}/"
    shown = seen_by(cast.approver, application)

    now = timezone.now()
    services.pull_back(application_id=application.pk, actor=cast.applicant, now=now)
    line = journeys.registration_line(cast.recipient, given_name="花子", given_kana="ハナコ")
    services.save_draft(
        application_id=application.pk,
        actor=cast.applicant,
        version=None,
        content=Content(reason="訂正", lines=(line,)),
        now=now,
    )
    cards.submit(Application.system.get(pk=application.pk), cast.applicant)
    fresh = seen_by(cast.approver, application)["stage_id"]
    # The stage that was shown; and the stage of now with what was read then.
    answers = [
        tab.post(f"{page}approve/", shown | {"stage_id": stage}) for stage in (shown["stage_id"], fresh)
    ]

    told = answers[1].content.decode()
    assert [answer.status_code for answer in answers] == [409, 409]
    assert "確認済" in told, "the comment is kept"
    assert "花子" in told, "what it is now"
    assert state(application) == (Status.IN_REVIEW, 0)
    assert application.events.filter(verb=Verb.APPROVED).count() == 0


def seen_by(person: User, application: Application) -> dict[str, Any]:
    """What the form in that person's tab sends."""
    view = selectors.decision_view(person, Application.system.get(pk=application.pk), timezone.now())
    assert view.stage is not None
    shown = Application.system.get(pk=application.pk)
    return {
        "stage_id": view.stage.pk,
        "content_hash": shown.content_hash,
        "plan_digest": view.plan_digest,
        "comment": "確認済",
    }
