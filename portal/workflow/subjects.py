"""What a ticket is about, so that two open tickets on one name, account or PC know of each other (ACC-06, ORG-02).

A kind names the subjects of a line (ApplicationKind.subjects); different kinds name the same thing alike. What other open
tickets hold is told with the plan's automatic checks: on the confirmation, in a file's preview, to the deciders, over REST.
Where a subject refuses, it is judged again at submission while nobody else can take it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.workflow.plans import BLOCKED, WARNING, Check, Plan

if TYPE_CHECKING:
    from portal.workflow.kinds import ApplicationKind, LineContext
    from portal.workflow.models import Application

_LOCKS = 512  # submissions share so many advisory locks, however many subjects a file names
_LOCK_SPACE = 0x5B1EC7
_NAMED = 5  # numbers in one sentence


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One thing that a line is about.

    `space` and `key` name it alike in every kind: ("dns", "web13.kokuho.pr"). `label` is what people call it. `refuses`: a
    second open ticket is not taken; else it is told. `shared`: other organisations may have it too and learn that there is a
    ticket, never whose; else only tickets of the own organisation are told.
    """

    space: str
    key: str
    label: str
    refuses: bool = False
    shared: bool = False

    @property
    def stored(self) -> str:
        """As ApplicationLine.subjects holds it."""
        return f"{self.space}:{self.key.casefold()}"[:240]


@dataclass(frozen=True, kw_only=True)
class Other:
    """An open ticket on the same subject."""

    application_id: int
    number: str
    organisation_id: int


Others = Mapping[str, Sequence[Other]]


def names_of(kind: ApplicationKind[Any], payload: Any) -> list[str]:
    """What the line of a payload stores."""
    return sorted({subject.stored for subject in kind.subjects(payload) if subject.key})


def refusing(kind: ApplicationKind[Any], payload: Any) -> list[str]:
    """Those of them that a second ticket must not have: only they are worth waiting for."""
    return sorted({subject.stored for subject in kind.subjects(payload) if subject.refuses and subject.key})


def others_on(names: Iterable[str], application: Application | None) -> Others:
    """The open tickets on these subjects beside this application, in one statement; none for kinds that name no subject."""
    from portal.workflow.models import ApplicationLine

    wanted = set(names)
    if not wanted:
        return {}
    rows = ApplicationLine.system.filter(is_open=True, subjects__overlap=sorted(wanted))
    if application is not None and application.pk is not None:
        rows = rows.exclude(application_id=application.pk)
    found: dict[str, list[Other]] = defaultdict(list)
    values = rows.order_by("application_id", "position").values_list(
        "subjects", "application_id", "application__number", "organisation_id"
    )
    for subjects, application_id, number, organisation_id in values:
        other = Other(application_id=application_id, number=number, organisation_id=organisation_id)
        for name in wanted.intersection(subjects):
            if other not in found[name]:
                found[name].append(other)
    return found


def with_checks(
    kind: ApplicationKind[Any],
    context: LineContext,
    payloads: Sequence[Any],
    plans: Sequence[Plan],
    *,
    at_entry: bool,
) -> list[Plan]:
    """The plans with what other open tickets say of their subjects. Only at entry a subject refuses: later it was there first.

    What one form opened together does not warn of itself.
    """
    from portal.workflow import linked

    subjects = [list(kind.subjects(payload)) if payload is not None else [] for payload in payloads]
    others = others_on((s.stored for found in subjects for s in found if s.key), context.application)
    if not others:
        return list(plans)
    beside = linked.opened_with(context.application)
    others = {name: [o for o in found if o.application_id not in beside] for name, found in others.items()}
    own = context.organisation.pk
    return [
        replace(plan, checks=(*plan.checks, *_checks(found, others, own, at_entry)))
        for plan, found in zip(plans, subjects, strict=True)
    ]


def refusals(kind: ApplicationKind[Any], application: Application, payloads: Sequence[Any]) -> dict[int, str]:
    """By position of the line why it is refused now. Call `wait_for` first: what is free then stays free until the commit."""
    subjects = [[s for s in kind.subjects(payload) if s.refuses and s.key] for payload in payloads]
    others = others_on((s.stored for found in subjects for s in found), application)
    own = application.organisation_id
    found = {
        position: [_(check.text) % check.values for check in _checks(named, others, own, True)]
        for position, named in enumerate(subjects)
    }
    return {position: texts[0] for position, texts in found.items() if texts}


def wait_for(names: Iterable[str]) -> None:
    """Hold these subjects against other submissions until the end of the transaction, in one order everywhere."""
    wanted = sorted(set(names))
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, slot) FROM (SELECT DISTINCT abs(hashtext(name) %% %s) AS slot "
                "FROM unnest(%s::text[]) AS name ORDER BY 1) AS slots",
                [_LOCK_SPACE, _LOCKS, wanted],
            )


def _checks(subjects: Iterable[Subject], others: Others, own: int, at_entry: bool) -> list[Check]:
    checks = []
    for subject in subjects:
        found = others.get(subject.stored, ())
        level = BLOCKED if subject.refuses and at_entry else WARNING
        if numbers := [other.number for other in found if other.organisation_id == own]:
            text = gettext_noop("Another application about %(name)s is not finished yet: %(numbers)s.")
            values = {"name": subject.label, "numbers": ", ".join(numbers[:_NAMED])}
            checks.append(Check(code="open_ticket", level=level, text=text, values=values))
        elif found and (subject.shared or subject.refuses):
            text = gettext_noop("An application of another organisation about %(name)s is not finished yet.")
            checks.append(
                Check(code="open_ticket_elsewhere", level=level, text=text, values={"name": subject.label})
            )
    return checks
