"""Whatever breaks, and in whatever order: a state machine throws faults at account operations and looks at what must hold.

I1 nothing is written without an approval (an operation of an approved line). I2 at most one object for each registration.
I3 nobody else's object is touched. I4 a password is in the directory and in a delivered mail, nowhere else. I5 a password
that a person chose is never replaced by a retry. I6 each end has its history and its mail in the same commit. I9 every
operation ends done, refused with a reason, taken by hand or waiting; none vanishes.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts import asking
from portal.fulfilment import errors, services
from portal.fulfilment.models import SETTLED, Operation, OperationEvent, OperationStatus
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryUnavailable, OutcomeUnknown
from portal.notices import secrets
from portal.notices.models import Notice
from portal.notices.secrets import AddressRefused, MailUnavailable
from portal.trail.models import TrailEntry
from portal.workflow.models import FINAL, Application, ApplicationEvent
from tests import factories
from tests.accounts.world import PostOffice, registration, reset
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["tk-sato", "tk-ito", "tk-kato"])
WRITES = st.sampled_from(["create_account", "replace_initial_password", "reset_password"])
READS = st.sampled_from(["find_by_login_name", "find_by_guid", "find_by_marker"])
EVERY_STATUS = {status.value for status in OperationStatus}
OWN = "Own-Chosen-%d!"


class WorkerKilled(BaseException):
    """Stands for SIGKILL: nothing that the worker would still have done is done."""


def refused() -> AddressRefused:
    return AddressRefused("550", "No such user")


def mail_down(maybe_delivered: bool = False) -> MailUnavailable:
    return MailUnavailable("421", maybe_delivered=maybe_delivered)


class Provisioning(RuleBasedStateMachine):
    """Rules are approvals, workers, faults and people; broken promises are found by the invariants."""

    operations = Bundle("operations")

    def __init__(self) -> None:
        super().__init__()
        self._block = transaction.atomic()
        self._block.__enter__()
        self.directory, self.post = FakeDirectory(), PostOffice()
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(directory_factory, "get_directory", lambda: self.directory)
        self._patch.setattr(secrets, "deliver_initial_password", self.post.deliver)
        self._patch.setattr("portal.common.bell.ring_on_commit", lambda *args: None)
        asking.forget()
        self.now = timezone.now()
        self.recipient, self.operator = factories.recipient(), factories.operator()
        self.strangers: dict[uuid.UUID, DirectoryEntry] = {}
        self.chosen: dict[uuid.UUID, str] = {}
        self.drawn: set[str] = set()
        self.begun: set[int] = set()
        self.events = 0

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self._patch.undo()
            transaction.set_rollback(True)
            self._block.__exit__(None, None, None)

    # --- what happens --------------------------------------------------------------------------------------------------
    @initialize(target=operations)
    def one_approved(self) -> Operation:
        return self.keep(registration(self.recipient, login_name="tk-sato"))

    @rule(target=operations, name=NAMES)
    def approve_registration(self, name: str) -> Operation:
        """Two registrations of one name: the engine would refuse the second, a restored database may not."""
        return self.keep(registration(self.recipient, login_name=name))

    @rule(target=operations, name=NAMES)
    def approve_reset(self, name: str) -> Operation:
        entry = next((e for e in self.directory.entries.values() if e.login_name == name), None)
        guid = entry.guid if entry else uuid.uuid4()
        self.chosen.pop(guid, None)  # a new reset is wanted: it replaces what the person chose before
        return self.keep(reset(guid, name, self.recipient))

    def keep(self, operation: Operation) -> Operation:
        self.begun.add(operation.pk)
        return operation

    @rule(
        write=WRITES,
        effect=st.booleans(),
        how=st.sampled_from([OutcomeUnknown, DirectoryUnavailable, WorkerKilled]),
    )
    def a_write_goes_wrong(self, write: str, effect: bool, how: type[Any]) -> None:
        """Before it took effect, or after: a lost reply. An unreachable directory has no effect."""
        queue = self.directory.after if effect and how is not DirectoryUnavailable else self.directory.faults
        queue.setdefault(write, []).append(how)

    @rule(read=READS, how=st.sampled_from([DirectoryUnavailable, WorkerKilled]))
    def a_read_goes_wrong(self, read: str, how: type[Any]) -> None:
        self.directory.faults.setdefault(read, []).append(how)

    @rule(kind=st.sampled_from(["down", "refused", "lost_after", "killed_before", "killed_after"]))
    def the_mail_goes_wrong(self, kind: str) -> None:
        before: dict[str, Any] = {"down": mail_down(), "refused": refused(), "killed_before": WorkerKilled()}
        if kind in before:
            self.post.errors.append(before[kind])
        else:
            self.post.errors_after.append(mail_down(True) if kind == "lost_after" else WorkerKilled())  # type: ignore[arg-type]

    @rule()
    def a_worker_works(self) -> None:
        with contextlib.suppress(WorkerKilled):  # what was committed before the kill stays
            services.run_next(target="directory", now_fn=lambda: self.now)
        self.note_drawn()

    @rule(minutes=st.sampled_from([1, 11, 45]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        services.sweep(self.now)
        with contextlib.suppress(errors.NotAllowed):
            from portal.fulfilment import gate

            gate.open_by_hand(actor=self.operator, note="試験", now=self.now)

    @rule(name=NAMES)
    def a_person_chooses_a_password(self, name: str) -> None:
        for guid, entry in self.directory.entries.items():
            if entry.login_name == name and guid not in self.strangers and entry.must_change_password:
                own = OWN % len(self.chosen)
                self.directory.passwords[guid] = own
                moment = datetime.now(UTC)
                self.directory.put(entry, must_change_password=False, password_last_set=moment)
                self.chosen[guid] = own
                return

    @rule(name=NAMES)
    def somebody_makes_an_object_by_hand(self, name: str) -> None:
        if not any(e.login_name == name for e in self.directory.entries.values()):
            entry = self.directory.add(name, container_dn=users_ou("13"), password="Strange-1234!")
            self.strangers[entry.guid] = entry

    @rule(operation=operations, step=st.sampled_from(["take_by_hand", "give_back", "retry"]))
    def operations_step_in(self, operation: Operation, step: str) -> None:
        with contextlib.suppress(errors.MoveNotAllowed):
            getattr(services, step)(operation_id=operation.pk, actor=self.operator, now=self.now)

    # --- what must hold --------------------------------------------------------------------------------------------------
    def note_drawn(self) -> None:
        own = {*self.chosen.values(), "Strange-1234!"}
        self.drawn |= {p for p in self.directory.passwords.values() if p not in own}
        self.drawn |= {password for _address, password in self.post.delivered}

    @invariant()
    def one_object_for_each_registration(self) -> None:  # I1, I2
        markers = [e.marker for e in self.directory.entries.values() if e.marker]
        known = {str(m) for m in Operation.system.values_list("marker", flat=True)}
        assert len(markers) == len(set(markers))
        assert set(markers) <= known

    @invariant()
    def nobody_elses_object_is_touched(self) -> None:  # I3
        for guid, entry in self.strangers.items():
            if not self.is_meant(guid):
                found = self.directory.entries[guid]
                assert replace(found, usn_changed=0) == replace(entry, usn_changed=0)
                assert self.directory.passwords[guid] == "Strange-1234!"

    def is_meant(self, guid: uuid.UUID) -> bool:
        """A reset that names exactly this object by its objectGUID was approved."""
        return Operation.system.filter(line__payload__account_guid=str(guid)).exists()

    @invariant()
    def no_password_is_kept(self) -> None:  # I4
        tables = (Operation, OperationEvent, TrailEntry, Notice, ApplicationEvent)
        rows = json.dumps([list(t._base_manager.values()) for t in tables], default=str)
        assert [password for password in self.drawn if password in rows] == []

    @invariant()
    def a_chosen_password_stays(self) -> None:  # I5
        for guid, own in self.chosen.items():
            assert self.directory.passwords[guid] == own

    @invariant()
    def every_end_has_its_history_and_its_mail(self) -> None:  # I6
        for operation in Operation.system.filter(status__in=SETTLED):
            assert operation.events.filter(verb__in=("done", "verified", "closed")).count() == 1
            assert operation.settled_at is not None
        finished = Application.system.filter(status__in=FINAL)
        for application in finished:
            assert application.events.filter(to_status=application.status).exists()
            assert (
                Notice.system.filter(
                    application_number=application.number, template="application_completed"
                ).count()
                == 1
            )

    @invariant()
    def nothing_vanishes(self) -> None:  # I9
        statuses = dict(Operation.system.filter(pk__in=self.begun).values_list("pk", "status"))
        assert set(statuses) == self.begun
        assert set(statuses.values()) <= EVERY_STATUS
        events = OperationEvent.system.count()
        assert events >= self.events
        self.events = events

    def come_to_rest(self) -> None:
        """When nothing breaks any more, everything comes to an end or to a person (I9)."""
        self.directory.faults.clear()
        self.directory.after.clear()
        self.post.errors.clear()
        self.post.errors_after.clear()
        for _ in range(8):
            self.time_passes(45)
            while services.run_next(target="directory", now_fn=lambda: self.now) is not None:
                pass
        self.note_drawn()
        left = set(Operation.system.values_list("status", flat=True))
        assert left <= {*SETTLED, OperationStatus.ATTENTION, OperationStatus.MANUAL}, left
        for operation in Operation.system.filter(status=OperationStatus.ATTENTION):
            assert operation.error_code
            assert operation.error_message
        self.the_last_mail_works()
        for check in (
            self.one_object_for_each_registration,
            self.no_password_is_kept,
            self.a_chosen_password_stays,
        ):
            check()

    def the_last_mail_works(self) -> None:
        """Of a registration that is done and whose person chose nothing yet, the last password mailed is the valid one."""
        sent = {password for _address, password in self.post.delivered}
        for operation in Operation.system.filter(status=OperationStatus.DONE, kind="accounts.register"):
            guid = uuid.UUID(operation.evidence["object_guid"])
            if guid not in self.chosen and not self.is_meant(guid):
                assert self.directory.passwords[guid] in sent


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    import logging

    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.django_db
def test_the_invariants_hold_whatever_breaks() -> None:
    with _quiet():
        run_state_machine_as_test(
            Provisioning,
            settings=settings(
                max_examples=20,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert connection.in_atomic_block
