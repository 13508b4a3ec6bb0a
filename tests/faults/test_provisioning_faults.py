"""Whatever dies, and wherever: one account, a complete history, and the last password mailed is the one that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.embedded.directory.faults import Fault
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import BindResult
from portal.gateways.directory_factory import reset_directory
from portal.gateways.directory_ldap3 import Ldap3Directory
from portal.workflow.models import Application, Status
from tests import journeys
from tests.contract.proxy import CuttingProxy
from tests.lab import Lab

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(either_lab: Lab) -> Lab:
    """Against the demo directory and against Samba."""
    return either_lab


ENDINGS = {"done", "awaits", "lease_expired", "unknown", "waits", "stopped", "handler_failed"}
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


# fault case 1
@pytest.mark.parametrize("point", KILLED_AT)
def test_a_worker_killed_at_any_point_leaves_one_account_and_a_working_password(lab: Lab, point: str) -> None:
    application = journeys.approved(lab.cast)

    lab.worker_dies_at(point)
    lab.go_on()

    expect_one_account(lab, application)


# fault case 2
@pytest.mark.parametrize("action", ["lose_reply", "lose_request", "hang"])
def test_a_lost_reply_or_request_is_unknown_first_and_one_account_in_the_end(lab: Lab, action: str) -> None:
    application = journeys.approved(lab.cast)
    lab.directory_server.faults.add(Fault(operation="add", action=action))  # type: ignore[arg-type]

    services.drain("directory", now_fn=timezone.now)
    first = journeys.operations(application)[0].status
    lab.go_on()

    assert first == OperationStatus.OUTCOME_UNKNOWN
    expect_one_account(lab, application)


# fault case 2
def test_a_request_that_arrives_after_we_gave_it_up_makes_no_second_account(demo_lab: Lab) -> None:
    """Fault case 2: slower than the timeout, so that the next attempt may be first."""
    application = journeys.approved(demo_lab.cast)
    demo_lab.directory_server.faults.add(Fault(operation="add", action="delay", seconds=2.5))

    services.drain("directory", now_fn=timezone.now)
    first = journeys.operations(application)[0].status
    demo_lab.go_on()

    assert first == OperationStatus.OUTCOME_UNKNOWN
    expect_one_account(demo_lab, application)


@pytest.fixture
def two_controllers(demo_lab: Lab, settings: Any) -> Iterator[tuple[CuttingProxy, CuttingProxy]]:
    """The directory behind two addresses, of which the portal prefers the first."""
    address = demo_lab.directory_server.env["AD_LDAP_URLS"]
    with CuttingProxy.before(address) as first, CuttingProxy.before(address) as second:
        settings.DIRECTORY = settings.DIRECTORY | {"urls": [first.url, second.url]}
        reset_directory()
        yield first, second


# fault case 2
def test_a_lost_reply_is_looked_up_at_the_controller_that_was_asked(
    demo_lab: Lab, two_controllers: tuple[CuttingProxy, CuttingProxy]
) -> None:
    application = journeys.approved(demo_lab.cast)
    demo_lab.directory_server.faults.add(Fault(operation="add", action="lose_reply"))

    services.drain("directory", now_fn=timezone.now)
    demo_lab.go_on()

    assert two_controllers[1].connections == 0
    expect_one_account(demo_lab, application)


# fault case 3
@pytest.mark.parametrize("fault", ["lost_reply", "killed"])
def test_what_another_controller_does_not_hold_yet_is_not_made_again(
    demo_lab: Lab,
    two_controllers: tuple[CuttingProxy, CuttingProxy],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    """Fault case 3: the one that was asked fails between write and look-up, and the other one is behind."""
    application = journeys.approved(demo_lab.cast)
    if fault == "killed":
        demo_lab.worker_dies_at("after_reply")
    else:
        demo_lab.directory_server.faults.add(Fault(operation="add", action="lose_reply"))
        services.drain("directory", now_fn=timezone.now)
    two_controllers[0].close()
    adds = demo_lab.directory_server.faults.counts["add"]

    with monkeypatch.context() as behind:
        for question in ("find_by_login_name", "find_by_marker"):
            behind.setattr(Ldap3Directory, question, _behind(getattr(Ldap3Directory, question)))
        demo_lab.go_on(rounds=4)  # within the hour that replication may take
    waiting = journeys.operations(application)[0]
    demo_lab.go_on(rounds=8)

    assert (waiting.status, waiting.error_code) == (OperationStatus.WAITING, "other_controller")
    assert demo_lab.directory_server.faults.counts["add"] == adds
    expect_one_account(demo_lab, application)


def _behind(question: Callable[..., Any]) -> Callable[..., None]:
    """Asked, and nothing found."""

    def ask(*args: Any) -> None:
        question(*args)

    return ask


# fault case 5
@pytest.mark.parametrize("point", ["asleep_before_check", "asleep_before_write"])
def test_a_worker_that_slept_beyond_its_lease_changes_nothing_any_more(lab: Lab, point: str) -> None:
    """Fault case 5: by the fencing number before its check, by the directory's refusal and our marker after it."""
    application = journeys.approved(lab.cast)
    sleeper = lab.worker(point)
    sleeper.fall_asleep()

    lab.go_on()
    assert sleeper.wake() == 0
    lab.go_on()

    expect_one_account(lab, application)
    assert len(lab.passwords()) == 1
    assert journeys.operations(application)[0].events.filter(verb="lease_expired").count() == 1


# fault case 5
@pytest.mark.parametrize("point", ["asleep_before_check", "asleep_before_write"])
def test_a_reset_that_slept_beyond_its_lease_replaces_no_password(lab: Lab, point: str) -> None:
    """Fault case 5: compare-and-set of pwdLastSet."""
    registration = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    name = login_name(registration)
    entry = lab.entry(name)
    assert entry is not None
    lab.directory.change_password(
        entry.guid, old_password=lab.passwords()[-1], new_password="Jibun-de-3randa"
    )
    reset = journeys.approved_reset(lab.cast, name)
    sleeper = lab.worker(point)
    sleeper.fall_asleep()

    lab.go_on()
    assert sleeper.wake() == 0
    lab.go_on()

    assert journeys.operations(reset)[0].status == OperationStatus.DONE
    assert len(lab.passwords()) == 2
    assert lab.last_password_works(name)


# fault case 5
def test_a_worker_that_wakes_within_its_write_mails_what_it_wrote(lab: Lab) -> None:
    """Fault case 5: an unused password is replaced by an unused one, which the directory cannot tell apart."""
    application = journeys.approved(lab.cast)
    lab.worker_dies_at("after_reply")
    late = timezone.now() + timedelta(minutes=10)
    services.sweep(late)
    Operation.system.update(not_before=timezone.now())
    sleeper = lab.worker("asleep_before_write")
    sleeper.fall_asleep()

    lab.go_on(after=timedelta(minutes=20))
    assert sleeper.wake() == 0

    expect_one_account(lab, application)
    assert len(lab.passwords()) == 2


# fault case 4
def test_a_task_delivered_twice_does_the_work_once(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    workers = [lab.worker(), lab.worker()]
    assert [worker.wait() for worker in workers] == [0, 0]
    lab.go_on()

    late = timezone.now() + timedelta(hours=2)
    assert services.drain("directory", now_fn=lambda: late) == 0, "two hours late: nothing is left to do"
    expect_one_account(lab, application)
    assert len(lab.passwords()) == 1


# fault case 13
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


# fault case 24
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


# fault case 1
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


# fault case 16
def test_a_mail_server_that_is_down_keeps_the_account_and_mails_later(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    lab.mail.stop()

    services.drain("directory", now_fn=timezone.now)
    in_between = journeys.operations(application)[0]
    lab.mail.start()
    lab.go_on()

    assert in_between.status == OperationStatus.WAITING
    expect_one_account(lab, application)


# fault case 16
def test_a_refused_address_becomes_a_task_for_a_person_and_no_password_is_lost(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    with lab.mail.refusing(lab.cast.recipient.email):
        services.drain("directory", now_fn=timezone.now)
    operation = journeys.operations(application)[0]
    services.retry(operation_id=operation.pk, actor=lab.cast.operator, now=timezone.now())
    lab.go_on()

    assert operation.status == OperationStatus.ATTENTION
    expect_one_account(lab, application)
