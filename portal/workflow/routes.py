"""The approval route: which stages an application gets, and that somebody can decide each of them (ACC-03, ORG-04)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils.translation import gettext as _

from portal.common.time import add_business_days, today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind, Role
from portal.workflow import people
from portal.workflow.errors import NobodyCanDecide
from portal.workflow.kinds import CENTRAL, OPERATIONS, ApplicationKind, StageSpec
from portal.workflow.models import Application, ApprovalStage, RouteStage, StageStatus


@dataclass(frozen=True, kw_only=True)
class _Seat:
    """One stage of a route with the organisation and the people found for it."""

    label: str
    role: str
    organisation: Organisation
    business_days: int
    people: frozenset[int]
    is_fallback: bool = False


def route_of(kind: ApplicationKind, organisation: Organisation) -> Sequence[StageSpec]:
    """The route of a kind for an organisation: its own rows, else the general rows, else what the kind brings."""
    rows = list(RouteStage.objects.filter(kind=kind.code).order_by("position"))
    own = [row for row in rows if row.organisation_id == organisation.pk]
    general = [row for row in rows if row.organisation_id is None]
    return [
        StageSpec(label=row.label, role=row.role, decided_in=row.decided_in, business_days=row.business_days)
        for row in own or general
    ] or kind.default_route


def make_stages(kind: ApplicationKind, application: Application, now: datetime) -> list[ApprovalStage]:
    """Copy the route into the application's present revision; the stages are stored, none is open yet.

    A stage that nobody could decide goes to network operations. Raises NobodyCanDecide when they could not either.
    """
    concerned = _concerned(kind, application)
    out = frozenset({application.applicant_id, *concerned})
    seats = _filled(_seats(kind, application, out, today(now)), out, today(now))
    return ApprovalStage.system.bulk_create(
        [
            ApprovalStage(
                application=application,
                revision=application.revision,
                position=position,
                label=seat.label,
                role=seat.role,
                organisation=seat.organisation,
                applicant_id=application.applicant_id,
                concerned=concerned,
                is_fallback=seat.is_fallback,
                business_days=seat.business_days,
            )
            for position, seat in enumerate(seats, start=1)
        ]
    )


def open_stage(stage: ApprovalStage, *, taken: Collection[int], now: datetime) -> dict[int, User]:
    """Make it this stage's turn; gives the people who can decide it.

    When they have all left since the submission the stage goes to network operations.
    """
    found = people.deciders(stage, today(now), taken)
    if not found:
        found = hand_to_operations(stage, taken=taken, now=now)
    stage.status = StageStatus.OPEN
    stage.opened_at = now
    stage.due_on = add_business_days(today(now), stage.business_days)
    stage.save()
    return found


def hand_to_operations(stage: ApprovalStage, *, taken: Collection[int], now: datetime) -> dict[int, User]:
    """Point a stage that nobody can decide to network operations, in memory; gives the people who can now.

    Nothing changes and the result is empty when nobody there can decide it either.
    """
    operations = people.organisation_of(OrganisationKind.OPERATIONS)
    before = stage.role, stage.organisation, stage.is_fallback
    stage.role, stage.organisation, stage.is_fallback = Role.OPERATOR, operations, True
    found = people.deciders(stage, today(now), taken)
    if not found:
        stage.role, stage.organisation, stage.is_fallback = before
    return found


def _concerned(kind: ApplicationKind, application: Application) -> list[int]:
    """Who must not decide because the lines are about them."""
    if kind.concerned is None:
        return []
    payloads = [kind.load(line.payload, line.payload_version) for line in application.lines.all()]
    return sorted(kind.concerned(payloads))


def _seats(kind: ApplicationKind, application: Application, out: frozenset[int], day: date) -> list[_Seat]:
    return [
        _seat(spec, _deciding_organisation(spec, application.organisation), out, day)
        for spec in route_of(kind, application.organisation)
    ]


def _seat(spec: StageSpec, organisation: Organisation, out: frozenset[int], day: date) -> _Seat:
    return _Seat(
        label=spec.label,
        role=spec.role,
        organisation=organisation,
        business_days=spec.business_days,
        people=frozenset(people.holders(spec.role, organisation.pk, day)) - out,
    )


def _deciding_organisation(spec: StageSpec, own: Organisation) -> Organisation:
    if spec.decided_in == OPERATIONS:
        return people.organisation_of(OrganisationKind.OPERATIONS)
    if spec.decided_in == CENTRAL:
        return people.organisation_of(OrganisationKind.CENTRAL)
    return own


def _filled(seats: list[_Seat], out: frozenset[int], day: date) -> list[_Seat]:
    """The seats such that each stage can be decided by a different person (ORG-04), with fallbacks where needed.

    Only holders of the role count: a deputy decides as two persons at once, so deputies never make more stages possible.
    """
    filled: list[_Seat] = []
    for seat in seats:
        if _different_people([*filled, seat]):
            filled.append(seat)
            continue
        operators = frozenset(people.operators(day)) - out
        operations = people.organisation_of(OrganisationKind.OPERATIONS)
        fallback = replace(
            seat, role=Role.OPERATOR, organisation=operations, people=operators, is_fallback=True
        )
        if not _different_people([*filled, fallback]):
            raise NobodyCanDecide(_(seat.label))
        filled.append(fallback)
    return filled


def _different_people(seats: Sequence[_Seat]) -> bool:
    """Whether each seat can get a person of its own (a matching, by augmenting paths)."""
    seat_of: dict[int, int] = {}

    def give(seat: int, tried: set[int]) -> bool:
        for person in seats[seat].people - tried:
            tried.add(person)
            if person not in seat_of or give(seat_of[person], tried):
                seat_of[person] = seat
                return True
        return False

    return all(give(seat, set()) for seat in range(len(seats)))
