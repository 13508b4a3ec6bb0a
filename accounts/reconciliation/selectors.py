"""Reading findings and runs for their screens: federations see their own findings, network operations everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from accounts import asking
from accounts.reconciliation.answers import changes_since
from accounts.reconciliation.choices import needs_second_person, possible_answers
from accounts.reconciliation.expected import approved_of, expected_of
from accounts.reconciliation.models import LIVE, Answer, Finding, FindingKind, FindingState, ReconciliationRun
from accounts.reconciliation.restoring import shown
from accounts.reconciliation.snapshot import FIELDS, Snapshot, compare, snapshot_of
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs.models import User
from portal.orgs.permissions import READ_ACCOUNTS, RUN_OPERATIONS

LIVE_FILTER, EVERY = "LIVE", "ALL"


@dataclass(frozen=True)
class Filters:
    """What the URL of the list says; unknown values count as none. Without a state, what is still open is shown."""

    kind: str = ""
    organisation: str = ""
    state: str = LIVE_FILTER
    q: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filters:
        """From the parameters of the URL."""
        state = query.get("state", "")
        kind = query.get("kind", "")
        return cls(
            kind=kind if kind in FindingKind.values else "",
            organisation=query.get("organisation", "").replace("\x00", "").strip()[:20],
            state=state if state in {*FindingState.values, EVERY} else LIVE_FILTER,
            q=query.get("q", "").replace("\x00", "").strip()[:100],
        )

    def to_query(self) -> str:
        """The filter part of a URL, without what holds anyway."""
        values = {name: value for name, value in vars(self).items() if value}
        if self.state == LIVE_FILTER:
            del values["state"]
        return urlencode(values)


@dataclass(frozen=True, kw_only=True)
class KindCount:
    """How many open findings there are of one kind."""

    kind: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One value on the page of a finding, in its three states."""

    label: str
    attribute: str
    approved: str
    written: str
    now: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The three states of a finding's object as they are at this moment."""

    rows: list[Row]
    unavailable: bool
    exists: bool
    changed_since: list[str]
    """Labels of what AD holds otherwise than the finding saw: it cannot be answered before the next run."""


def findings(user: User, filters: Filters) -> QuerySet[Finding]:
    """The findings that this person may see, with what a list shows."""
    rows = _visible(user).select_related("organisation", "answered_by")
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.q:
        rows = rows.filter(login_name__icontains=filters.q) | rows.filter(name__icontains=filters.q)
    return _narrowed(rows, filters)


def kind_counts(user: User, filters: Filters) -> list[KindCount]:
    """Every kind with its number under the other filters, in one statement."""
    rows = _narrowed(_visible(user), filters).order_by()
    counts = dict(rows.values_list("kind").annotate(count=Count("pk")))
    return [
        KindCount(
            kind=kind.value, label=str(kind.label), count=counts.get(kind, 0), is_current=filters.kind == kind
        )
        for kind in FindingKind
    ]


def finding(user: User, pk: int) -> Finding:
    """One finding with what its page shows; raises Finding.DoesNotExist also for another federation's (ORG-02)."""
    rows = _visible(user).select_related(
        "organisation",
        "account__organisation",
        "account__written",
        "account__last_line__application",
        "answered_by",
        "confirmed_by",
        "operation",
        "first_run",
        "last_run",
    )
    found: Finding = rows.get(pk=pk)
    return found


def comparison(finding: Finding) -> Comparison:
    """Ask AD now and set the three states side by side. Never raises for an unreachable directory (ACC-12)."""
    entry: DirectoryEntry | None = None
    unavailable = False
    try:
        entry = asking.ask(lambda directory: directory.find_by_guid(finding.object_guid))
    except DirectoryError:
        unavailable = True
    now = snapshot_of(entry) if entry is not None else {}
    changed = [] if unavailable else changes_since(finding, entry)
    return Comparison(
        rows=_rows(finding, now, known=not unavailable),
        unavailable=unavailable,
        exists=entry is not None,
        changed_since=[_(FIELDS[difference.field][0]) for difference in changed],
    )


def _rows(finding: Finding, now: Snapshot, *, known: bool) -> list[Row]:
    account = finding.account
    approved = approved_of(account) if account is not None else {}
    written = expected_of(account) if account is not None else {}
    found = now if known else (finding.found or {})
    # What is gone has no values that could differ: the page says so in words.
    differing = {difference.field for difference in compare(written, found)} if written and found else set()
    return [
        Row(
            label=_(label),
            attribute=attribute,
            approved=shown(field, approved.get(field)),
            written=shown(field, written.get(field)),
            now=shown(field, found.get(field)),
            differs=field in differing,
        )
        for field, (label, attribute) in FIELDS.items()
        if any(values.get(field) not in (None, "", []) for values in (approved, written, found))
    ]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What this person can do with a finding now."""

    answers: list[Answer]
    may_confirm: bool = False
    may_take_back: bool = False


def steps(user: User, finding: Finding) -> Steps:
    """Only people of network operations answer; whoever proposed does not confirm (ORG-04)."""
    if not user.may(RUN_OPERATIONS):
        return Steps(answers=[])
    proposed = finding.state == FindingState.PROPOSED
    return Steps(
        answers=possible_answers(finding) if finding.state == FindingState.OPEN else [],
        may_confirm=proposed and finding.answered_by_id != user.pk,
        may_take_back=proposed,
    )


def asks_for_two(finding: Finding, answers: list[Answer]) -> list[str]:
    """The answers among these that wait for a second person."""
    return [answer.value for answer in answers if needs_second_person(finding, answer)]


def runs() -> QuerySet[ReconciliationRun]:
    """Every run, newest first. The caller has checked that the person reads operations."""
    return ReconciliationRun.objects.select_related("organisation", "asked_by")


def _visible(user: User) -> QuerySet[Any]:
    rows: QuerySet[Any] = Finding.objects.visible_to(user)
    readable = user.organisations_where(READ_ACCOUNTS)
    if not readable:
        return rows.none()
    return rows if user.reads_everywhere(READ_ACCOUNTS) else rows.filter(organisation__in=readable)


def _narrowed(rows: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    if filters.organisation:
        rows = rows.filter(organisation__code=filters.organisation)
    if filters.state == LIVE_FILTER:
        return rows.filter(state__in=LIVE)
    return rows if filters.state == EVERY else rows.filter(state=filters.state)
