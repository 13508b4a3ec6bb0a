"""Two people answer one row, and two beats make one list: real threads on real rows (ACC-14)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from accounts.dormancy import answering, evidence, listing
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from portal.workflow.models import Application
from portal.workflow.rounds.answers import Answer, What
from tests import factories
from tests.accounts.dormancy.conftest import NOW, Office, line_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def meeting_after_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have asked AD before either takes the lock."""
    meet, real = threading.Barrier(2), evidence.look

    def look(guids: Any) -> Any:
        found = real(guids)
        meet.wait(10)
        return found

    monkeypatch.setattr(answering.evidence, "look", look)


@pytest.mark.parametrize("answers", [("KEEP", "KEEP"), ("KEEP", "DELETE"), ("DELETE", "DELETE")])
@pytest.mark.usefixtures("deletable")
def test_of_two_people_who_answer_one_row_the_first_counts(
    office: Office, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, str]
) -> None:
    office.account("away")
    review = office.list()
    line = line_of(review, "away")
    meeting_after_the_look(monkeypatch)

    def task(actor: User, what: str) -> Callable[[], What]:
        decision = Answer(line_id=line.pk, version=line.version, answer=what, reason=actor.login_name)

        def run() -> What:
            found = answering.answer(review_id=review.pk, decisions=[decision], actor=actor, now=NOW)
            return found[0].what

        return run

    other = factories.applicant()
    results = at_once(task(office.applicant, answers[0]), task(other, answers[1]))

    assert sorted(what.value for what in results) == ["changed", "taken"]
    line.refresh_from_db()
    winner = (office.applicant, other)[results.index(What.TAKEN)]
    assert (line.answered_by, line.reason, line.version) == (winner, winner.login_name, 2)
    assert TrailEntry.objects.filter(action="dormant.answer").count() == 1
    assert Application.system.count() == (1 if line.answer == "DELETE" else 0)


def test_one_person_who_answers_two_rows_in_two_windows_gets_one_draft(
    office: Office, monkeypatch: pytest.MonkeyPatch, deletable: None
) -> None:
    office.account("one")
    office.account("two")
    review = office.list()
    meeting_after_the_look(monkeypatch)

    def task(name: str) -> Callable[[], Any]:
        line = line_of(review, name)
        decision = Answer(line_id=line.pk, version=line.version, answer="DELETE")
        return lambda: answering.answer(
            review_id=review.pk, decisions=[decision], actor=office.applicant, now=NOW
        )

    at_once(task("one"), task("two"))

    application = Application.system.get()
    assert application.line_count == 2
    review.refresh_from_db()
    assert review.status == DormantReview.Status.ANSWERED


def test_two_runs_of_one_month_make_each_list_once(office: Office) -> None:
    for code in ("13", "27"):
        office.account(f"away-{code}", code=code)

    at_once(*[lambda: listing.list_dormant_accounts(now=NOW, period=NOW)] * 2)

    run = DormantRun.objects.get()
    assert run.status == DormantRun.Status.DONE
    assert DormantReview.system.count() == run.organisations == run.organisations_done
    assert DormantLine.system.count() == 2
    assert Notice.system.filter(template="dormant_list").count() == 2
