"""Two people at the same moment, with real threads on PostgreSQL: exactly one wins, the other is told."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from portal.common.time import JST
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice
from portal.workflow import attachments, fulfilling, routes, services
from portal.workflow.errors import (
    ContentChanged,
    InvalidApplication,
    MoveNotAllowed,
    WorkflowError,
)
from portal.workflow.models import Application, ApplicationLine, Status
from portal.workflow.verbs import Verb
from tests import threads
from tests.workflow import cards

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Results or refusals, in order."""
    return threads.at_once(*calls, refusals=(WorkflowError,))


def winners(results: list[Any]) -> int:
    return sum(isinstance(result, Application) for result in results)


def losers(results: list[Any]) -> list[type]:
    return [type(result) for result in results if isinstance(result, WorkflowError)]


@pytest.mark.parametrize("_round", range(5))
def test_of_two_applications_for_one_name_one_gets_it(office: cards.Office, _round: int) -> None:  # ACC-06
    drafts = [cards.draft(office.applicant, "sato"), cards.draft(cards.Office("27").applicant, "ito", "SATO")]

    results = at_once(*(lambda d=d: cards.submit(d) for d in drafts))

    assert (winners(results), losers(results)) == (1, [InvalidApplication])
    (told,) = (result for result in results if isinstance(result, InvalidApplication))
    assert set(told.errors) <= {"lines.0.name", "lines.1.name"}
    assert Application.system.filter(status=Status.DRAFT).count() == 1
    assert ApplicationLine.system.filter(reservation_key="card:sato", is_open=True).count() == 1


def test_applications_for_the_same_names_in_opposite_order_do_not_lock_each_other_out(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:  # ACC-06
    drafts = [cards.draft(office.applicant, "a", "b"), cards.draft(cards.Office("27").applicant, "b", "a")]
    save, first_taken, here = ApplicationLine.save, threading.Barrier(2), threading.local()

    def stopped(line: ApplicationLine, *args: Any, **kwargs: Any) -> None:
        save(line, *args, **kwargs)
        if not hasattr(here, "passed"):
            here.passed = True
            # Taken in any order both would come here, each with the name that the other needs next.
            with contextlib.suppress(threading.BrokenBarrierError):
                first_taken.wait(0.5)

    monkeypatch.setattr(ApplicationLine, "save", stopped)

    results = at_once(*(lambda d=d: cards.submit(d) for d in drafts))

    assert (winners(results), losers(results)) == (1, [InvalidApplication])


def test_a_resubmission_that_lets_a_name_go_locks_nobody_out(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:  # ACC-06
    returned = cards.submitted(office.applicant, "x")
    services.return_(**cards.seen(returned, office.approver), comment="直してください")
    services.save_draft(
        application_id=returned.pk,
        actor=office.applicant,
        content=cards.content("a"),
        version=None,
        now=timezone.now(),
    )
    other = cards.draft(cards.Office("27").applicant, "a", "x")
    save, let_go = ApplicationLine.save, threading.Event()

    def in_turn(line: ApplicationLine, *args: Any, **kwargs: Any) -> None:
        if line.application_id == returned.pk:  # has let "x" go and now wants "a"
            let_go.set()
            here = threading.Event()
            here.wait(0.5)
        else:
            let_go.wait(0.5)
        save(line, *args, **kwargs)

    monkeypatch.setattr(ApplicationLine, "save", in_turn)

    results = at_once(lambda: cards.submit(returned), lambda: cards.submit(other))

    assert (winners(results), losers(results)) == (1, [InvalidApplication])


@pytest.mark.parametrize("_round", range(5))
def test_of_two_submits_one_counts(office: cards.Office, _round: int) -> None:
    application = cards.draft(office.applicant)

    results = at_once(*(lambda: cards.submit(application) for _ in range(2)))

    assert winners(results) == 1
    assert set(losers(results)) <= {MoveNotAllowed, ContentChanged}
    assert application.events.filter(verb=Verb.SUBMITTED).count() == 1
    assert application.stages.count() == 2


def test_of_two_autosaves_of_one_version_one_is_told(office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    results = at_once(
        *(
            lambda name=name: services.save_draft(
                application_id=application.pk,
                actor=office.applicant,
                content=cards.content(name),
                version=application.version,
                now=timezone.now(),
            )
            for name in ("a", "b")
        )
    )

    assert (winners(results), losers(results)) == (1, [ContentChanged])


def test_the_lock_is_held_while_a_decision_is_written(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loser waits for the winner's commit: stopped in the middle of writing, the other cannot pass."""
    application = cards.submitted(office.applicant)
    seen = cards.seen(application, office.approver)
    inside, go_on = threading.Event(), threading.Event()
    opening = routes.open_stage

    def stopped(*args: Any, **kwargs: Any) -> Any:
        inside.set()
        assert go_on.wait(10)
        return opening(*args, **kwargs)

    monkeypatch.setattr(routes, "open_stage", stopped)

    def pull_back() -> Application:
        assert inside.wait(10)
        threading.Timer(0.3, go_on.set).start()  # only lets the first go on; the outcome does not hang on it
        return services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now())

    results = at_once(lambda: services.approve(**seen, comment=""), pull_back)

    assert isinstance(results[0], Application)
    assert isinstance(results[1], MoveNotAllowed)


def test_of_two_operations_settled_at_once_the_second_completes_the_application(office: cards.Office) -> None:
    application = cards.approved(office.applicant, office.approver, office.operator, names=("a", "b"))
    both_written = threading.Barrier(2)

    def settle(operation: Operation) -> str:
        with transaction.atomic():
            operation.status = OperationStatus.DONE
            operation.save()
            both_written.wait(10)  # neither has committed: only the lock lets the second see the first
            fulfilling.operations_settled([operation], timezone.now())
        return operation.status

    operations = Operation.system.filter(line__application=application)
    at_once(*(lambda o=o: settle(o) for o in operations))

    application.refresh_from_db()
    assert application.status == Status.COMPLETED
    assert Notice.system.filter(template="application_completed").count() == 1


def test_of_two_files_for_the_last_place_one_is_attached(
    office: cards.Office, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ATTACHMENTS_PER_APPLICATION = 1
    application = cards.draft(office.applicant)
    require_room, both_found_room = attachments._require_room, threading.Barrier(2)

    def stopped(*args: Any) -> None:
        require_room(*args)
        with contextlib.suppress(threading.BrokenBarrierError):  # the lock lets only one come here
            both_found_room.wait(0.5)

    monkeypatch.setattr(attachments, "_require_room", stopped)

    results = at_once(
        *(
            lambda data=data: services.add_attachment(
                application_id=application.pk,
                actor=office.applicant,
                name="a.txt",
                data=data,
                now=timezone.now(),
            )
            for data in (b"a", b"b")
        )
    )

    assert losers(results) == [InvalidApplication]
    assert application.attachments.count() == 1


def test_two_runs_of_the_reminder_send_one_mail(office: cards.Office) -> None:
    monday = dt.datetime(2026, 11, 16, 9, tzinfo=JST)
    cards.submitted(office.applicant, now=monday)

    results = at_once(*(lambda: services.remind_overdue(now=monday + dt.timedelta(days=8)) for _ in range(2)))

    assert sorted(results) == [0, 1]
    assert len([n for n in Notice.system.all() if n.context.get("reminder")]) == 1
