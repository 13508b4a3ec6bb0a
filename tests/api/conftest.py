"""A kind of its own, so that the interface is proven without the feature apps, and clients that speak JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django import forms

from portal.orgs.permissions import EVERY_KIND, OrganisationKind, Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind, LineContext, StageSpec
from portal.workflow.plans import ADD, Change, Plan


@dataclass(frozen=True, kw_only=True)
class Locker:
    """A locker somebody gets."""

    name: str
    places: int
    colour: str = ""
    serial: str = ""


class LockerForm(forms.Form):
    name = forms.CharField(label="Name", max_length=20, help_text="As on the door")
    places = forms.IntegerField(label="Places", min_value=1, max_value=9)
    colour = forms.ChoiceField(label="Colour", required=False, choices=[("", "-"), ("red", "Red")])

    def __init__(self, data: object = None, *, context: LineContext | None = None, **kwargs: object) -> None:
        super().__init__(data, **kwargs)  # type: ignore[arg-type]

    def to_payload(self) -> Locker:
        return Locker(**self.cleaned_data, serial="S")


def _plan(context: LineContext, payload: Locker) -> Plan:
    return Plan(changes=(Change(action=ADD, label="Name", attribute="name", after=(payload.name,)),))


LOCKER = ApplicationKind(
    code="test.locker",
    label="Locker",
    description="A locker",
    number_prefix="TL",
    icon="box",
    payload_class=Locker,
    form_class=LockerForm,
    default_route=(StageSpec(label="approval", role=Role.APPROVER),),
    subject_key=lambda p: p.name.casefold(),
    subject=lambda p: p.name,
    plan=_plan,
    check=lambda context, payload: {"name": ["Taken."]} if payload.name == "taken" else {},
    reservation_key=lambda p: f"locker:{p.name.casefold()}",
    search_terms=lambda p: [p.name],
    line_template="workflow/line.html",
    organisation_kinds=EVERY_KIND - {OrganisationKind.MAINTENANCE},
    reservation_field="name",
)


@pytest.fixture
def locker() -> Iterator[ApplicationKind[Locker]]:
    """The test kind, known for one test."""
    kinds.register(LOCKER)
    yield LOCKER
    kinds._kinds.pop(LOCKER.code)
