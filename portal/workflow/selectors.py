"""Reading applications. Everything here starts from what the person may see (ORG-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import QuerySet

from portal.orgs.models import User
from portal.workflow.models import Application, ApplicationLine, ApprovalStage
from portal.workflow.plans import Change, Plan


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list shows, as the URL says it."""

    status: str = ""
    kind: str = ""
    organisation: str = ""  # code
    q: str = ""
    due: str = ""  # "", "overdue", "7days"
    mine: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Filters of a URL; unknown values are ignored."""
        raise NotImplementedError

    def to_query(self) -> str:
        """The filter part of a URL, without the empty ones."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class WorkCounts:
    """The numbers of the home page and the navigation."""

    inbox: int
    overdue: int  # of the inbox
    drafts: int
    returned: int
    in_review: int  # own applications
    attention: int


@dataclass(frozen=True, kw_only=True)
class DecisionView:
    """What a person sees before deciding."""

    stage: ApprovalStage | None
    acts_for: User | None
    may_decide: bool
    why_not: str
    plans: list[Plan]  # live for a person who may decide, else as frozen
    frozen: list[Plan]
    plan_digest: str  # "" when a target could not be asked
    plan_changed: bool
    changes: list[Change]


@dataclass(frozen=True, kw_only=True)
class Actions:
    """Which buttons a person gets."""

    edit: bool
    submit: bool
    decide: bool
    pull_back: bool
    withdraw: bool
    copy: bool
    attach: bool


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A line with its payload object (None while a draft is incomplete) and its frozen plan."""

    line: ApplicationLine
    payload: Any
    plan: Plan | None


def applications(user: User, filters: Filters) -> QuerySet[Application]:
    """The applications of the list; organisation and applicant are loaded with them."""
    raise NotImplementedError


def drafts(user: User) -> QuerySet[Application]:
    """The person's own drafts and pulled back applications."""
    raise NotImplementedError


def inbox(user: User, now: datetime) -> QuerySet[Application]:
    """What this person can decide now, own role or as a deputy; never their own applications (ORG-04)."""
    raise NotImplementedError


def application(user: User, number: str) -> Application:
    """One application with lines, stages, events and attachments; Application.DoesNotExist when not visible."""
    raise NotImplementedError


def work_counts(user: User, now: datetime) -> WorkCounts:
    """The counts of the home page."""
    raise NotImplementedError


def decision_view(user: User, application: Application, now: datetime) -> DecisionView:
    """What this person may decide, with the live plan beside the frozen one; asks the target."""
    raise NotImplementedError


def shown_lines(application: Application) -> list[ShownLine]:
    """The lines as a page shows them."""
    raise NotImplementedError


def revision_changes(application: Application) -> list[Change]:
    """What differs between the last two submitted revisions."""
    raise NotImplementedError


def actions(user: User, application: Application) -> Actions:
    """Which steps this person can take now."""
    raise NotImplementedError
