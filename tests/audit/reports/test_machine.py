"""A state machine takes the reports of a month through anything people can do, and looks at what must hold always (AUD-02…AUD-10).

No later state without the earlier ones; exactly one current revision; who made it does not confirm it, also through
deputies; the history only grows and is complete; nobody does twice what was done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from audit.reconciliation.models import Mismatch, Side
from audit.reports import services
from audit.reports.errors import NotAllowed, Refused
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.enquiries import services as enquiries
from tests import factories
from tests.audit.reports import world
from tests.audit.reports.steps import NOW, WAY, People, central, explain, walk

# What must be there in each state, besides everything of the states before.
_ORDER = (
    (ReportStatus.CREATED, ("made_at", "created_by_id", "reconciliation_id")),
    (ReportStatus.CENTRAL_CONFIRMED, ("central_confirmed_at", "central_checked_by_id")),
    (ReportStatus.PROVIDED, ("provided_at", "provided_by_id")),
    (ReportStatus.FEDERATION_CONFIRMED, ("federation_confirmed_at", "federation_checked_by_id")),
    (ReportStatus.RETURNED, ("returned_at", "returned_by_id")),
    (ReportStatus.COPY_STORED, ("stored_at", "stored_by_id")),
)
STEPS = [step for step, _name in WAY]
PERSON = st.integers(min_value=0, max_value=8)
# What some month of the run came to; a rule nobody gets to proves nothing.
_seen: set[str] = set()


class Month(RuleBasedStateMachine):
    """One federation's month. A refusal is a fine answer, a broken invariant is not."""

    def __init__(self) -> None:
        super().__init__()
        self._block = transaction.atomic()
        self._block.__enter__()
        self.cycle = world.cycle()
        world.report(self.cycle)
        self.people = People()
        both, stand_in = factories.operator(), central(Role.USER)
        factories.membership(both, Role.APPROVER, code="central")
        factories.deputy(both, stand_in, Role.APPROVER, code="central")
        factories.deputy(self.people.confirmer, both, Role.APPROVER, code="central")
        more = central(Role.APPROVER), factories.user(Role.SECURITY_MANAGER)
        self.staff: list[User] = [*vars(self.people).values(), both, stand_in, *more]
        self.history: dict[int, list[int]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._block.__exit__(None, None, None)

    @initialize(steps=st.integers(0, len(WAY)), asked=st.booleans())
    def begin(self, steps: int, asked: bool) -> None:
        """Some way has been gone already, and the federation may have asked about it."""
        if steps:
            walk(self.current(), self.people, STEPS[steps - 1])
        self.enquiry = "GS-1"
        if asked:
            self.enquiry = enquiries.ask(
                organisation=factories.organisation("13"),
                desk="CENTRAL",
                category="AUDIT",
                subject="訂正",
                text="理由が違います。",
                actor=self.people.officer,
                now=NOW,
            ).number

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        with contextlib.suppress(NotAllowed, Refused), transaction.atomic():
            yield

    def current(self) -> AuditReport:
        return AuditReport.system.get(cycle=self.cycle, is_current=True)

    @rule(step=st.sampled_from(STEPS), person=PERSON, behind=st.integers(0, 3))
    def step(self, step: str, person: int, behind: int) -> None:
        """Anybody tries any step; sometimes on an old screen."""
        report = self.current()
        with self.told():
            getattr(services, step)(
                report_id=report.pk,
                version=report.version - (behind == 3),
                actor=self.staff[person],
                now=timezone.now(),
            )
            self.worker(report)

    @rule(person=PERSON, steps=st.integers(2, 6), explained=st.booleans())
    def next_steps(self, person: int, steps: int, explained: bool) -> None:
        """The steps whose turn it is, each by the first who may, so that reports get far."""
        if explained:
            for side in Side.values:
                self.give_reasons(side)
            for party in ("officer", "reviewer"):
                self.acknowledge(list(vars(self.people)).index(party))
        for _number in range(steps):
            report = self.current()
            turn = next((step for step in STEPS if services.MOVES[step].before == report.status), None)
            for further in range(len(self.staff)) if turn else ():
                self.step(turn, (person + further) % len(self.staff), 0)
                if self.current().status != report.status:
                    break

    @rule(mismatch=st.booleans())
    def reconcile(self, mismatch: bool) -> None:
        run = world.run(self.cycle)
        if mismatch:
            world.mismatch(run)

    @rule(side=st.sampled_from(Side.values))
    def give_reasons(self, side: str) -> None:
        for found in Mismatch.system.filter(reconciliation__cycle=self.cycle):
            explain(found, self.people, side)

    @rule(person=PERSON, supplement=st.booleans(), central_too=st.booleans())
    def revise(self, person: int, supplement: bool, central_too: bool) -> None:
        """By the first who may."""
        report = self.current()
        common = {"report_id": report.pk, "version": report.version, "reason": "訂正", "now": timezone.now()}
        for further in range(len(self.staff)):
            actor = self.staff[(person + further) % len(self.staff)]
            with self.told():
                if supplement:
                    services.supplement(actor=actor, **common)
                else:
                    services.correct(actor=actor, enquiry=self.enquiry, central_too=central_too, **common)
                if report.provided_at:
                    _seen.add("revised once provided")
                return

    @rule(person=PERSON)
    def acknowledge(self, person: int) -> None:
        report = self.current()
        with self.told():
            services.acknowledge(
                report_id=report.pk, version=report.version, actor=self.staff[person], now=timezone.now()
            )

    def worker(self, report: AuditReport) -> None:
        """What makes the files after steps 2 and 4."""
        report.refresh_from_db()
        for status, stage in (
            (ReportStatus.CENTRAL_CONFIRMED, "PROVIDED"),
            (ReportStatus.FEDERATION_CONFIRMED, "ORIGINAL"),
        ):
            if report.status == status and not report.files.filter(stage=stage).exists():
                world.files(report, stage)

    @invariant()
    def one_revision_counts(self) -> None:
        reports = list(AuditReport.system.filter(cycle=self.cycle).order_by("revision"))
        assert [each.revision for each in reports] == list(range(1, len(reports) + 1))
        assert [each.is_current for each in reports] == [False] * (len(reports) - 1) + [True]
        assert all((each.status == ReportStatus.SUPERSEDED) != each.is_current for each in reports)

    @invariant()
    def no_later_state_without_the_earlier(self) -> None:
        report = self.current()
        reached = [status for status, _fields in _ORDER]
        if report.status == ReportStatus.PLANNED:
            return
        for _status, fields in _ORDER[: reached.index(ReportStatus(report.status)) + 1]:
            assert all(getattr(report, name) is not None for name in fields), (report.status, fields)

    @invariant()
    def who_made_it_does_not_confirm_it(self) -> None:
        for report in AuditReport.system.filter(cycle=self.cycle):
            made = {report.created_by_id, report.created_for_id} - {None}
            central_side = {report.central_checked_by_id, report.central_checked_for_id} - {None}
            own = {report.federation_checked_by_id, report.federation_checked_for_id} - {None}
            assert not made & central_side
            assert not own & (made | central_side)

    @invariant()
    def the_history_is_complete_and_only_grows(self) -> None:
        for report in AuditReport.system.filter(cycle=self.cycle):
            events = list(report.events.order_by("pk"))
            keys = [event.pk for event in events]
            before = self.history.get(report.pk, [])
            assert keys[: len(before)] == before
            self.history[report.pk] = keys
            assert [event.from_status for event in events[1:]] == [event.to_status for event in events[:-1]]
            assert report.status == (events[-1].to_status if events else ReportStatus.PLANNED)
            assert report.version == len(events) + (1 if report.revision == 1 else 0)

    @invariant()
    def a_copy_is_the_original(self) -> None:
        report = self.current()
        if report.status == ReportStatus.COPY_STORED:
            stages = [
                set(ReportFile.system.filter(report=report, stage=stage).values_list("name", "sha256"))
                for stage in ("ORIGINAL", "COPY")
            ]
            assert stages[0] == stages[1]
            assert stages[0]
            _seen.add("stored" if report.revision == 1 else "stored again")


@pytest.mark.django_db
def test_aud_02_to_10_whatever_people_do_the_month_stays_sound() -> None:
    assert connection.in_atomic_block
    run_state_machine_as_test(
        Month,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,  # each run sees the same months, among them what is asked for below
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert _seen >= {"stored", "stored again", "revised once provided"}
