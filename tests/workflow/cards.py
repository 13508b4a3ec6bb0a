"""A small kind of application, so that the engine is tested without accounts: an entrance card with a unique name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.common.forms import PortalForm
from portal.orgs.models import User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import kinds, selectors, services
from portal.workflow.content import Content
from portal.workflow.kinds import OPERATIONS, ApplicationKind, LineContext, StageSpec
from portal.workflow.models import Application
from portal.workflow.plans import ADD, BLOCKED, PASSED, SET, Change, Check, Plan
from tests.journeys import Crew

CODE = "tests.card"


@dataclass(frozen=True, kw_only=True)
class Card:
    """The payload: whose card, and on which shelf it lies."""

    name: str
    colour: str = ""


@dataclass
class World:
    """The target as the kind sees it; a test changes it between two looks."""

    shelf: str = "A"
    down: bool = False
    blocked: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    asked: int = 0


world = World()


class CardForm(PortalForm):
    """The form of one line."""

    name = forms.CharField(label="name", max_length=20)
    colour = forms.CharField(label="colour", required=False)

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def to_payload(self) -> Card:
        return Card(**self.cleaned_data)


def plan(context: LineContext, payload: Card) -> Plan:
    """What would be changed now."""
    world.asked += 1
    if world.down:
        return Plan(unavailable="no answer")
    level = BLOCKED if payload.name in world.blocked else PASSED
    return Plan(
        changes=(
            Change(action=ADD, label="name", attribute="name", after=(payload.name,)),
            Change(action=SET, label="shelf", attribute="shelf", after=(world.shelf,)),
        ),
        checks=(Check(code="free", level=level, text="%(name)s is free", values={"name": payload.name}),),
    )


def check(context: LineContext, payload: Card) -> dict[str, list[str]]:
    """What the form cannot know."""
    return {"name": [f"{payload.name} exists"]} if payload.name in world.taken else {}


KIND: ApplicationKind[Card] = ApplicationKind(
    code=CODE,
    label="card",
    description="An entrance card.",
    number_prefix="K",
    icon="card",
    payload_class=Card,
    form_class=CardForm,
    default_route=(
        StageSpec(label="Approval", role=Role.APPROVER, business_days=3),
        StageSpec(label="Acceptance", role=Role.OPERATOR, decided_in=OPERATIONS, business_days=5),
    ),
    subject_key=lambda payload: payload.name.lower(),
    subject=lambda payload: payload.name,
    plan=plan,
    check=check,
    reservation_key=lambda payload: f"card:{payload.name.lower()}" if payload.name else "",
    reservation_field="name",
    search_terms=lambda payload: (payload.name, payload.colour),
    line_template="tests/card.html",
    targets=("paper",),
    max_lines=5,
    max_bulk_lines=5,
    organisation_kinds=FEDERATIONS | {OrganisationKind.OPERATIONS},
)


class Office(Crew):
    """One federation with its people, and operations."""


def content(*names: str, reason: str = "着任のため", **values: Any) -> Content:
    """A content with one line per name."""
    return Content(reason=reason, lines=tuple({"name": name, "colour": ""} for name in names), **values)


def draft(applicant: User, *names: str, now: datetime | None = None, **values: Any) -> Application:
    """A draft for cards."""
    return services.create_draft(
        kind=CODE,
        organisation_id=applicant.organisation_id,
        actor=applicant,
        content=content(*names or ("tanaka",), **values),
        now=now or timezone.now(),
    )


def submit(application: Application, actor: User | None = None, now: datetime | None = None) -> Application:
    """Hand the stored content in."""
    return services.submit(
        application_id=application.pk,
        actor=actor or application.applicant,
        version=None,
        now=now or timezone.now(),
    )


def submitted(applicant: User, *names: str, now: datetime | None = None, **values: Any) -> Application:
    """An application that waits for its first decision."""
    return submit(draft(applicant, *names, now=now, **values), now=now)


def seen(application: Application, by: User, now: datetime | None = None) -> dict[str, Any]:
    """What `by` has before their eyes, as the arguments of a decision."""
    person = User.objects.get(pk=by.pk)  # a new request reads the memberships again
    shown = Application.system.get(pk=application.pk)
    view = selectors.decision_view(person, shown, now or timezone.now())
    stage = view.stage or shown.stages.last()
    return {
        "application_id": shown.pk,
        "stage_id": stage.pk if stage else 0,
        "actor": person,
        "content_hash": shown.content_hash,
        "plan_digest": view.plan_digest,
        "now": now or timezone.now(),
    }


def approve(
    application: Application, by: User, comment: str = "", now: datetime | None = None
) -> Application:
    """Approve the open stage."""
    return services.approve(**seen(application, by, now), comment=comment)


def approved(applicant: User, *people: User, names: tuple[str, ...] = ()) -> Application:
    """An application approved by these people, one after the other."""
    return approved_by(submitted(applicant, *names), *people)


def approved_by(application: Application, *people: User) -> Application:
    """The same application after these approvals."""
    for person in people:
        application = approve(application, person)
    return application


def use_kind(monkeypatch: Any) -> World:
    """Make the kind known for one test, with a fresh target."""
    monkeypatch.setitem(kinds._kinds, CODE, KIND)
    for name, value in vars(World()).items():
        setattr(world, name, value)
    return world
