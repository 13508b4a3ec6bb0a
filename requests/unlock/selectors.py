"""Reading unlocks and what waits to be unlocked, within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from portal.common.search import matching
from portal.common.time import today
from portal.fulfilment.models import SETTLED, Operation
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import READ_ACCOUNTS, Role
from portal.workflow import kinds, scope
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, ApprovalStage, StageStatus, Status
from portal.workflow.plans import Plan, combined_digest
from requests.unlock import locks
from requests.unlock.locks import Lock, Place
from requests.unlock.lookups import Known, known
from requests.unlock.models import AccountUnlock
from requests.unlock.payloads import KINDS, OWN_KIND, UnlockAccount

WAITING_SHOWN = 200


def organisations(user: User) -> list[Organisation]:
    """The organisations whose unlocks this person can read, for the filter."""
    if user.reads_everywhere(READ_ACCOUNTS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_ACCOUNTS)


def unlocks(
    user: User, q: str = "", *, way: str = "", repeated: str = "", organisation: str = ""
) -> QuerySet[AccountUnlock]:
    """The unlocks that this person may see; all words of `q` in login name, name, number or organisation."""
    own = user.organisations_where(READ_ACCOUNTS)
    rows: Any = AccountUnlock.objects.visible_to(user).select_related("organisation", "unlocked_by")
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_ACCOUNTS):
        rows = rows.filter(organisation__in=own)
    exact = {"way": way, "organisation__code": organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if repeated == "1":
        rows = rows.filter(is_repeated=True)
    return matching(rows, q)  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class WaitingAccount:
    """One account of an application that waits for operations."""

    login_name: str
    display_name: str
    lock: Lock | None
    places: list[Place]
    recent: int
    plan: Plan

    @property
    def is_repeated(self) -> bool:
        """Whether unlocking it now makes several in short time."""
        return locks.is_repeated(self.recent)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One application whose turn it is at network operations, as a person of operations sees it now."""

    application: Application
    stage: ApprovalStage
    accounts: list[WaitingAccount]
    plan_digest: str
    is_blocked: bool
    is_proven: bool
    may_decide: bool


def waiting(user: User, now: datetime) -> list[Waiting]:
    """What network operations can unlock now, the oldest first, with the locks as they are. Asks AD once for all."""
    open_stages = ApprovalStage.objects.visible_to(user).filter(status=StageStatus.OPEN)
    rows = (
        scope.readable(user)
        .filter(
            kind__in=KINDS,
            status=Status.IN_REVIEW,
            stages__status=StageStatus.OPEN,
            stages__role=Role.OPERATOR,
        )
        .select_related("organisation", "applicant", "unlock_proof")
        .prefetch_related("lines", Prefetch("stages", queryset=open_stages, to_attr="open_stages"))
        .order_by("submitted_at", "pk")[:WAITING_SHOWN]
    )
    applications = list(rows)
    read = _read_together(applications, now)
    mine = set(scope.decidable(user).values_list("pk", flat=True)) if applications else set()
    return [_waiting(each, read, mine, now) for each in applications]


def _waiting(application: Application, read: Known, mine: set[int], now: datetime) -> Waiting:
    kind = kinds.get(application.kind)
    context = LineContext(
        organisation=application.organisation, actor=None, application=application, today=today(now)
    )
    known(context).adopt(read)
    accounts = []
    for payload in _payloads(application):
        found = known(context)
        accounts.append(
            WaitingAccount(
                login_name=payload.login_name,
                display_name=payload.display_name,
                lock=found.lock(payload.guid),
                places=found.places(payload.guid),
                recent=found.recent(payload.guid),
                plan=kind.plan(context, payload),
            )
        )
    plans = [account.plan for account in accounts]
    stage: ApprovalStage = application.open_stages[0]  # type: ignore[attr-defined]
    return Waiting(
        application=application,
        stage=stage,
        accounts=accounts,
        # As portal.workflow.selectors.decision_view says it: nothing was seen while a target is out of reach.
        plan_digest="" if any(plan.unavailable for plan in plans) else combined_digest(plans),
        is_blocked=any(plan.is_blocked for plan in plans),
        is_proven=application.kind == OWN_KIND,
        may_decide=stage.pk in mine,
    )


def _read_together(applications: Iterable[Application], now: datetime) -> Known:
    found = Known()
    guids: list[UUID] = [payload.guid for each in applications for payload in _payloads(each)]
    found.read(guids, now)
    return found


def _payloads(application: Application) -> list[UnlockAccount]:
    kind = kinds.get(application.kind)
    return [kind.load(line.payload, line.payload_version) for line in application.lines.all()]


def under_way(user: User) -> QuerySet[Operation]:
    """Unlocks that were accepted and are not done yet, such as those that stopped and need a person."""
    rows: Any = Operation.objects.visible_to(user).filter(kind__in=KINDS, step="").exclude(status__in=SETTLED)
    return rows.select_related("organisation").order_by("-id")[:50]  # type: ignore[no-any-return]
