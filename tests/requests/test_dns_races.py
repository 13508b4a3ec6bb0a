"""Two people at the same moment, with real threads on PostgreSQL (REQ-05)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.errors import InvalidApplication, WorkflowError
from portal.workflow.models import Application
from requests.zones.owners import KIND
from tests import threads
from tests.requests import world
from tests.requests.world import line

pytestmark = pytest.mark.django_db(transaction=True)


def test_req_05_of_two_tickets_on_one_name_one_is_taken() -> None:
    world.country()
    casts = [world.Cast("13"), world.Cast("14")]
    drafts = [
        services.create_draft(
            kind=KIND,
            organisation_id=cast.applicant.organisation_id,
            actor=cast.applicant,
            content=Content(reason="設置のため。", lines=(line(value=f"10.{cast.code}.82.5"),)),
            now=timezone.now(),
        )
        for cast in casts
    ]

    def submit(draft: Application) -> Application:
        return services.submit(
            application_id=draft.pk, actor=draft.applicant, version=None, now=timezone.now()
        )

    results = threads.at_once(*(lambda d=d: submit(d) for d in drafts), refusals=(WorkflowError,))

    refused = [result for result in results if isinstance(result, InvalidApplication)]
    assert len(refused) == 1
    assert list(refused[0].errors) == ["lines.0.name"]
