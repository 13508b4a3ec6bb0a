"""Reading operations for the screens of network operations (READ_OPERATIONS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.fulfilment import registry
from portal.fulfilment.models import SETTLED, Operation, OperationFile, OperationStatus, TargetState
from portal.orgs.models import User

_S = OperationStatus

# The tabs of the list: what they hold, in the order of the screen. The first is where people start.
TABS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "open": (_("All open"), tuple(status for status in _S.values if status not in SETTLED)),
    "attention": (_("A person must decide"), (_S.ATTENTION,)),
    "manual": (_("Taken by hand"), (_S.MANUAL,)),
    "unknown": (_("Outcome unknown"), (_S.OUTCOME_UNKNOWN,)),
    "waiting": (_("Waiting or running"), (_S.WAITING, _S.RUNNING)),
    "scheduled": (_("On a later date"), (_S.WAITING,)),
    "done": (_("Done or closed"), SETTLED),
}


@dataclass(frozen=True)
class Filters:
    """What the URL of the list says; unknown values count as none."""

    tab: str = "open"
    q: str = ""
    application: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filters:
        """From the parameters of the URL."""
        tab = query.get("tab", "")
        texts = {name: query.get(name, "").strip()[:50] for name in ("q", "application")}
        return cls(tab=tab if tab in TABS else ("" if texts["application"] else "open"), **texts)

    def to_query(self) -> str:
        """The filter part of a URL, without the empty ones."""
        return urlencode({name: value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class Tab:
    """One tab with its number of operations (None where counting is not worth it)."""

    key: str
    label: Any
    count: int | None
    is_current: bool


@dataclass(frozen=True)
class Target:
    """A target as the screen shows it: its breaker and how much waits for it."""

    name: str
    state: TargetState
    waiting: int

    @property
    def label(self) -> str:
        """What people call it."""
        return registry.target_label(self.name)


def operations(user: User, filters: Filters) -> QuerySet[Operation]:
    """The operations of a tab, newest first; the row of an application's own link shows all of them."""
    rows: QuerySet[Operation] = Operation.objects.visible_to(user).select_related("organisation", "taken_by")
    if filters.tab:
        rows = rows.filter(status__in=TABS[filters.tab][1])
    if filters.tab == "scheduled":
        rows = rows.filter(_scheduled())
    elif filters.tab == "waiting":
        rows = rows.exclude(_scheduled())
    if filters.application:
        rows = rows.filter(application_number=filters.application)
    if filters.q:
        word = filters.q
        rows = rows.filter(
            Q(application_number__iexact=word)
            | Q(subject__icontains=word)
            | Q(organisation__code=word)
            | Q(organisation__short_name__icontains=word)
        )
    return rows


def _scheduled() -> Q:
    """What waits for its effective date (発効日): nobody is late with it, so it does not count among what waits."""
    return Q(status=_S.WAITING, attempts=0, error_code="", not_before__gt=timezone.now())


def operation(user: User, pk: int) -> Operation:
    """One operation with what its page shows; raises Operation.DoesNotExist."""
    found: Operation = (
        Operation.objects.visible_to(user)
        .select_related("organisation", "taken_by", "line__application")
        .prefetch_related("events__actor")
        .get(pk=pk)
    )
    return found


def tabs(user: User, current: str) -> list[Tab]:
    """Every tab with its count, in one statement. What is done is not counted: it only grows."""
    rows = Operation.objects.visible_to(user).exclude(status__in=SETTLED)
    found = (
        rows.order_by()
        .values("status")
        .annotate(count=Count("pk"), scheduled=Count("pk", filter=_scheduled()))
    )
    counts = {row["status"]: row["count"] for row in found}
    later = sum(row["scheduled"] for row in found)

    def number(key: str, statuses: tuple[str, ...]) -> int | None:
        if key in ("done", "scheduled"):
            return None if key == "done" else later
        return sum(counts.get(s, 0) for s in statuses) - (later if key == "waiting" else 0)

    return [Tab(key, label, number(key, statuses), key == current) for key, (label, statuses) in TABS.items()]


def targets(user: User) -> list[Target]:
    """Every target that something is carried out at, with its state."""
    states = {state.target: state for state in TargetState.objects.select_related("paused_by")}
    rows = Operation.objects.visible_to(user).filter(status__in=(_S.WAITING, _S.OUTCOME_UNKNOWN, _S.RUNNING))
    waiting = dict(rows.exclude(_scheduled()).order_by().values_list("target").annotate(count=Count("pk")))
    names = sorted(
        name for name in {*states, *registry.targets()} if registry.is_in_use(name) or name in waiting
    )
    return [
        Target(name, states.get(name) or TargetState(target=name), waiting.get(name, 0)) for name in names
    ]


def work_sheet(operation: Operation) -> list[tuple[str, str]]:
    """What a person needs to carry it out by hand: label and value, no secret (ACC-12). Empty without a handler."""
    try:
        handler = registry.handler_for(operation.kind, operation.target, operation.step)
    except KeyError:
        return []
    return handler.work_sheet(operation)


def files_of(user: User, application_number: str) -> QuerySet[OperationFile]:
    """The files that show what was done by hand for an application, without their contents (REQ-12)."""
    rows: QuerySet[OperationFile] = OperationFile.objects.visible_to(user).filter(
        operation__application_number=application_number
    )
    return rows.defer("data")
