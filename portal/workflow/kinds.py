"""The registry of application kinds. A feature app registers a kind; screens, API, search and history come from here.

docs/ADDING_A_KIND.md shows a whole kind step by step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from portal.orgs.permissions import APPLY, EVERY_KIND, Permission
from portal.workflow.plans import Plan
from portal.workflow.subjects import Subject

if TYPE_CHECKING:
    from django import forms

    from portal.orgs.models import Organisation, User
    from portal.workflow.models import Application

P = TypeVar("P")

OWN, OPERATIONS, CENTRAL = "OWN", "OPERATIONS", "CENTRAL"


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """One stage of a kind's general route (ACC-03): who decides, where, in how many business days."""

    label: str  # msgid
    role: str
    decided_in: str = OWN
    business_days: int = 3


@dataclass(frozen=True, kw_only=True)
class LineContext:
    """What a kind may know about the application when it checks or plans one line."""

    organisation: Organisation
    actor: User | None  # None when the portal itself looks again
    application: Application | None  # None before the first save
    today: date
    # What the lines of one application share: put there by the kind's `prepare`, read by its check and plan.
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ApplicationKind(Generic[P]):
    """All that the engine needs to know about a kind.

    `payload_class` is a frozen dataclass whose fields are JSON values; it is built from checked form data and must round-trip.
    `check` gives errors per field ({"login_name": ["…"]}, "" for the whole line) that need the database or a target; it is run
    when a draft is saved with `submit`, at submission, and its result decides. `plan` never raises for an unreachable target:
    it sets Plan.unavailable. `read_ahead` is called once with the raw values of all lines before their forms, `prepare` once
    with all payloads before their checks and plans: what they read for all lines together goes into `context.shared`, so that
    a thousand lines cost the statements of one. `reservation_key` names what two open applications must not both hold ("" for
    nothing). `max_lines` fit on the screen, `max_bulk_lines` into an application that came as a file (ACC-13).
    """

    code: str  # "accounts.register"
    label: Any  # gettext_lazy
    description: Any
    number_prefix: str  # "A"
    icon: str
    payload_class: type[P]
    form_class: type[forms.Form]
    default_route: tuple[StageSpec, ...]
    subject_key: Callable[[P], str]
    subject: Callable[[P], str]
    plan: Callable[[LineContext, P], Plan]
    check: Callable[[LineContext, P], Mapping[str, Sequence[str]]]
    reservation_key: Callable[[P], str]
    search_terms: Callable[[P], Iterable[str]]
    line_template: str  # shows one line's payload: context `line`, `payload`
    targets: tuple[str, ...] = ("directory",)
    max_lines: int = 50
    max_bulk_lines: int = 2000
    payload_version: int = 1
    upgrade: Callable[[dict[str, Any], int], dict[str, Any]] = field(default=lambda data, version: data)
    read_ahead: Callable[[LineContext, Sequence[Mapping[str, Any]]], None] = field(
        default=lambda context, lines: None
    )
    prepare: Callable[[LineContext, Sequence[P]], None] = field(default=lambda context, payloads: None)
    # The people, by primary key, whom lines give rights or take them from: they do not decide, whoever applied (ORG-04).
    concerned: Callable[[Sequence[P]], Collection[int]] | None = None
    organisation_kinds: frozenset[str] = EVERY_KIND
    # Whose applications these are: the applicant role, unless the people whom it is about apply themselves (T 2-15 no. 3).
    applied_by: Permission = APPLY
    # Not offered where people choose a kind: a page of its own files it, with what only that page can know.
    is_offered: bool = True
    # The rows of table 2-1 under which the catalogue shows it; (): under none of them.
    services: tuple[int, ...] = ()
    # Fields that a row of a file may leave empty, and what is proposed for each row that does (ACC-13). Asks targets.
    proposed_fields: frozenset[str] = frozenset()
    propose: Callable[[LineContext, Sequence[Mapping[str, Any]]], Sequence[Mapping[str, str]]] = field(
        default=lambda context, lines: [{} for _line in lines]
    )
    # What a line is about, named alike by every kind, so that open tickets on one thing know of each other.
    subjects: Callable[[P], Iterable[Subject]] = field(default=lambda payload: ())
    reservation_field: str = ""  # where "already taken" is shown: "login_name"; "" for the whole line

    def is_bulk(self, line_count: int) -> bool:
        """Whether so many lines are shown as a table and a summary instead of one form or card each (ACC-13)."""
        return line_count > self.max_lines

    def load(self, data: dict[str, Any], version: int) -> P:
        """The payload object of stored JSON, brought up to the current version.

        Raises TypeError when the JSON does not fit the payload class.
        """
        if version != self.payload_version:
            data = self.upgrade(dict(data), version)
        return self.payload_class(**data)

    def dump(self, payload: P) -> dict[str, Any]:
        """The payload as JSON values."""
        return dataclasses.asdict(payload)  # type: ignore[call-overload,no-any-return]


_kinds: dict[str, ApplicationKind[Any]] = {}


def register(kind: ApplicationKind[Any]) -> ApplicationKind[Any]:
    """Make a kind known; called once from the feature app's AppConfig.ready.

    Raises ValueError when the code is taken, or when nobody would have to approve (ORG-04).
    """
    if kind.code in _kinds:
        raise ValueError(f"{kind.code} is registered twice")
    if not kind.default_route:
        raise ValueError(f"{kind.code} has no approval stage")
    _kinds[kind.code] = kind
    return kind


def get(code: str) -> ApplicationKind[Any]:
    """The kind of that code; raises KeyError."""
    return _kinds[code]


def all_kinds() -> list[ApplicationKind[Any]]:
    """Every kind in the order of registration."""
    return list(_kinds.values())


def kinds_for(organisation: Organisation) -> list[ApplicationKind[Any]]:
    """The kinds that this organisation is offered (ACC-15, ORG-06)."""
    return [
        kind for kind in _kinds.values() if kind.is_offered and organisation.kind in kind.organisation_kinds
    ]


def applied_by(code: str) -> Permission:
    """What it takes to apply for a kind; what it usually takes for one that is not known any more."""
    return _kinds[code].applied_by if code in _kinds else APPLY
