"""A state machine takes applications through anything people can do and looks at what must hold always.

I1: nothing reaches fulfilment without an approval of exactly that content. I7: separation of duties holds through deputies.
I8: whatever is not finished has a person or a timer that can move it. I10: the history only grows.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
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
    multiple,
    rule,
    run_state_machine_as_test,
)

from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import Deputy, Membership, User
from portal.orgs.permissions import Role
from portal.workflow import fulfilling, services
from portal.workflow.content import content_hash, snapshot
from portal.workflow.errors import WorkflowError
from portal.workflow.models import (
    FINAL,
    REPORTED,
    Application,
    ApplicationEvent,
    ApplicationLine,
    RouteStage,
    Status,
)
from portal.workflow.reports import making
from portal.workflow.verbs import Verb
from tests import factories
from tests.workflow import cards

ROUTE = ((Role.APPROVER, "OWN"), (Role.APPROVER, "OWN"), (Role.OPERATOR, "OPERATIONS"))
NAMES = st.sampled_from(["sato", "ito", "kato"])
LAPSED = timezone.localdate() - dt.timedelta(days=1)


class Applications(RuleBasedStateMachine):
    """Rules are what people do; a WorkflowError is a fine answer, a broken invariant is not."""

    applications = Bundle("applications")
    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self._block = transaction.atomic()
        self._block.__enter__()
        self.staff = self._hire()
        self.history: dict[int, tuple[Any, ...]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._block.__exit__(None, None, None)

    def _hire(self) -> list[User]:
        for position, (role, where) in enumerate(ROUTE, start=1):
            RouteStage.objects.create(
                kind=cards.CODE, position=position, label="Stage", role=role, decided_in=where
            )
        both = factories.user(Role.APPLICANT, Role.APPROVER)
        chief, deputy_chief = factories.approver(), factories.approver()
        stand_in = factories.user(Role.USER)
        for principal in (chief, both):
            factories.deputy(principal, stand_in, Role.APPROVER)
        factories.deputy(chief, both, Role.APPROVER)
        return [both, chief, deputy_chief, stand_in, *(factories.operator() for _ in range(3))]

    @initialize(target=people)
    def meet(self) -> Any:
        return multiple(*self.staff)

    @initialize(target=applications)
    def begin(self) -> Any:
        """One application by somebody who is an approver too, and one by somebody who is not."""
        others = factories.applicant()
        return multiple(cards.draft(self.staff[0], "sato"), cards.draft(others, "ito"))

    @rule(application=applications, name=NAMES)
    def edit(self, application: Application, name: str) -> None:
        with self.told():
            services.save_draft(
                application_id=application.pk,
                actor=application.applicant,
                content=cards.content(name),
                version=None,
                now=timezone.now(),
            )

    @rule(application=applications)
    def submit(self, application: Application) -> None:
        with self.told():
            cards.submit(application)

    @rule(application=applications, person=people)
    def approve(self, application: Application, person: User) -> None:
        """The most frequent step, so that applications get far."""
        with self.told():
            if application.revision == 1:
                cards.submit(application)
        with self.told():
            cards.approve(application, person)

    @rule(
        application=applications,
        person=people,
        verb=st.sampled_from(["approve", "reject", "return_"]),
    )
    def decide(self, application: Application, person: User, verb: str) -> None:
        with self.told():
            getattr(services, verb)(**cards.seen(application, person), comment="理由")

    @rule(application=applications, person=people)
    def decide_what_is_no_longer_there(self, application: Application, person: User) -> None:
        arguments = cards.seen(application, person) | {"content_hash": "0" * 64}
        with pytest.raises(WorkflowError), transaction.atomic():
            services.approve(**arguments, comment="")

    @rule(application=applications, person=people)
    def pull_back(self, application: Application, person: User) -> None:
        with self.told():
            services.pull_back(application_id=application.pk, actor=person, now=timezone.now())

    @rule(application=applications, person=people)
    def withdraw(self, application: Application, person: User) -> None:
        with self.told():
            services.withdraw(application_id=application.pk, actor=person, comment="", now=timezone.now())

    @rule(shelf=st.sampled_from("AB"), down=st.booleans())
    def target_changes(self, shelf: str, down: bool) -> None:
        cards.world.shelf, cards.world.down = shelf, down

    @rule(status=st.sampled_from(OperationStatus.values))
    def operation_changes(self, status: str) -> None:
        operation = Operation.system.exclude(status__in=("DONE", "CLOSED")).first()
        if operation is not None:
            operation.status = status
            operation.save()
            fulfilling.operations_settled([operation], timezone.now())

    @rule(person=people)
    def leave(self, person: User) -> None:
        """Somebody other than the last people of operations loses the role; the night looks after the rest."""
        if not person.memberships.filter(role=Role.OPERATOR).exists():
            Membership.system.filter(user=person).update(valid_until=LAPSED)
            services.check_open_stages(now=timezone.now())

    @rule(person=people)
    def come_back(self, person: User) -> None:
        Membership.system.filter(user=person).update(valid_until=None)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        with contextlib.suppress(WorkflowError), transaction.atomic():
            yield

    @invariant()
    def nothing_is_carried_out_that_was_not_approved(self) -> None:  # I1
        for application in Application.system.filter(lines__operations__isnull=False).distinct():
            stages = application.stages.filter(revision=application.revision)
            assert {stage.status for stage in stages} == {"APPROVED"}
            assert {stage.content_hash for stage in stages} == {application.content_hash}
            stored = snapshot(
                kind=application.kind,
                organisation_code=application.organisation.code,
                reason=application.reason,
                desired_on=application.desired_on,
                lines=[line.payload for line in application.lines.all()],
                attachments=application.attachments.all(),
            )
            assert content_hash(stored) == application.content_hash

    @invariant()
    def duties_are_separated(self) -> None:  # I7
        for application in Application.system.all():
            for revision in range(1, application.revision + 1):
                stages = application.stages.filter(revision=revision, decided_by__isnull=False)
                involved = [p for s in stages for p in (s.decided_by_id, s.acted_for_id) if p]
                assert len(involved) == len(set(involved))
                assert application.applicant_id not in involved
            for stage in application.stages.filter(acted_for__isnull=False):
                assert Deputy.system.filter(deputy=stage.decided_by, principal=stage.acted_for).exists()

    @invariant()
    def whatever_is_in_review_can_be_decided(self) -> None:  # I8
        for application in Application.system.filter(status=Status.IN_REVIEW):
            stage = application.stages.get(status="OPEN")
            day = timezone.localdate()
            held = Membership.system.valid_on(day).filter(role=stage.role, organisation=stage.organisation)  # type: ignore[attr-defined]
            used = application.stages.filter(revision=application.revision).values_list(
                "decided_by", "acted_for"
            )
            unable = {application.applicant_id, *(person for pair in used for person in pair)}
            assert set(held.values_list("user", flat=True)) - unable

    @invariant()
    def whatever_is_being_carried_out_has_an_open_operation(self) -> None:  # I8
        for application in Application.system.filter(decided_at__isnull=False).exclude(status__in=FINAL):
            assert (
                Operation.system.filter(line__application=application)
                .exclude(status__in=("DONE", "CLOSED"))
                .exists()
            )

    @invariant()
    def whatever_has_ended_has_a_report_that_says_so(self) -> None:  # REQ-12
        for application in Application.system.filter(status__in=REPORTED).select_related("report"):
            report = application.report
            assert report is not None
            assert not application.before_reports
            assert report.content["outcome"] == application.status
            assert making.digest_of(report.content) == report.digest
            assert report.notice_id is not None
            lines = application.lines.count() if application.status != Status.REJECTED else 0
            assert len(report.content["lines"]) == lines
        assert not Application.system.filter(report__isnull=False).exclude(status__in=REPORTED).exists()

    @invariant()
    def names_are_held_by_open_applications_only(self) -> None:  # ACC-06
        held = ApplicationLine.system.filter(is_open=True)
        assert not held.filter(application__status__in=FINAL).exists()
        keys = list(held.values_list("reservation_key", flat=True))
        assert len(keys) == len(set(keys))

    @invariant()
    def history_only_grows_and_tells_the_status(self) -> None:  # I10
        rows = {
            row[0]: row[1:]
            for row in ApplicationEvent.system.values_list(
                "pk", "application_id", "verb", "comment", "at", "data"
            )
        }
        assert all(rows.get(pk) == row for pk, row in self.history.items())
        self.history = rows
        for application in Application.system.all():
            last = application.events.exclude(verb=Verb.HANDED_TO_OPERATIONS).last()
            assert last is not None
            assert last.to_status == application.status


@pytest.mark.django_db(transaction=True)
def test_invariants_hold_whatever_people_do(world: cards.World) -> None:
    settings_ = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(Applications, settings=settings_)

    assert not connection.in_atomic_block
