"""One application of the bulk with everything that hangs on it, as years of use leave it behind."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.attributes import users_container
from accounts.demo.copying import (
    CopiedTable,
)
from accounts.demo.names import DEPARTMENTS, REASONS, RETURN_COMMENTS, Name, draw_name
from accounts.demo.people import Post, login_name
from accounts.kinds import REGISTER, REGISTER_KIND, TARGET
from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount
from accounts.planning import plan_offline
from accounts.recipients import usable
from accounts.register import account_search_text
from portal.common.text import search_key
from portal.common.time import add_business_days, today
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow.content import content_hash, snapshot
from portal.workflow.kinds import LineContext
from portal.workflow.models import (
    OPEN,
    Application,
    ApplicationEvent,
    ApplicationLine,
    ApprovalStage,
    StageStatus,
    Status,
)
from portal.workflow.verbs import Verb

_PATIENCE = timedelta(days=60)  # nobody leaves an application open for longer: it was completed since

# What becomes of applications, in per cent; the rest is completed.
_FATES = (
    (Status.IN_REVIEW, 6),
    (Status.REJECTED, 4),
    (Status.WITHDRAWN, 3),
    (Status.RETURNED, 3),
    (Status.DRAFT, 2),
    (Status.PULLED_BACK, 1),
    (Status.NOT_DONE, 1),
)


@dataclass(frozen=True)
class Office:
    """The people of one federation who act in the bulk."""

    organisation: Organisation
    applicant: User
    approver: User
    operator: User
    recipients: tuple[int, ...]
    operations_id: int
    search: str  # the end of every search text


def _offices() -> list[Office]:
    operations = Organisation.objects.get(code="operations")
    operator = User.objects.get(login_name=login_name(Post("unyo", Role.OPERATOR), operations))
    people = {person.login_name: person for person in User.objects.select_related("organisation")}
    offices = []
    for organisation in Organisation.objects.filter(kind__in=FEDERATIONS):
        applicant = people.get(login_name(Post("shinsei", Role.APPLICANT), organisation))
        approver = people.get(login_name(Post("shonin", Role.APPROVER), organisation))
        if applicant is not None and approver is not None:
            search = search_key(
                applicant.display_name, applicant.kana, organisation.short_name, organisation.code
            )
            found = tuple(usable(organisation).values_list("pk", flat=True))
            offices.append(Office(organisation, applicant, approver, operator, found, operations.pk, search))
    return offices


class Pile:
    """Where papers are written: the tables to copy, and what all papers draw from."""

    def __init__(self, dice: random.Random, now: datetime) -> None:
        self.dice, self.now = dice, now
        self.offices = _offices()
        self.reasons = [(reason, search_key(reason)) for reason in REASONS]
        self.applications = CopiedTable(Application, with_id=True)
        self.lines = CopiedTable(ApplicationLine, with_id=True)
        self.stages = CopiedTable(ApprovalStage)
        self.events = CopiedTable(ApplicationEvent)
        self.operations = CopiedTable(Operation)
        self.accounts = CopiedTable(DirectoryAccount)

    def flush(self) -> None:
        """Write what was gathered, in the order in which the tables point to each other."""
        for table in (
            self.applications,
            self.lines,
            self.stages,
            self.events,
            self.operations,
            self.accounts,
        ):
            table.flush()


class Paper:
    """One application with its line, stages, history and operation."""

    def __init__(self, pile: Pile, pk: int, line_pk: int, number: int, at: datetime) -> None:
        dice = pile.dice
        self.pile, self.pk, self.line_pk, self.at = pile, pk, line_pk, at
        self.office: Office = dice.choice(pile.offices)
        self.number = f"A-{at.year}-{number:06d}"
        self.name: Name = draw_name(dice)
        self.login = f"{self.name.romaji[:8]}-{self.name.initial}{number:x}"
        self.department = dice.choice(DEPARTMENTS)
        self.reason, self.folded_reason = dice.choice(pile.reasons)
        self.status = self._fate(dice.random() * 100)
        self.payload = RegisterAccount(
            family_name=self.name.family,
            given_name=self.name.given,
            family_kana=self.name.family_kana,
            given_kana=self.name.given_kana,
            login_name=self.login,
            department=self.department,
            recipient_id=dice.choice(self.office.recipients),
        )
        self.data = dict(vars(self.payload))  # flat: many times faster than dataclasses.asdict
        self.subject = REGISTER_KIND.subject(self.payload)
        self.terms = search_key(*REGISTER_KIND.search_terms(self.payload))
        self.content: dict[str, Any] = {}
        self.hash = ""
        self.steps: list[tuple[str, User | None, str, str]] = []  # verb, actor, to_status, comment

    def _fate(self, number: float) -> Status:
        """What became of it by chance; one that has lain open for too long was completed meanwhile."""
        for status, share in _FATES:
            number -= share
            if number < 0:
                forgotten = status in OPEN and self.at < self.pile.now - _PATIENCE
                return Status.COMPLETED if forgotten else status
        return Status.COMPLETED

    @property
    def is_open(self) -> bool:
        """Whether the line holds its login name."""
        return self.status in OPEN and self.status != Status.DRAFT

    def write(self) -> None:
        """Everything but the register."""
        if self.status != Status.DRAFT:
            self.content = snapshot(
                kind=REGISTER,
                organisation_code=self.office.organisation.code,
                reason=self.reason,
                desired_on=None,
                lines=[self.data],
                attachments=(),
            )
            self.hash = content_hash(self.content)
        stage_due = self._write_stages()
        self._write_header(stage_due)
        self._write_line()
        self._write_events()
        if self.status in (Status.COMPLETED, Status.NOT_DONE):
            self._write_operation()

    def _time(self, step: int) -> datetime:
        return min(self.at + timedelta(hours=5 * step), self.pile.now)

    def _write_header(self, due_on: Any) -> None:
        submitted = self._time(0) if self.status != Status.DRAFT else None
        decided = (
            self._time(3) if self.status in (Status.COMPLETED, Status.NOT_DONE, Status.REJECTED) else None
        )
        completed = self._time(4) if self.status in (Status.COMPLETED, Status.NOT_DONE) else None
        words = f"{self.number.lower()} {search_key(self.subject)} {self.terms} {self.folded_reason} {self.office.search}"
        self.pile.applications.add(
            id=self.pk,
            created_at=self.at,
            updated_at=completed or decided or self.at,
            number=self.number,
            kind=REGISTER,
            organisation_id=self.office.organisation.pk,
            applicant_id=self.office.applicant.pk,
            status=self.status,
            version=2,
            subject=self.subject,
            reason=self.reason,
            line_count=1,
            content_hash=self.hash,
            search_text=words,
            due_on=due_on,
            submitted_at=submitted,
            decided_at=decided,
            completed_at=completed,
            before_reports=decided is not None,  # what years of use leave behind, for the most part
        )

    def _write_line(self) -> None:
        result: dict[str, Any] = {}
        if self.status in (Status.COMPLETED, Status.NOT_DONE):
            outcome = OperationStatus.DONE if self.status == Status.COMPLETED else OperationStatus.CLOSED
            reason = "" if outcome == OperationStatus.DONE else "申請が重複していたため。"
            result[TARGET] = {"status": outcome, "at": self._time(4).isoformat(), "reason": reason}
        plan = None
        if self.is_open:
            context = LineContext(
                organisation=self.office.organisation, actor=None, application=None, today=today(self.at)
            )
            plan = json.dumps(plan_offline(context, self.payload).to_json(), ensure_ascii=False)
        submitted = self.status != Status.DRAFT
        self.pile.lines.add(
            id=self.line_pk,
            application_id=self.pk,
            organisation_id=self.office.organisation.pk,
            position=0,
            payload=json.dumps(self.data, ensure_ascii=False),
            subject_key=self.login if submitted else "",
            subject=self.subject,
            plan=plan,
            is_open=self.is_open,
            reservation_key=f"login:{self.login}" if submitted else None,
            result=json.dumps(result, ensure_ascii=False),
        )

    def _write_stages(self) -> Any:
        """The two stages of the route as far as it came; gives the due date of the open one."""
        office, dice = self.office, self.pile.dice
        self.steps = [(Verb.CREATED, office.applicant, Status.DRAFT, "")]
        if self.status == Status.DRAFT:
            return None
        self.steps.append((Verb.SUBMITTED, office.applicant, Status.IN_REVIEW, ""))
        comment = ""
        first, second = StageStatus.APPROVED, StageStatus.APPROVED
        if self.status == Status.IN_REVIEW:
            first, second = (
                (StageStatus.OPEN, StageStatus.WAITING)
                if dice.random() < 0.6
                else (StageStatus.APPROVED, StageStatus.OPEN)
            )
        elif self.status == Status.REJECTED:
            first, second, comment = (
                StageStatus.REJECTED,
                StageStatus.CANCELLED,
                "同じ方の登録が済んでいます。",
            )
        elif self.status == Status.RETURNED:
            first, second, comment = (
                StageStatus.RETURNED,
                StageStatus.CANCELLED,
                dice.choice(RETURN_COMMENTS),
            )
        elif self.status in (Status.WITHDRAWN, Status.PULLED_BACK):
            first = second = StageStatus.CANCELLED
        self._note_steps(first, second, comment)
        due = self._write_stage(1, first, office.approver, office.organisation.pk, comment)
        return self._write_stage(2, second, office.operator, office.operations_id, "") or due

    def _note_steps(self, first: str, second: str, comment: str) -> None:
        office = self.office
        if first == StageStatus.APPROVED:
            self.steps.append((Verb.APPROVED, office.approver, Status.IN_REVIEW, ""))
        if self.status in (Status.COMPLETED, Status.NOT_DONE):
            verb = Verb.COMPLETED if self.status == Status.COMPLETED else Verb.NOT_DONE
            self.steps.append((Verb.APPROVED, office.operator, Status.FULFILLING, ""))
            self.steps.append((verb, None, self.status, ""))
        elif first in (StageStatus.REJECTED, StageStatus.RETURNED):
            verb = Verb.REJECTED if first == StageStatus.REJECTED else Verb.RETURNED
            self.steps.append((verb, office.approver, self.status, comment))
        elif self.status in (Status.WITHDRAWN, Status.PULLED_BACK):
            verb = Verb.WITHDRAWN if self.status == Status.WITHDRAWN else Verb.PULLED_BACK
            self.steps.append((verb, office.applicant, self.status, ""))

    def _write_stage(
        self, position: int, status: str, decider: User, organisation_id: int, comment: str
    ) -> Any:
        spec = REGISTER_KIND.default_route[position - 1]
        decided = status in (StageStatus.APPROVED, StageStatus.REJECTED, StageStatus.RETURNED)
        opened = self._time(position - 1) if decided or status == StageStatus.OPEN else None
        due = (
            add_business_days(today(opened), spec.business_days)
            if status == StageStatus.OPEN and opened
            else None
        )
        self.pile.stages.add(
            application_id=self.pk,
            revision=1,
            position=position,
            label=spec.label,
            role=spec.role,
            organisation_id=organisation_id,
            applicant_id=self.office.applicant.pk,
            status=status,
            opened_at=opened,
            due_on=due,
            decided_by_id=decider.pk if decided else None,
            decided_at=self._time(position) if decided else None,
            comment=comment,
            content_hash=self.hash if decided else "",
            business_days=spec.business_days,
        )
        return due

    def _write_events(self) -> None:
        before = ""
        for step, (verb, actor, to_status, comment) in enumerate(self.steps):
            data: dict[str, Any] = {}
            if verb == Verb.SUBMITTED:
                data = {"content": self.content, "content_hash": self.hash}
            self.pile.events.add(
                application_id=self.pk,
                organisation_id=self.office.organisation.pk,
                at=self._time(max(step - 1, 0)),
                actor_id=actor.pk if actor else None,
                actor_name=actor.display_name if actor else "",
                verb=verb,
                from_status=before,
                to_status=to_status,
                revision=1,
                comment=comment,
                data=json.dumps(data, ensure_ascii=False),
            )
            before = to_status

    def _write_operation(self) -> None:
        done = self.status == Status.COMPLETED
        self.pile.operations.add(
            marker=uuid.UUID(int=self.pile.dice.getrandbits(128), version=4),
            line_id=self.line_pk,
            organisation_id=self.office.organisation.pk,
            kind=REGISTER,
            target=TARGET,
            application_number=self.number,
            subject=self.subject,
            status=OperationStatus.DONE if done else OperationStatus.CLOSED,
            created_at=self._time(3),
            not_before=self._time(3),
            attempts=1,
            fence=1,
            started_at=self._time(3),
            settled_at=self._time(4),
            evidence=json.dumps({"login_name": self.login} if done else {}),
            manual_note="" if done else "申請が重複していたため。",
        )

    def enter_account(self) -> None:
        """The account that the completed application made, in the register."""
        names = {
            "family_name": self.name.family,
            "given_name": self.name.given,
            "family_kana": self.name.family_kana,
            "given_kana": self.name.given_kana,
            "login_name": self.login,
            "department": self.department,
        }
        at = self._time(4)
        self.pile.accounts.add(
            created_at=at,
            updated_at=at,
            organisation_id=self.office.organisation.pk,
            object_guid=uuid.UUID(int=self.pile.dice.getrandbits(128), version=4),
            distinguished_name=f"CN={self.login},{users_container(self.office.organisation)}",
            **names,
            state=DirectoryAccount.State.ENABLED,
            search_text=account_search_text(**names),
            last_line_id=self.line_pk,
            verified_at=at,
        )
