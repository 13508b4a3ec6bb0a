"""What the portal looks after at night: nothing hangs because people left, nobody forgets because nobody said."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from portal.common.time import JST
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow import services
from portal.workflow.models import StageStatus, Status
from portal.workflow.verbs import Verb
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.localdate() - dt.timedelta(days=1)
MONDAY = dt.datetime(2026, 11, 16, 9, tzinfo=JST)


def requests_to(person: object) -> int:
    return Notice.system.filter(template="approval_request", to_user=person).count()


def test_a_stage_whose_people_left_goes_to_operations(office: cards.Office) -> None:  # ORG-04
    application = cards.submitted(office.applicant)
    office.approver.memberships.update(valid_until=YESTERDAY)

    assert services.check_open_stages(now=timezone.now()) == 1

    stage = application.stages.get(status=StageStatus.OPEN)
    application.refresh_from_db()
    assert (stage.role, stage.organisation.code, stage.is_fallback) == (Role.OPERATOR, "operations", True)
    assert stage.due_on == application.due_on
    assert application.events.last().verb == Verb.HANDED_TO_OPERATIONS  # type: ignore[union-attr]
    assert requests_to(office.operator) == 1


def test_a_stage_that_somebody_can_decide_stays(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)

    assert services.check_open_stages(now=timezone.now()) == 0
    assert not application.stages.filter(is_fallback=True).exists()


def test_a_second_stage_left_only_to_who_decided_the_first_goes_to_operations(office: cards.Office) -> None:
    factories.membership(office.approver, Role.OPERATOR, code="operations")
    application = cards.approve(cards.submitted(office.applicant), office.approver)
    office.operator.memberships.update(valid_until=YESTERDAY)

    assert (
        services.check_open_stages(now=timezone.now()) == 0
    )  # nobody in operations either: nothing to hand to

    newcomer = factories.operator()
    assert services.check_open_stages(now=timezone.now()) == 0  # they can decide the stage as it is
    assert cards.approve(application, newcomer).status == Status.FULFILLING


def test_an_overdue_stage_is_reminded_once_a_day(office: cards.Office) -> None:
    cards.submitted(office.applicant, now=MONDAY)  # due on Thursday
    thursday, friday = MONDAY + dt.timedelta(days=3), MONDAY + dt.timedelta(days=4)

    counts = [services.remind_overdue(now=now) for now in (thursday, friday, friday + dt.timedelta(hours=3))]

    assert counts == [0, 1, 0]
    assert requests_to(office.approver) == 2
    last = Notice.system.filter(to_user=office.approver).latest("pk")
    assert last.context["reminder"] is True


def test_nobody_is_reminded_on_a_holiday(office: cards.Office) -> None:
    cards.submitted(office.applicant, now=MONDAY)

    assert services.remind_overdue(now=MONDAY + dt.timedelta(days=7)) == 0  # 23 November
    assert services.remind_overdue(now=MONDAY + dt.timedelta(days=8)) == 1


def test_a_decided_stage_is_not_reminded(office: cards.Office) -> None:
    application = cards.submitted(office.applicant, now=MONDAY)
    services.pull_back(application_id=application.pk, actor=office.applicant, now=MONDAY)

    assert services.remind_overdue(now=MONDAY + dt.timedelta(days=10)) == 0
