"""Decisions: who may, on what they saw, and what follows (ORG-04, ACC-03, ACC-04, ACC-12)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError
from django.utils import timezone

from portal.fulfilment.models import Operation
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import selectors, services
from portal.workflow.errors import (
    AlreadyDecided,
    ContentChanged,
    InvalidApplication,
    MoveNotAllowed,
    NobodyCanDecide,
    NotAllowed,
)
from portal.workflow.models import Application, ApprovalStage, RouteStage, StageStatus, Status
from portal.workflow.verbs import Verb
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.localdate() - dt.timedelta(days=1)
# Read once at the beginning: a run may go on past midnight, and "tomorrow" would have begun.
NOT_YET = timezone.localdate() + dt.timedelta(days=2)


def two_own_stages() -> None:
    for position in (1, 2):
        RouteStage.objects.create(
            kind=cards.CODE, position=position, label="Approval", role=Role.APPROVER, decided_in="OWN"
        )


def test_the_first_approval_opens_the_next_stage_and_mails_its_people(
    office: cards.Office,
) -> None:  # ACC-03, ACC-04
    application = cards.approve(cards.submitted(office.applicant), office.approver, "よいです")

    first, second = application.stages.all()
    assert (first.status, first.decided_by, first.comment) == (
        StageStatus.APPROVED,
        office.approver,
        "よいです",
    )
    assert second.status == StageStatus.OPEN
    assert application.status == Status.IN_REVIEW
    assert application.due_on == second.due_on
    asked = Notice.system.filter(template="approval_request", to_user=office.operator)
    assert asked.count() == 1


def test_the_last_approval_queues_one_operation_per_line_in_the_same_transaction(
    office: cards.Office,
) -> None:
    application = cards.approved(office.applicant, office.approver, office.operator, names=("sato", "ito"))

    assert application.status == Status.FULFILLING
    assert application.decided_at is not None
    assert application.due_on is None
    queued = Operation.system.filter(application_number=application.number)
    assert [(o.subject, o.target) for o in queued] == [("sato", "paper"), ("ito", "paper")]


def test_the_decision_says_what_was_seen(office: cards.Office) -> None:
    application = cards.approve(cards.submitted(office.applicant), office.approver)

    stage = application.stages.get(position=1)
    event = application.events.get(verb=Verb.APPROVED)
    assert stage.content_hash == application.content_hash
    assert event.data["plan_digest"] == stage.plan_digest != ""


@pytest.mark.parametrize("decide", [services.approve, services.reject, services.return_])
def test_the_applicant_never_decides(decide: object, world: cards.World) -> None:  # ORG-04
    both = factories.user(Role.APPLICANT, Role.APPROVER)
    factories.approver()
    factories.operator()
    application = cards.submitted(both)

    with pytest.raises(NotAllowed):
        decide(**cards.seen(application, both), comment="x")  # type: ignore[operator]


def test_the_applicant_never_decides_as_somebodys_deputy(office: cards.Office) -> None:  # ORG-04
    application = cards.submitted(office.applicant)
    factories.deputy(office.approver, office.applicant, Role.APPROVER)

    with pytest.raises(NotAllowed):
        cards.approve(application, office.applicant)


def test_nobody_decides_as_the_applicants_deputy(office: cards.Office) -> None:  # ORG-04
    factories.membership(office.applicant, Role.APPROVER)
    stand_in = factories.user(Role.USER)
    factories.deputy(office.applicant, stand_in, Role.APPROVER)
    application = cards.submitted(office.applicant)

    with pytest.raises(NotAllowed) as caught:
        cards.approve(application, stand_in)
    assert caught.value.reason


def test_the_database_refuses_a_decision_of_the_applicant(office: cards.Office) -> None:  # ORG-04
    application = cards.submitted(office.applicant)

    with pytest.raises(IntegrityError):
        application.stages.update(decided_by=office.applicant)


def test_the_database_refuses_a_decision_for_the_applicant(office: cards.Office) -> None:  # ORG-04
    application = cards.submitted(office.applicant)

    with pytest.raises(IntegrityError):
        application.stages.filter(position=1).update(decided_by=office.approver, acted_for=office.applicant)


def test_the_database_refuses_two_decisions_of_one_person(office: cards.Office) -> None:  # ORG-04
    application = cards.submitted(office.applicant)

    with pytest.raises(IntegrityError):
        application.stages.update(decided_by=office.approver)


def test_a_deputy_decides_and_both_names_are_kept(office: cards.Office) -> None:
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)

    application = cards.approve(cards.submitted(office.applicant), stand_in)

    stage = application.stages.get(position=1)
    assert (stage.decided_by, stage.acted_for) == (stand_in, office.approver)
    assert application.events.get(verb=Verb.APPROVED).acted_for == office.approver


@pytest.mark.parametrize(
    "period",
    [
        {"valid_from": YESTERDAY, "valid_until": YESTERDAY},
        {"valid_from": NOT_YET, "valid_until": NOT_YET},
    ],
)
def test_a_deputy_decides_only_within_the_dates(office: cards.Office, period: dict[str, dt.date]) -> None:
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER, **period)

    with pytest.raises(NotAllowed):
        cards.approve(cards.submitted(office.applicant), stand_in)


def test_a_deputy_passes_nothing_on(office: cards.Office) -> None:
    stand_in, third = factories.user(Role.USER), factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)
    factories.deputy(stand_in, third, Role.APPROVER)

    with pytest.raises(NotAllowed):
        cards.approve(cards.submitted(office.applicant), third)


def test_a_deputy_of_another_role_or_of_somebody_who_lost_it_decides_nothing(office: cards.Office) -> None:
    gone = factories.approver()
    first, second = factories.user(Role.USER), factories.user(Role.USER)
    factories.deputy(office.approver, first, Role.SECURITY_MANAGER)
    factories.deputy(gone, second, Role.APPROVER)
    gone.memberships.update(valid_until=YESTERDAY)
    application = cards.submitted(office.applicant)

    for person in (first, second):
        with pytest.raises(NotAllowed):
            cards.approve(application, person)


def test_a_deputy_who_left_the_organisation_decides_nothing(office: cards.Office) -> None:  # ORG-02
    stranger = factories.approver(code="27")
    factories.deputy(office.approver, stranger, Role.APPROVER)

    with pytest.raises(NotAllowed):
        cards.approve(cards.submitted(office.applicant), stranger)


def test_a_deputy_who_is_only_an_auditor_now_decides_nothing(office: cards.Office) -> None:  # ORG-03
    application = cards.submitted(office.applicant)
    stand_in = factories.user(Role.AUDITOR)
    factories.deputy(office.approver, stand_in, Role.APPROVER)

    with pytest.raises(NotAllowed):
        cards.approve(application, stand_in)
    assert not selectors.inbox(stand_in, timezone.now()).exists()


def test_a_break_glass_account_decides_nothing_and_fills_no_seat(office: cards.Office) -> None:
    # Whose hand it is nobody knows (SEC-01): one person could decide twice, and nobody would be asked by mail.
    application = cards.approve(cards.submitted(office.applicant), office.approver)
    envelope = factories.operator(is_break_glass=True, email="")

    with pytest.raises(NotAllowed):
        cards.approve(application, envelope)
    assert not selectors.inbox(envelope, timezone.now()).exists()
    office.operator.memberships.update(ended_at=timezone.now())
    with pytest.raises(NobodyCanDecide):
        cards.submitted(office.applicant, "kato")


def test_an_approver_of_another_federation_decides_nothing(office: cards.Office) -> None:  # ORG-02
    with pytest.raises(NotAllowed):
        cards.approve(cards.submitted(office.applicant), factories.approver(code="27"))


def test_a_role_that_ended_since_the_login_counts_no_more(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    arguments = cards.seen(application, office.approver)
    assert arguments["actor"].holds(Role.APPROVER, application.organisation_id)  # remembered by the object
    office.approver.memberships.update(valid_until=YESTERDAY)

    with pytest.raises(NotAllowed):
        services.approve(**arguments, comment="")


def test_a_deactivated_person_decides_nothing(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    arguments = cards.seen(application, office.approver)
    User.objects.filter(pk=office.approver.pk).update(is_active=False)

    with pytest.raises(NotAllowed):
        services.approve(**arguments, comment="")


def test_nobody_decides_two_stages(office: cards.Office) -> None:  # ORG-04
    two_own_stages()
    factories.approver()
    application = cards.approve(cards.submitted(office.applicant), office.approver)

    with pytest.raises(NotAllowed):
        cards.approve(application, office.approver)


def test_nobody_decides_a_second_stage_through_a_deputy(office: cards.Office) -> None:  # ORG-04
    two_own_stages()
    factories.approver()
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)
    application = cards.approve(cards.submitted(office.applicant), office.approver)

    with pytest.raises(NotAllowed):
        cards.approve(application, stand_in)


def test_a_principal_does_not_decide_after_their_deputy(office: cards.Office) -> None:  # ORG-04
    two_own_stages()
    factories.approver()
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)
    application = cards.approve(cards.submitted(office.applicant), stand_in)

    with pytest.raises(NotAllowed):
        cards.approve(application, office.approver)


def test_a_stage_whose_people_were_used_up_goes_to_operations(office: cards.Office) -> None:
    two_own_stages()
    second = factories.approver()
    application = cards.submitted(office.applicant)
    second.memberships.update(valid_until=YESTERDAY)

    application = cards.approve(application, office.approver)

    stage = application.stages.get(status=StageStatus.OPEN)
    assert (stage.role, stage.is_fallback) == (Role.OPERATOR, True)


def test_the_second_approver_is_told_who_decided(office: cards.Office) -> None:
    second = factories.approver()
    application = cards.submitted(office.applicant)
    stale = cards.seen(application, second)
    cards.approve(application, office.approver)

    with pytest.raises(AlreadyDecided) as caught:
        services.approve(**stale, comment="")

    assert caught.value.stage.decided_by == office.approver
    assert application.stages.filter(decided_by__isnull=False).count() == 1


def test_another_content_than_seen_is_refused(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    arguments = cards.seen(application, office.approver) | {"content_hash": "0" * 64}

    with pytest.raises(ContentChanged):
        services.return_(**arguments, comment="x")


def test_a_stage_of_an_earlier_revision_is_refused(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    stale = cards.seen(application, office.approver)
    services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now())
    cards.submit(application)

    with pytest.raises(MoveNotAllowed):
        services.approve(**stale, comment="")


def test_a_stage_of_another_application_is_refused(office: cards.Office) -> None:
    application, other = cards.submitted(office.applicant, "a"), cards.submitted(office.applicant, "b")
    arguments = cards.seen(application, office.approver) | {"stage_id": other.stages.first().pk}  # type: ignore[union-attr]

    with pytest.raises(MoveNotAllowed):
        services.approve(**arguments, comment="")


def test_a_plan_that_changed_since_it_was_shown_is_refused_with_the_differences(
    office: cards.Office, world: cards.World
) -> None:
    application = cards.submitted(office.applicant)
    arguments = cards.seen(application, office.approver)
    world.shelf = "B"

    with pytest.raises(ContentChanged) as caught:
        services.approve(**arguments, comment="")

    assert [(change.attribute, change.after) for change in caught.value.changes] == [("shelf", ("B",))]
    application.refresh_from_db()
    assert application.stages.get(position=1).status == StageStatus.OPEN


def test_a_plan_that_changed_since_submission_is_approved_when_it_was_shown(
    office: cards.Office, world: cards.World
) -> None:
    application = cards.submitted(office.applicant)
    world.shelf = "B"
    view = selectors.decision_view(office.approver, application, timezone.now())

    assert view.plan_changed
    assert [change.after for change in view.changes] == [("B",)]
    assert cards.approve(application, office.approver).stages.get(position=1).status == StageStatus.APPROVED


def test_while_the_target_is_down_the_frozen_plan_is_approved(
    office: cards.Office, world: cards.World
) -> None:  # ACC-12
    application = cards.submitted(office.applicant)
    world.down = True
    arguments = cards.seen(application, office.approver)

    assert arguments["plan_digest"] == ""
    services.approve(**arguments, comment="")

    assert application.stages.get(position=1).status == StageStatus.APPROVED


def test_a_target_that_went_down_since_the_page_was_shown_does_not_stop_the_approval(
    office: cards.Office, world: cards.World
) -> None:  # ACC-12
    application = cards.submitted(office.applicant)
    arguments = cards.seen(application, office.approver)
    world.down = True

    services.approve(**arguments, comment="")

    assert application.stages.get(position=1).status == StageStatus.APPROVED


def test_a_target_that_is_back_with_another_plan_than_the_frozen_one_is_noticed(
    office: cards.Office, world: cards.World
) -> None:
    application = cards.submitted(office.applicant)
    world.down = True
    arguments = cards.seen(application, office.approver)
    world.down, world.shelf = False, "B"

    with pytest.raises(ContentChanged):
        services.approve(**arguments, comment="")


def test_a_blocked_check_refuses_the_approval_with_its_reason(
    office: cards.Office, world: cards.World
) -> None:
    application = cards.submitted(office.applicant, "ito", "sato")
    world.blocked = {"sato"}

    with pytest.raises(InvalidApplication) as caught:
        cards.approve(application, office.approver)

    assert caught.value.errors == {"lines.1": ["sato is free"]}


def test_a_blocked_check_does_not_stop_a_return(office: cards.Office, world: cards.World) -> None:
    application = cards.submitted(office.applicant, "sato")
    world.blocked = {"sato"}

    assert (
        services.return_(**cards.seen(application, office.approver), comment="直して").status
        == Status.RETURNED
    )


def test_the_target_is_not_asked_for_a_decision_that_comes_too_late(
    office: cards.Office, world: cards.World
) -> None:
    application = cards.submitted(office.applicant)
    stale = cards.seen(application, office.approver)
    cards.approve(application, office.approver)
    asked = world.asked

    with pytest.raises(AlreadyDecided):
        services.approve(**stale, comment="")
    assert world.asked == asked


@pytest.mark.parametrize("decide", [services.reject, services.return_])
@pytest.mark.parametrize("comment", ["", "  \n", "x" * 2001, "a\x00b"])
def test_reject_and_return_need_a_usable_comment(decide: object, comment: str, office: cards.Office) -> None:
    application = cards.submitted(office.applicant)

    with pytest.raises(InvalidApplication) as caught:
        decide(**cards.seen(application, office.approver), comment=comment)  # type: ignore[operator]

    assert set(caught.value.errors) == {"comment"}


def test_a_return_gives_it_back_and_tells_the_applicant(office: cards.Office) -> None:
    application = cards.submitted(office.applicant, "sato")

    services.return_(**cards.seen(application, office.approver), comment="所属を直してください")

    application.refresh_from_db()
    assert application.status == Status.RETURNED
    assert [s.status for s in application.stages.all()] == [StageStatus.RETURNED, StageStatus.CANCELLED]
    assert application.lines.get().is_open  # the name stays taken until it is submitted again or withdrawn
    assert Notice.system.get(template="application_returned").to_user == office.applicant


def test_a_resubmission_shows_what_differs(office: cards.Office) -> None:
    application = cards.submitted(office.applicant, "sato")
    services.return_(**cards.seen(application, office.approver), comment="直して")
    services.save_draft(
        application_id=application.pk,
        actor=office.applicant,
        content=cards.content("ito", reason="訂正しました"),
        version=None,
        now=timezone.now(),
    )
    cards.submit(application)

    changes = {change.attribute: change for change in selectors.revision_changes(application)}

    assert set(changes) == {"reason", "lines.0.name"}
    assert (changes["lines.0.name"].before, changes["lines.0.name"].after) == (("sato",), ("ito",))


def test_a_rejection_ends_it_and_frees_the_name(office: cards.Office) -> None:  # ACC-06
    application = cards.submitted(office.applicant, "sato")

    services.reject(**cards.seen(application, office.approver), comment="不要です")

    application.refresh_from_db()
    assert application.status == Status.REJECTED
    assert [s.status for s in application.stages.all()] == [StageStatus.REJECTED, StageStatus.CANCELLED]
    assert Notice.system.get(template="application_rejected").to_user == office.applicant
    assert cards.submitted(office.applicant, "sato").status == Status.IN_REVIEW


def test_every_change_raises_the_version(office: cards.Office) -> None:
    application = cards.draft(office.applicant)
    versions = [application.version]
    for step in (
        lambda: cards.submit(application),
        lambda: cards.approve(application, office.approver),
        lambda: cards.approve(application, office.operator),
    ):
        versions.append(step().version)

    assert versions == sorted(set(versions))


def test_a_fallback_stage_is_decided_by_operations(office: cards.Office) -> None:
    office.approver.memberships.update(valid_until=YESTERDAY)
    second = factories.operator()
    application = cards.submitted(office.applicant)

    application = cards.approved_by(application, office.operator, second)

    assert application.status == Status.FULFILLING
    assert ApprovalStage.system.filter(application=application, is_fallback=True).count() == 1


def test_the_answers_of_a_decision_never_come_from_a_cached_role(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    late = factories.user(Role.USER)
    assert not late.holds(Role.APPROVER, application.organisation_id)  # now cached on the object
    arguments = cards.seen(application, office.approver)
    factories.membership(User.objects.get(pk=late.pk), Role.APPROVER)

    services.approve(**arguments | {"actor": late}, comment="")

    assert Application.system.get(pk=application.pk).stages.get(position=1).decided_by == late
