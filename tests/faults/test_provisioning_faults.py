"""Whatever dies, and wherever: one account, a complete history, and the last password mailed is the one that works."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.embedded.directory.faults import Fault
from portal.fulfilment import services
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import BindResult
from portal.workflow.models import Application, Status
from tests import journeys
from tests.lab import Lab

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(either_lab: Lab) -> Lab:
    """Against the demo directory and against Samba."""
    return either_lab


ENDINGS = {"done", "lease_expired", "unknown", "waits", "stopped", "handler_failed"}
KILLED_AT = [
    "before_bind",
    "before_send",
    "after_send",
    "after_reply",
    "after_commit",
    "before_mail",
    "after_mail",
    "before_record",
]


def login_name(application: Application) -> str:
    return str(application.lines.get().payload["login_name"])


def expect_one_account(lab: Lab, application: Application) -> None:
    """The end state that every fault must lead to."""
    name = login_name(application)
    application.refresh_from_db()
    operation = journeys.operations(application)[0]
    assert (operation.status, application.status) == (OperationStatus.DONE, Status.COMPLETED), (
        operation.error_message
    )
    ours = [
        e
        for e in lab.directory.search_accounts(lab.directory_server.env["AD_BASE_DN"])
        if e.login_name == name
    ]
    assert [entry.marker for entry in ours] == [str(operation.marker)]
    assert lab.last_password_works(name)
    verbs = list(application.events.values_list("verb", flat=True))
    assert [verbs.count(verb) for verb in ("SUBMITTED", "COMPLETED")] == [1, 1], verbs
    # Every start has its end in the history: nothing vanished.
    attempts = list(operation.events.values_list("verb", flat=True))
    assert attempts.count("started") == len([verb for verb in attempts if verb in ENDINGS]), attempts


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_worker_killed_at_any_point_leaves_one_account_and_a_working_password(lab: Lab, point: str) -> None:
    application = journeys.approved(lab.cast)

    lab.worker_dies_at(point)
    lab.go_on()

    expect_one_account(lab, application)


@pytest.mark.parametrize("action", ["lose_reply", "lose_request", "hang"])
def test_a_lost_reply_or_request_is_unknown_first_and_one_account_in_the_end(lab: Lab, action: str) -> None:
    application = journeys.approved(lab.cast)
    lab.directory_server.faults.add(Fault(operation="add", action=action))  # type: ignore[arg-type]

    services.drain("directory", now_fn=timezone.now)
    first = journeys.operations(application)[0].status
    lab.go_on()

    assert first == OperationStatus.OUTCOME_UNKNOWN
    expect_one_account(lab, application)


def test_a_task_delivered_twice_does_the_work_once(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    workers = [lab.worker(), lab.worker()]
    assert [worker.wait() for worker in workers] == [0, 0]
    lab.go_on()

    expect_one_account(lab, application)
    assert len(lab.passwords()) == 1


def test_a_directory_that_is_down_makes_operations_wait_and_go_on_by_themselves(
    demo_lab: Lab,
) -> None:
    lab = demo_lab
    application = journeys.approved(lab.cast)
    lab.directory_server.stop()

    services.drain("directory", now_fn=timezone.now)
    waiting = journeys.operations(application)[0]
    lab.directory_server.start()
    lab.go_on()

    assert waiting.status == OperationStatus.WAITING
    assert waiting.attempts == 0, "an outage is not the operation's fault"
    expect_one_account(lab, application)


def test_a_password_chosen_by_the_person_is_never_replaced(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    lab.worker_dies_at("before_record")
    name = login_name(application)
    entry = lab.entry(name)
    assert entry is not None
    lab.directory.change_password(
        entry.guid, old_password=lab.passwords()[-1], new_password="Jibun-de-3randa"
    )

    lab.go_on()

    application.refresh_from_db()
    assert application.status == Status.COMPLETED
    assert lab.directory.authenticate(name, "Jibun-de-3randa") == BindResult.OK
    assert len(lab.passwords()) == 1


@pytest.mark.parametrize("point", KILLED_AT)
def test_a_reset_killed_at_any_point_mails_a_password_that_works(lab: Lab, point: str) -> None:
    registration = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    name = login_name(registration)
    reset = journeys.approved_reset(lab.cast, name)

    lab.worker_dies_at(point)
    lab.go_on()

    reset.refresh_from_db()
    assert reset.status == Status.COMPLETED, journeys.operations(reset)[0].error_message
    assert lab.last_password_works(name)


def test_a_mail_server_that_is_down_keeps_the_account_and_mails_later(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    lab.mail.stop()

    services.drain("directory", now_fn=timezone.now)
    in_between = journeys.operations(application)[0]
    lab.mail.start()
    lab.go_on()

    assert in_between.status == OperationStatus.WAITING
    expect_one_account(lab, application)


def test_a_refused_address_becomes_a_task_for_a_person_and_no_password_is_lost(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    with lab.mail.refusing(lab.cast.recipient.email):
        services.drain("directory", now_fn=timezone.now)
    operation = journeys.operations(application)[0]
    services.retry(operation_id=operation.pk, actor=lab.cast.operator, now=timezone.now())
    lab.go_on()

    assert operation.status == OperationStatus.ATTENTION
    expect_one_account(lab, application)
