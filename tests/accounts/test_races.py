"""Races with real threads on PostgreSQL: exactly one wins, the other is told (ACC-06)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts import corrections
from accounts.kinds import REGISTER
from portal.fulfilment.models import OperationEvent
from portal.notices.secrets import AddressRefused
from portal.workflow import services
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, ApplicationLine, Status
from portal.workflow.services import Content
from tests import factories
from tests.accounts.world import LINE, PostOffice, attempt, registration
from tests.fakes import FakeDirectory
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def draft(code: str, login_name: str) -> Application:
    applicant, recipient = factories.applicant(code), factories.recipient(code)
    factories.approver(code)
    line = {**LINE, "login_name": login_name, "recipient_id": recipient.pk}
    return services.create_draft(
        kind=REGISTER,
        organisation_id=applicant.organisation_id,
        actor=applicant,
        content=Content(reason="着任のため", lines=(line,)),
        now=timezone.now(),
    )


def test_one_of_two_federations_gets_a_login_name(directory: FakeDirectory) -> None:
    factories.operator()
    drafts = [draft("13", "tk0412-suzuki"), draft("27", "TK0412-Suzuki"), draft("40", "Tk0412-suzukI")]

    def submit(paper: Application) -> Application:
        return services.submit(
            application_id=paper.pk, actor=paper.applicant, version=None, now=timezone.now()
        )

    results = at_once(*(partial(submit, paper) for paper in drafts), refusals=(InvalidApplication,))

    losers = [result for result in results if isinstance(result, InvalidApplication)]
    assert len(losers) == 2
    assert all(list(loser.errors) == ["lines.0.login_name"] for loser in losers)
    assert Application.system.filter(status=Status.IN_REVIEW).count() == 1
    assert Application.system.filter(status=Status.DRAFT).count() == 2
    assert ApplicationLine.system.filter(is_open=True).count() == 1


def test_two_operators_who_choose_a_recipient_follow_one_another(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors = [AddressRefused("550")]
    operation = attempt(operation)
    chosen = [factories.recipient(), factories.recipient()]
    operators = [factories.operator(), factories.operator()]

    def choose(place: int) -> Any:
        return corrections.change_recipient(
            operation_id=operation.pk,
            recipient_id=chosen[place].pk,
            actor=operators[place],
            now=timezone.now(),
        )

    at_once(lambda: choose(0), lambda: choose(1))

    operation.refresh_from_db()
    first, second = OperationEvent.system.filter(operation=operation, verb="corrected").order_by("pk")
    assert first.data["recipient_before"] is None
    assert second.data["recipient_before"] == first.data["recipient_after"]
    assert operation.progress["recipient_id"] == second.data["recipient_after"]
