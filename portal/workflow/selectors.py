"""Reading applications. Everything here starts from what the person may see (ORG-02)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from portal.common.search import holding
from portal.common.text import search_terms
from portal.common.time import JST, parse_date, today
from portal.orgs.models import User
from portal.orgs.permissions import APPLY
from portal.workflow import kinds, people
from portal.workflow.comparison import plan_differences, revision_differences
from portal.workflow.content import frozen_plans
from portal.workflow.decisions import live_plans
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import (
    EDITABLE,
    Application,
    ApplicationEvent,
    ApplicationLine,
    ApprovalStage,
    Attachment,
    StageStatus,
    Status,
)
from portal.workflow.plans import Change, Plan, combined_digest
from portal.workflow.reports.models import ResultReport
from portal.workflow.scope import decidable, may_decide, readable
from portal.workflow.taking_back import may_withdraw

# A number as people say it: A-2026-002444, also A-2444 or 2026-2444, with whatever dash their keyboard gives.
_NUMBER = re.compile(r"(?:([a-z]{1,4})-)?(?:(20[0-9]{2})-)?([0-9]{1,12})")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー", "-"))
_FIRST_YEAR = 2020  # no number is older
OVERDUE, NEXT_7_DAYS = "overdue", "7days"
_MINE = frozenset({Status.DRAFT, Status.PULLED_BACK})  # with the applicant, to be handed in


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list shows, as the URL says it."""

    status: str = ""
    kind: str = ""
    organisation: str = ""  # code
    q: str = ""
    due: str = ""  # "", OVERDUE, NEXT_7_DAYS
    since: str = ""  # first day of submission, as YYYY-MM-DD
    until: str = ""  # last day of submission
    mine: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Filters of a URL; unknown values are ignored."""

        def one_of(name: str, values: Any) -> str:
            value = query.get(name, "")
            return value if value in values else ""

        return cls(
            status=one_of("status", Status.values),
            kind=one_of("kind", [kind.code for kind in kinds.all_kinds()]),
            organisation=_code(query.get("organisation", "")),
            q=query.get("q", "").replace("\x00", "").strip()[:200],
            due=one_of("due", (OVERDUE, NEXT_7_DAYS)),
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            mine=query.get("mine", "") in ("1", "true", "on"),
        )

    def to_query(self) -> str:
        """The filter part of a URL, without the empty ones."""
        values = {name: value for name, value in vars(self).items() if value}
        return urlencode(values | {"mine": "1"} if self.mine else values)


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
    """Which steps a person can take now."""

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
    """The applications of the list; organisation and applicant are loaded with them.

    The filters only narrow what the person may read. Values that match nothing give an empty list.
    """
    rows = readable(user)
    exact = {"status": filters.status, "kind": filters.kind, "organisation__code": filters.organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    rows = _searched(rows, filters.q)
    day = timezone.localdate()
    if filters.due == OVERDUE:
        rows = rows.filter(status=Status.IN_REVIEW, due_on__lt=day)
    elif filters.due == NEXT_7_DAYS:
        rows = rows.filter(status=Status.IN_REVIEW, due_on__gte=day, due_on__lte=day + timedelta(days=7))
    if filters.since:
        rows = rows.filter(submitted_at__gte=_midnight(filters.since))
    if filters.until:
        rows = rows.filter(submitted_at__lt=_midnight(filters.until) + timedelta(days=1))
    if filters.mine:
        rows = rows.filter(applicant=user)
    return rows.select_related("organisation", "applicant", "report__reached_by").defer("report__content")


def drafts(user: User) -> QuerySet[Application]:
    """The person's own drafts and pulled back applications."""
    rows = Application.objects.visible_to(user).filter(applicant=user, status__in=_MINE)
    return rows.select_related("organisation", "applicant")


def inbox(user: User, now: datetime) -> QuerySet[Application]:
    """What this person can decide now, in an own role or as a deputy; never their own applications (ORG-04).

    Roles are those of the day of `now` as the person object read them; the decision itself looks again.
    """
    rows = Application.objects.visible_to(user).filter(status=Status.IN_REVIEW).exclude(applicant=user)
    rows = rows.filter(pk__in=decidable(user).values("application_id"))
    return rows.select_related("organisation", "applicant")


def application(user: User, number: str) -> Application:
    """One application with its organisation, applicant, lines, stages, events and attachments.

    Raises Application.DoesNotExist when there is none or the person may not see it.
    """
    if "\x00" in number:  # no text of the database holds it, and none can be asked for it
        raise Application.DoesNotExist
    found: Application = (
        readable(user)
        .select_related("organisation", "applicant")
        # Most have neither of the two: then nothing is asked, where joins would be made for everybody.
        .prefetch_related(
            "copied_from",
            Prefetch(
                "report",
                ResultReport.system.select_related("notice", "reached_by", "recipient", "organisation"),
            ),
            "lines",
            Prefetch(
                "stages", ApprovalStage.system.select_related("organisation", "decided_by", "acted_for")
            ),
            Prefetch("events", ApplicationEvent.system.select_related("actor", "acted_for")),
            Prefetch("attachments", Attachment.system.select_related("added_by")),
        )
        .get(number=number)
    )
    return found


def decision_view(user: User, application: Application, now: datetime) -> DecisionView:
    """What this person may decide, with the live plan beside the frozen one.

    Asks the target, but only for a person who may decide. While it cannot be asked the frozen plan stands (ACC-12).
    """
    stages = list(application.stages.all())
    stage = next((stage for stage in stages if stage.status == StageStatus.OPEN), None)
    lines = list(application.lines.all())
    frozen = frozen_plans(lines)
    standing = people.Standing(may_decide=False)
    if stage is not None and application.status == Status.IN_REVIEW:
        taken = people.taken_in(stages, application.revision)
        standing = people.standing(stage, user, today(now), taken)
    live = live_plans(application, lines, now) if standing.may_decide else None
    changes = plan_differences(frozen, live) if live is not None else []
    return DecisionView(
        stage=stage,
        acts_for=standing.acts_for,
        may_decide=standing.may_decide,
        why_not=standing.why_not,
        plans=frozen if live is None else live,
        frozen=frozen,
        plan_digest="" if live is None else combined_digest(live),
        plan_changed=bool(changes),
        changes=changes,
    )


def shown_lines(application: Application) -> list[ShownLine]:
    """The lines as a page shows them; the lines of a draft may be incomplete."""
    kind = kinds.get(application.kind)
    return [
        ShownLine(
            line=line, payload=_payload(kind, line), plan=Plan.from_json(line.plan) if line.plan else None
        )
        for line in application.lines.all()
    ]


def waits_until(application: Application, now: datetime) -> date | None:
    """The effective date that an approved application still waits for (発効日)."""
    day = application.desired_on
    return day if application.status == Status.FULFILLING and day is not None and day > today(now) else None


def revision_changes(application: Application) -> list[Change]:
    """What differs between the last two submitted revisions, for the approver of a resubmission."""
    return revision_differences(application)


def actions(user: User, application: Application) -> Actions:
    """Which steps this person can take now; the services check the same again under the lock."""
    now = timezone.now()
    day = today(now)
    stages = list(application.stages.all())
    is_applicant = application.applicant_id == user.pk
    may_apply = user.may(kinds.applied_by(application.kind), application.organisation_id)
    edit = is_applicant and may_apply and application.is_editable
    in_review = application.status == Status.IN_REVIEW
    decided = any(s.revision == application.revision and s.decided_at for s in stages)
    open_to_withdraw = application.status in EDITABLE or in_review
    return Actions(
        edit=edit,
        submit=edit,
        attach=edit,
        decide=in_review and not is_applicant and may_decide(user, application, stages, now),
        pull_back=is_applicant and may_apply and in_review and not decided,
        withdraw=open_to_withdraw and may_apply and (is_applicant or may_withdraw(application, user, day)),
        copy=user.may(APPLY, application.organisation_id)
        and application.kind in {kind.code for kind in kinds.kinds_for(application.organisation)},
    )


def _searched(rows: Any, query: str) -> Any:
    """The rows that hold every word of the query; an application number is looked up, not searched for."""
    terms = search_terms(query)
    numbers = _numbers(terms[0].translate(_DASHES)) if len(terms) == 1 else []
    return rows.filter(number__in=numbers) if numbers else holding(rows, terms)


def _numbers(term: str) -> list[str]:
    """The application numbers that this may mean; none when it is another word, or digits that anything may hold."""
    found = _NUMBER.fullmatch(term)
    if found is None:
        return []
    prefix, year, digits = (found[1] or "").upper(), found[2], int(found[3])
    known = {kind.number_prefix for kind in kinds.all_kinds()}
    if not year and prefix not in known:
        return []  # the end of a login name, or digits alone, which are found anywhere
    prefixes = [prefix] if prefix else sorted(known)
    years = [year] if year else range(_FIRST_YEAR, timezone.localdate().year + 1)
    return [f"{letters}-{one}-{digits:06d}" for letters in prefixes for one in years]


def _payload(kind: ApplicationKind[Any], line: ApplicationLine) -> Any:
    try:
        return kind.load(line.payload, line.payload_version)
    except (TypeError, ValueError, KeyError):
        return None


def _day(value: str) -> str:
    day = parse_date(value[:20])
    return day.isoformat() if day is not None else ""


def _midnight(day: str) -> datetime:
    """The beginning of that day in Japan."""
    return datetime.combine(date.fromisoformat(day), time(), JST)


def _code(value: str) -> str:
    return value if len(value) <= 20 and value.isascii() and value.isalnum() else ""
