"""Several applications of different kinds, submitted as one: all of them or none (REQ-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.workflow import kinds, linked, submission
from portal.workflow.content import CheckedLine, Content, Errors, check_lines, read_lines
from portal.workflow.drafts import create_draft
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.linked import LinkedLine
from portal.workflow.models import Application


@dataclass(frozen=True, kw_only=True)
class Order:
    """One application that shall be opened: its kind and the raw values of its lines, as its form takes them."""

    kind: str
    lines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks said about one order: every line with its plan, None where a form failed, and the errors by path."""

    lines: Sequence[CheckedLine | None]
    errors: Errors


class Refused(Exception):
    """One of the applications was refused when it was submitted; `order` says which. Nothing was created."""

    def __init__(self, order: int, errors: Errors) -> None:
        super().__init__(f"order {order}: {errors}")
        self.order, self.errors = order, errors


def check_all(
    orders: Sequence[Order], *, organisation: Organisation, actor: User, day: date
) -> list[Checked]:
    """Every line of every order, as a submission checks it, knowing of the others. Asks targets: no lock may be held."""

    def context() -> LineContext:
        return LineContext(organisation=organisation, actor=actor, application=None, today=day)

    beside = []
    for order in orders:
        kind = kinds.get(order.kind)
        found = read_lines(kind, context(), order.lines)
        beside += [LinkedLine(kind=order.kind, payload=payload) for payload in found if payload is not None]
    checked = []
    for order in orders:
        own = context()
        linked.announce(own, beside)
        lines, errors = check_lines(kinds.get(order.kind), own, order.lines)
        checked.append(Checked(lines=lines, errors=errors))
    return checked


@transaction.atomic
def open_all(
    orders: Sequence[Order],
    checked: Sequence[Checked],
    *,
    organisation_id: int,
    actor: User,
    reason: str,
    desired_on: date | None,
    now: datetime,
) -> list[Application]:
    """One submitted application for each order; every line must have passed `check_all` moments ago.

    Each goes its own route from here. Raises Refused when a name was taken meanwhile, NotAllowed, NobodyCanDecide.
    """
    ready = [[line for line in each.lines if line is not None] for each in checked]
    # All names in one order, so that two of these never wait for each other.
    submission.wait_for_names({line.reservation_key for lines in ready for line in lines})
    opened = []
    for number, (order, lines) in enumerate(zip(orders, ready, strict=True)):
        content = Content(reason=reason, desired_on=desired_on, lines=tuple(line.data for line in lines))
        try:
            draft = create_draft(
                kind=order.kind, organisation_id=organisation_id, actor=actor, content=content, now=now
            )
            opened.append(submission.submit_checked(draft, lines, actor=actor, now=now))
        except InvalidApplication as error:
            raise Refused(number, error.errors) from error
    return opened


def check_date(desired_on: date | None, now: datetime) -> bool:
    """Whether the applications may be carried out on that date: today, later, or as soon as they are approved."""
    return desired_on is None or desired_on >= today(now)
