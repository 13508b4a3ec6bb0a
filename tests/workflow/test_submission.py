"""Submission: checks, frozen plan, names, stages, history and mail (ACC-03, ACC-04, ACC-06)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.common.time import JST, add_business_days, today
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import kinds, services
from portal.workflow.content import Content
from portal.workflow.errors import (
    ContentChanged,
    InvalidApplication,
    MoveNotAllowed,
    NobodyCanDecide,
    NotAllowed,
)
from portal.workflow.models import Application, RouteStage, StageStatus, Status
from portal.workflow.plans import Plan
from portal.workflow.verbs import Verb
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db


def errors_of(call: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidApplication) as caught:
        call()
    return caught.value.errors


def route(*stages: tuple[str, str], code: str | None = None) -> None:
    for position, (role, decided_in) in enumerate(stages, start=1):
        RouteStage.objects.create(
            kind=cards.CODE,
            organisation=factories.organisation(code) if code else None,
            position=position,
            label=f"Stage {position}",
            role=role,
            decided_in=decided_in,
        )


def test_submission_opens_the_first_stage_with_a_due_date_in_business_days(office: cards.Office) -> None:
    friday = dt.datetime(2026, 11, 20, 9, tzinfo=JST)

    application = cards.submitted(office.applicant, now=friday)

    first, second = application.stages.all()
    assert application.status == Status.IN_REVIEW
    assert (first.status, first.due_on) == (
        StageStatus.OPEN,
        dt.date(2026, 11, 26),
    )  # 23 November is a holiday
    assert (second.status, second.due_on, second.business_days) == (StageStatus.WAITING, None, 5)
    assert application.due_on == first.due_on
    assert second.organisation.code == "operations"


def test_history_holds_the_full_content_of_the_submission(office: cards.Office) -> None:
    application = cards.submitted(office.applicant, "sato", desired_on=timezone.localdate())

    event = application.events.get(verb=Verb.SUBMITTED)
    assert event.data["content"]["lines"] == [{"name": "sato", "colour": ""}]
    assert event.data["content"]["reason"] == application.reason
    assert event.data["content_hash"] == application.content_hash
    assert (event.from_status, event.to_status) == (Status.DRAFT, Status.IN_REVIEW)
    assert TrailEntry.objects.filter(action="application.submitted", object_label=application.number).exists()


def test_the_plan_of_each_line_is_frozen(office: cards.Office, world: cards.World) -> None:
    application = cards.submitted(office.applicant, "sato", "ito")
    world.shelf = "B"

    frozen = [Plan.from_json(line.plan) for line in application.lines.all()]

    assert [plan.changes[0].after for plan in frozen] == [("sato",), ("ito",)]
    assert all(plan.changes[1].after == ("A",) for plan in frozen)


def test_everybody_who_can_decide_is_mailed_also_deputies(office: cards.Office) -> None:  # ACC-04
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)
    factories.approver(code="27")

    application = cards.submitted(office.applicant)

    asked = Notice.system.filter(application_number=application.number, template="approval_request")
    assert {notice.to_user for notice in asked} == {office.approver, stand_in}


def test_every_error_has_its_path_and_nothing_is_lost(office: cards.Office, world: cards.World) -> None:
    world.taken = {"ito"}
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    application = cards.draft(office.applicant, "", "ito", reason=" ", desired_on=yesterday)

    errors = errors_of(lambda: cards.submit(application))

    assert set(errors) == {"reason", "desired_on", "lines.0.name", "lines.1.name"}
    application.refresh_from_db()
    assert (application.status, application.lines.count()) == (Status.DRAFT, 2)


def test_an_application_needs_a_line(office: cards.Office) -> None:
    application = services.create_draft(
        kind=cards.CODE,
        organisation_id=office.applicant.organisation_id,
        actor=office.applicant,
        content=Content(reason="x"),
        now=timezone.now(),
    )

    assert set(errors_of(lambda: cards.submit(application))) == {"lines"}


def test_a_blocked_check_refuses_with_its_reason(office: cards.Office, world: cards.World) -> None:
    world.blocked = {"sato"}

    assert errors_of(lambda: cards.submitted(office.applicant, "sato")) == {"lines.0": ["sato is free"]}


def test_one_name_twice_in_one_application_is_refused(office: cards.Office) -> None:  # ACC-06
    errors = errors_of(lambda: cards.submitted(office.applicant, "sato", "SATO"))

    assert set(errors) == {"lines.1.name"}


def test_a_name_of_another_open_application_is_refused_at_its_field(office: cards.Office) -> None:  # ACC-06
    cards.submitted(office.applicant, "sato")
    other = factories.applicant(code="27")
    factories.approver(code="27")

    errors = errors_of(lambda: cards.submitted(other, "ito", "Sato"))

    assert set(errors) == {"lines.1.name"}


def test_a_draft_takes_no_name(office: cards.Office) -> None:
    cards.draft(office.applicant, "sato")

    assert cards.submitted(office.applicant, "sato").status == Status.IN_REVIEW


def test_two_lines_can_swap_their_names_in_a_resubmission(office: cards.Office) -> None:
    application = cards.submitted(office.applicant, "sato", "ito")
    services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now())
    services.save_draft(
        application_id=application.pk,
        actor=office.applicant,
        content=cards.content("ito", "sato"),
        version=None,
        now=timezone.now(),
    )

    cards.submit(application)

    assert [line.reservation_key for line in application.lines.all()] == ["card:ito", "card:sato"]


def test_the_target_may_be_down_at_submission(office: cards.Office, world: cards.World) -> None:  # ACC-12
    world.down = True

    application = cards.submitted(office.applicant)

    assert application.status == Status.IN_REVIEW
    assert application.lines.get().plan["unavailable"]


def test_a_stale_page_cannot_submit(office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    with pytest.raises(ContentChanged):
        services.submit(
            application_id=application.pk,
            actor=office.applicant,
            version=application.version + 1,
            now=timezone.now(),
        )


def test_a_change_while_the_targets_are_asked_is_noticed(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = cards.draft(office.applicant, "sato")

    def check(context: Any, payload: Any) -> dict[str, list[str]]:
        services.save_draft(
            application_id=application.pk,
            actor=office.applicant,
            content=cards.content("other"),
            version=None,
            now=timezone.now(),
        )
        return {}

    monkeypatch.setitem(kinds._kinds, cards.CODE, _with(check=check))

    with pytest.raises(ContentChanged):
        cards.submit(application)


def test_only_the_applicant_submits(office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    with pytest.raises(NotAllowed):
        cards.submit(application, factories.applicant())


def test_who_lost_the_applicant_role_cannot_submit(office: cards.Office) -> None:
    application = cards.draft(office.applicant)
    office.applicant.memberships.update(valid_until=timezone.localdate() - dt.timedelta(days=1))

    with pytest.raises(NotAllowed):  # although the object at hand still remembers the role
        cards.submit(application, office.applicant)


def test_the_second_submit_of_a_double_click_is_told(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)

    with pytest.raises(MoveNotAllowed):
        cards.submit(application)


def test_the_route_of_the_organisation_replaces_the_general_one(office: cards.Office) -> None:  # ACC-03
    route((Role.OPERATOR, "OPERATIONS"))
    factories.user(Role.SECURITY_MANAGER)
    route((Role.SECURITY_MANAGER, "OWN"), (Role.APPROVER, "OWN"), code="13")

    application = cards.submitted(office.applicant)

    assert [stage.role for stage in application.stages.all()] == [Role.SECURITY_MANAGER, Role.APPROVER]


def test_the_general_route_replaces_that_of_the_kind(office: cards.Office) -> None:  # ACC-03
    route((Role.OPERATOR, "OPERATIONS"))

    application = cards.submitted(office.applicant)

    assert [stage.role for stage in application.stages.all()] == [Role.OPERATOR]


def test_a_change_of_the_route_leaves_submitted_applications_alone(office: cards.Office) -> None:  # ACC-03
    application = cards.submitted(office.applicant)

    route((Role.OPERATOR, "OPERATIONS"))

    assert application.stages.count() == 2


def test_a_stage_without_anybody_goes_to_operations(office: cards.Office) -> None:  # ORG-04
    office.approver.memberships.update(valid_until=timezone.localdate() - dt.timedelta(days=1))
    factories.operator()

    first, second = cards.submitted(office.applicant).stages.all()

    assert (first.role, first.organisation.code, first.is_fallback) == (Role.OPERATOR, "operations", True)
    assert not second.is_fallback


def test_two_stages_need_two_people(office: cards.Office) -> None:  # ORG-04
    route((Role.APPROVER, "OWN"), (Role.APPROVER, "OWN"))

    first, second = cards.submitted(office.applicant).stages.all()

    assert (first.is_fallback, second.is_fallback) == (False, True)


def test_two_people_with_two_roles_are_shared_out(office: cards.Office) -> None:
    route((Role.APPROVER, "OWN"), (Role.SECURITY_MANAGER, "OWN"))
    factories.membership(office.approver, Role.SECURITY_MANAGER)
    factories.approver()

    assert not any(stage.is_fallback for stage in cards.submitted(office.applicant).stages.all())


def test_without_anybody_for_a_stage_it_cannot_be_submitted(office: cards.Office) -> None:  # ORG-04
    route((Role.APPROVER, "OWN"), (Role.APPROVER, "OWN"), (Role.OPERATOR, "OPERATIONS"))

    application = cards.draft(office.applicant)

    with pytest.raises(NobodyCanDecide):
        cards.submit(application)
    application.refresh_from_db()
    assert (application.status, application.stages.count()) == (Status.DRAFT, 0)


def test_the_applicant_never_counts_as_somebody_who_can_decide(world: cards.World) -> None:  # ORG-04
    alone = factories.user(Role.APPLICANT, Role.APPROVER)
    factories.operator()

    application = cards.draft(alone)

    with pytest.raises(NobodyCanDecide):  # the fallback and the acceptance need two operators
        cards.submit(application)


def test_an_inactive_person_never_counts(office: cards.Office) -> None:
    User.objects.filter(pk=office.approver.pk).update(is_active=False)
    factories.operator()

    assert cards.submitted(office.applicant).stages.first().is_fallback  # type: ignore[union-attr]


def test_resubmission_is_the_next_revision_of_the_same_number(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now())

    again = cards.submit(application)

    assert (again.number, again.revision) == (application.number, 2)
    assert [s.status for s in again.stages.filter(revision=1)] == [
        StageStatus.CANCELLED,
        StageStatus.CANCELLED,
    ]
    assert [s.status for s in again.stages.filter(revision=2)] == [StageStatus.OPEN, StageStatus.WAITING]
    assert again.events.filter(verb=Verb.RESUBMITTED, revision=2).exists()


def test_the_hash_covers_reason_date_lines_and_attachments(office: cards.Office) -> None:
    day = add_business_days(today(timezone.now()), 1)
    hashes = {
        cards.submitted(office.applicant, "a").content_hash,
        cards.submitted(office.applicant, "b").content_hash,
        cards.submitted(office.applicant, "c", reason="other").content_hash,
        cards.submitted(office.applicant, "d", desired_on=day).content_hash,
    }
    same = cards.draft(office.applicant, "e")
    services.add_attachment(
        application_id=same.pk, actor=office.applicant, name="a.txt", data=b"x", now=timezone.now()
    )
    with_file = cards.submit(same)
    services.pull_back(application_id=same.pk, actor=office.applicant, now=timezone.now())
    services.remove_attachment(
        application_id=same.pk,
        attachment_id=same.attachments.get().pk,
        actor=office.applicant,
        now=timezone.now(),
    )
    without_file = cards.submit(same)
    services.pull_back(application_id=same.pk, actor=office.applicant, now=timezone.now())

    assert len(hashes) == 4
    assert with_file.content_hash != without_file.content_hash
    assert cards.submit(same).content_hash == without_file.content_hash


def _with(**values: Any) -> Any:
    return dataclasses.replace(cards.KIND, **values)


def test_numbers_are_never_used_twice(office: cards.Office) -> None:
    numbers = [cards.draft(office.applicant).number for _ in range(3)]

    assert len(set(numbers)) == 3
    assert all(number.startswith(f"K-{timezone.localdate().year}-") for number in numbers)
    assert Application.system.filter(number__in=numbers).count() == 3


def test_a_draft_of_an_older_version_of_the_kind_is_brought_up_to_date(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = cards.draft(office.applicant, "sato")
    application.lines.update(payload={"title": "sato"}, payload_version=0)
    upgrade = lambda data, version: {"name": data["title"], "colour": "red"}  # noqa: E731
    monkeypatch.setitem(kinds._kinds, cards.CODE, _with(upgrade=upgrade))

    cards.submit(application)

    line = application.lines.get()
    assert (line.payload, line.payload_version) == ({"name": "sato", "colour": "red"}, 1)
