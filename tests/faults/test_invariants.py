"""Whatever breaks, and in whatever order: a state machine throws faults at account operations and looks at what must hold.

I1 nothing is written without an approval (an operation of an approved line). I2 at most one object for each registration.
I3 nobody else's object is touched. I4 a password is in the directory and in a delivered mail, nowhere else. I5 a password
that a person chose is never replaced by a retry. I6 each end has its history and its mail in the same commit. I9 every
operation ends done, refused with a reason, taken by hand or waiting; none vanishes.

Which broken portals the machine was seen to notice: `mutations.py` and the README beside this file.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, F, Q
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
from accounts.kinds import CHANGE, DELETE, PASSWORD_RESET, REGISTER, RESTORE
from accounts.models import DirectoryAccount
from portal.fulfilment import errors, services
from portal.fulfilment.models import SETTLED, Operation, OperationEvent, OperationStatus
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryUnavailable, OutcomeUnknown
from portal.notices import secrets
from portal.notices.models import Notice
from portal.notices.secrets import AddressRefused, MailUnavailable
from portal.trail.models import TrailEntry
from portal.workflow import fulfilling
from portal.workflow.models import FINAL, Application, ApplicationEvent, Status
from tests import factories
from tests.accounts.world import LINE, PostOffice, registration, reset
from tests.fakes import FakeDirectory, deleted_ou, users_ou

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["tk-sato", "tk-ito", "tk-kato"])
WRITES = st.sampled_from(
    [
        *("create_account", "create_account", "replace_initial_password", "reset_password"),
        *("update_account", "disable", "move", "enable"),
    ]
)
LIFE = st.sampled_from(["tk-saito", "tk-saito", "tk-sato"])  # the first one is there from the beginning
DEPARTMENTS = st.sampled_from(["審査第一課", "会計課"])
READS = st.sampled_from(["find_by_login_name", "find_by_guid", "find_by_marker"])
EVERY_STATUS = {status.value for status in OperationStatus}
OWN = "Own-Chosen-%d!"


class WorkerKilled(BaseException):
    """Stands for SIGKILL: nothing that the worker would still have done is done."""


def refused() -> AddressRefused:
    return AddressRefused("550", "No such user")


def mail_down(maybe_delivered: bool = False) -> MailUnavailable:
    return MailUnavailable("421", maybe_delivered=maybe_delivered)


def about(entry: DirectoryEntry, kind: str, **plan: Any) -> Operation:
    """An approved deletion or restoration whose operation waits."""
    payload = {
        "login_name": entry.login_name,
        "account_guid": str(entry.guid),
        "display_name": entry.display_name,
    }
    paper = factories.application(kind=kind, status=Status.FULFILLING)
    return factories.operation(factories.line(payload, application=paper))


def change(entry: DirectoryEntry, department: str) -> Operation:
    """An approved change of the department."""
    names = ("family_name", "given_name", "family_kana", "given_kana")
    payload = {name: LINE[name] for name in names} | {
        "login_name": entry.login_name,
        "account_guid": str(entry.guid),
        "department": department,
        "container": "Users",
        "groups": [],
    }
    changes = {
        "action": "change",
        "label": "Department",
        "attribute": "department",
        "before": [entry.department],
        "after": [department],
    }
    plan = {"changes": [changes], "checks": [], "unavailable": ""}
    paper = factories.application(kind=CHANGE, status=Status.FULFILLING)
    return factories.operation(factories.line(payload, application=paper, plan=plan))


@contextlib.contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Provisioning(RuleBasedStateMachine):
    """Rules are approvals, workers, faults and people; broken promises are found by the invariants."""

    operations = Bundle("operations")

    def __init__(self) -> None:
        super().__init__()
        with contextlib.ExitStack() as opened:  # a machine that cannot begin leaves nothing behind
            opened.enter_context(_rolled_back())
            self._begin(opened.enter_context(pytest.MonkeyPatch.context()))
            self._opened = opened.pop_all()

    def _begin(self, patch: pytest.MonkeyPatch) -> None:
        self.directory, self.post = FakeDirectory(), PostOffice()
        self.directory.containers += [users_ou("13"), deleted_ou("13")]
        patch.setattr(directory_factory, "get_directory", lambda: self.directory)
        patch.setattr(secrets, "deliver_initial_password", self.post.deliver)
        patch.setattr("portal.common.bell.ring_on_commit", lambda *args: None)
        patch.setattr(fulfilling, "_report", self.or_dies(fulfilling._report))
        self.dies_at_the_outbox = False
        self.changed = True  # since the promises were looked at
        asking.forget()
        self.now = timezone.now()
        self.recipient, self.operator = factories.recipient(), factories.operator()
        self.strangers: dict[uuid.UUID, DirectoryEntry] = {}
        self.chosen: dict[uuid.UUID, str] = {}
        self.drawn: set[str] = set()
        self.renamed: set[uuid.UUID] = set()
        self.begun: set[int] = set()
        self.events = 0

    def teardown(self) -> None:
        with self._opened:
            self.come_to_rest()

    # --- what happens --------------------------------------------------------------------------------------------------
    @initialize(target=operations)
    def one_approved_and_one_in_use(self) -> Operation:
        names = {name: LINE[name] for name in ("family_name", "given_name", "department")}
        entry = self.directory.add(
            "tk-saito",
            password=OWN,
            container_dn=users_ou("13"),
            display_name="鈴木 美咲",
            kana="スズキ ミサキ",
            **names,
        )
        factories.directory_account(
            object_guid=entry.guid,
            login_name=entry.login_name,
            family_kana=LINE["family_kana"],
            given_kana=LINE["given_kana"],
            **names,
        )
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

    @rule(name=LIFE, department=DEPARTMENTS)
    def approve_change(self, name: str, department: str) -> None:
        if entry := self.ours(name):
            self.keep(change(entry, department))

    @rule(name=LIFE, kind=st.sampled_from([DELETE, RESTORE]))
    def approve_end_or_return(self, name: str, kind: str) -> None:
        if entry := self.ours(name):
            self.keep(about(entry, kind))

    @rule(name=LIFE)
    def somebody_is_deleted_and_shall_come_back(self, name: str) -> None:
        if entry := self.ours(name):
            self.keep(about(entry, DELETE))
            self.time_passes(1)
            for _ in range(3):
                self.a_worker_works()
            self.keep(about(entry, RESTORE))

    def ours(self, name: str) -> DirectoryEntry | None:
        """The registered account of that name, as AD has it."""
        account = DirectoryAccount.system.filter(login_name=name).first()
        return self.directory.entries.get(account.object_guid) if account else None

    def keep(self, operation: Operation) -> Operation:
        self.begun.add(operation.pk)
        self.changed = True
        return operation

    @rule()
    def the_worker_dies_at_the_outbox(self) -> None:
        """Right before the mail of an end is queued."""
        self.dies_at_the_outbox = True

    def or_dies(self, queue: Callable[..., None]) -> Callable[..., None]:
        def run(*args: Any, **kwargs: Any) -> None:
            if self.dies_at_the_outbox:
                self.dies_at_the_outbox = False
                raise WorkerKilled
            queue(*args, **kwargs)

        return run

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
        self.changed = True

    @rule(minutes=st.sampled_from([1, 11, 45]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        with contextlib.suppress(WorkerKilled):
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

    @rule()
    def somebody_renames_our_newest_account_by_hand(self) -> None:
        for entry in reversed(self.directory.entries.values()):
            if entry.marker:
                self.directory.put(entry, login_name=f"x-{len(self.renamed)}")
                self.renamed.add(entry.guid)
                return

    @rule()
    def an_answer_is_lost_and_the_account_renamed_before_anybody_looks(self) -> None:
        self.directory.after.setdefault("create_account", []).append(OutcomeUnknown)
        self.a_worker_works()
        self.somebody_renames_our_newest_account_by_hand()

    @rule(operation=operations, step=st.sampled_from(["take_by_hand", "give_back", "retry"]))
    def operations_step_in(self, operation: Operation, step: str) -> None:
        with contextlib.suppress(errors.MoveNotAllowed, WorkerKilled):
            getattr(services, step)(operation_id=operation.pk, actor=self.operator, now=self.now)

    # --- what must hold --------------------------------------------------------------------------------------------------
    def note_drawn(self) -> None:
        own = {*self.chosen.values(), "Strange-1234!"}
        self.drawn |= {p for p in self.directory.passwords.values() if p not in own}
        self.drawn |= {password for _address, password in self.post.delivered}

    @invariant()
    def the_promises_hold(self) -> None:
        if self.changed:
            self.changed = False
            self.nothing_is_written_without_approval()
            self.one_object_for_each_registration()
            self.nobody_elses_object_is_touched()
            self.a_chosen_password_stays()
            self.every_end_has_its_history_and_its_mail()
            self.nothing_vanishes()

    def nothing_is_written_without_approval(self) -> None:  # I1
        meant: dict[str, set[str]] = {}
        ended = set()
        for kind, payload in Operation.system.values_list("kind", "line__payload"):
            if kind == CHANGE:
                meant.setdefault(payload["account_guid"], set()).add(payload["department"])
            elif kind == DELETE:
                ended.add(payload["account_guid"])
        for guid, entry in self.directory.entries.items():
            if guid not in self.strangers:
                assert entry.department in {LINE["department"], *meant.get(str(guid), ())}
                assert entry.display_name == "鈴木 美咲"
                untouched = entry.enabled and entry.container_dn == users_ou("13")
                assert untouched or str(guid) in ended

    def one_object_for_each_registration(self) -> None:  # I2
        markers = [e.marker for e in self.directory.entries.values() if e.marker]
        known = {str(m) for m in Operation.system.values_list("marker", flat=True)}
        assert len(markers) == len(set(markers))
        assert set(markers) <= known

    def nobody_elses_object_is_touched(self) -> None:  # I3
        registered = DirectoryAccount.system.filter(object_guid__in=self.strangers)
        assert not registered.exists()
        for guid, entry in self.strangers.items():
            if not self.is_meant(guid):
                found = self.directory.entries[guid]
                assert replace(found, usn_changed=0) == replace(entry, usn_changed=0)
                assert self.directory.passwords[guid] == "Strange-1234!"

    def is_meant(self, guid: uuid.UUID) -> bool:
        """A reset that names exactly this object by its objectGUID was approved."""
        return Operation.system.filter(line__payload__account_guid=str(guid)).exists()

    def no_password_is_kept(self) -> None:  # I4
        tables = (Operation, OperationEvent, TrailEntry, Notice, ApplicationEvent)
        rows = json.dumps([list(t._base_manager.values()) for t in tables], default=str)
        assert [password for password in self.drawn if password in rows] == []

    def a_chosen_password_stays(self) -> None:  # I5
        for guid, own in self.chosen.items():
            assert self.directory.passwords[guid] == own

    def every_end_has_its_history_and_its_mail(self) -> None:  # I6
        ends = Count("events", filter=Q(events__verb__in=("done", "verified", "closed")))
        for operation in Operation.system.filter(status__in=SETTLED).annotate(ends=ends):
            assert operation.ends == 1
            assert operation.settled_at is not None
        told = Counter(
            Notice.system.filter(template="application_completed").values_list(
                "application_number", flat=True
            )
        )
        finished = Application.system.filter(status__in=FINAL)
        ended = Q(events__to_status=F("status"))
        for application in finished.annotate(ended=Count("events", filter=ended)):
            assert application.ended == 1
            assert told[application.number] == 1

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
        self.dies_at_the_outbox = False
        for _ in range(4):
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
        self.the_last_end_or_return_holds()
        self.no_password_is_kept()
        self.changed = True
        self.the_promises_hold()

    def the_last_end_or_return_holds(self) -> None:
        """Whoever was deleted last is locked and away; whoever was given back last is not."""
        done = Operation.system.filter(status=OperationStatus.DONE, kind__in=(DELETE, RESTORE))
        last = {
            operation.line.payload["account_guid"]: operation.kind
            for operation in done.select_related("line").order_by("settled_at", "fence", "pk")
        }
        waiting = Operation.system.exclude(status__in=SETTLED).filter(kind__in=(DELETE, RESTORE))
        unclear = {operation.line.payload["account_guid"] for operation in waiting.select_related("line")}
        for guid, kind in last.items():
            entry = self.directory.entries[uuid.UUID(guid)]
            home = deleted_ou("13") if kind == DELETE else users_ou("13")
            if guid not in unclear:
                assert (entry.enabled, entry.container_dn) == (kind == RESTORE, home)

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


def run_machine(**values: Any) -> None:
    """Let it run; raises what the first broken promise raises."""
    with _quiet():
        run_state_machine_as_test(
            Provisioning,
            settings=settings(
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                **values,
            ),
        )


@pytest.mark.django_db
def test_every_kind_comes_to_its_end_in_the_machine() -> None:
    """Without this, a world in which nothing succeeds would keep every promise."""
    machine = Provisioning()
    machine.one_approved_and_one_in_use()
    machine.approve_change("tk-saito", "会計課")
    machine.a_worker_works()
    machine.a_worker_works()
    machine.somebody_is_deleted_and_shall_come_back("tk-saito")
    machine.approve_reset("tk-sato")

    machine.come_to_rest()

    done = Operation.system.filter(status=OperationStatus.DONE).values_list("kind", flat=True)
    assert set(done) == {REGISTER, PASSWORD_RESET, CHANGE, DELETE, RESTORE}
    machine.teardown()


@pytest.mark.django_db
def test_a_machine_that_cannot_begin_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factories, "operator", lambda: 1 / 0)
    before = directory_factory.get_directory, fulfilling._report, list(connection.savepoint_ids)

    with pytest.raises(ZeroDivisionError):
        Provisioning()

    assert before == (directory_factory.get_directory, fulfilling._report, connection.savepoint_ids)


@pytest.mark.django_db
def test_the_invariants_hold_whatever_breaks() -> None:
    run_machine(max_examples=15)

    assert connection.in_atomic_block
