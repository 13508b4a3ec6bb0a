"""Changing the approval route of a kind (ACC-03): data, in force from the next submission on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.orgs.models import Organisation, User
from portal.orgs.permissions import DECIDE, MANAGE_ROUTES, ROLES_OF_KIND, OrganisationKind
from portal.trail import services as trail
from portal.workflow.errors import ContentChanged, NotAllowed
from portal.workflow.kinds import CENTRAL, OPERATIONS, ApplicationKind, StageSpec
from portal.workflow.models import RouteStage

MAX_STAGES = 6
LONGEST_DAYS = 60


class InvalidRoute(Exception):
    """The stages are no route. `problems` maps the position of a stage (0-based, None for all) to a sentence."""

    def __init__(self, problems: dict[int | None, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def set_route(
    *,
    actor: User,
    kind: ApplicationKind,
    organisation: Organisation | None,
    stages: Sequence[StageSpec],
    seen: Sequence[StageSpec],
    now: datetime,
) -> None:
    """Write the route of a kind, for one organisation or (None) for all that have none of their own.

    Without stages the rows are removed, and the general route, in the end the kind's own one, is in force again.
    `seen` are the rows the person saw. Raises NotAllowed, InvalidRoute, and ContentChanged when somebody else was faster.
    """
    if not actor.may(MANAGE_ROUTES):
        raise NotAllowed(_("Only network operations change approval routes."))
    _check(kind, organisation, stages)
    try:
        with transaction.atomic():
            rows = list(
                RouteStage.objects.filter(kind=kind.code, organisation=organisation)
                .order_by("position")
                .select_for_update()
            )
            before = specs(rows)
            if list(seen) != before:
                raise ContentChanged
            for (
                row
            ) in rows:  # these rows only: those that somebody else adds meanwhile make the constraint speak
                row.delete()
            for position, stage in enumerate(stages, start=1):  # one by one: auditlog keeps each
                RouteStage.objects.create(
                    kind=kind.code, organisation=organisation, position=position, **asdict(stage)
                )
            trail.record(
                action="route.change",
                now=now,
                actor=actor,
                object_type="workflow.routestage",
                object_id=kind.code,
                object_label=str(kind.label),
                object_organisation=organisation,
                detail={"before": [asdict(s) for s in before], "after": [asdict(s) for s in stages]},
            )
    except IntegrityError as exc:
        raise ContentChanged from exc


def own_rows(kind: ApplicationKind, organisation: Organisation | None) -> list[StageSpec]:
    """The rows of exactly this kind and organisation; none when the route comes from elsewhere."""
    return specs(RouteStage.objects.filter(kind=kind.code, organisation=organisation))


def specs(rows: Iterable[RouteStage]) -> list[StageSpec]:
    """Rows as values, in their order."""
    return [
        StageSpec(label=row.label, role=row.role, decided_in=row.decided_in, business_days=row.business_days)
        for row in sorted(rows, key=lambda row: row.position)
    ]


def possible_roles(
    kind: ApplicationKind, organisation: Organisation | None, decided_in: str
) -> frozenset[str]:
    """The roles that can decide in that place: deciding roles which every organisation concerned can give (ORG-03)."""
    if decided_in == OPERATIONS:
        concerned: frozenset[str] = frozenset({OrganisationKind.OPERATIONS})
    elif decided_in == CENTRAL:
        concerned = frozenset({OrganisationKind.CENTRAL})
    else:
        concerned = frozenset({organisation.kind}) if organisation else kind.organisation_kinds
    roles = DECIDE.roles
    for one in concerned:
        roles = roles & ROLES_OF_KIND[one]
    return frozenset(roles)


def _check(kind: ApplicationKind, organisation: Organisation | None, stages: Sequence[StageSpec]) -> None:
    problems: dict[int | None, str] = {}
    if len(stages) > MAX_STAGES:
        problems[None] = _("A route has at most %(count)s stages.") % {"count": MAX_STAGES}
    for index, stage in enumerate(stages):
        if stage.role not in possible_roles(kind, organisation, stage.decided_in):
            problems[index] = _("Nobody there can hold this role. Choose another role or place.")
        elif not 1 <= stage.business_days <= LONGEST_DAYS:
            problems[index] = _("Enter 1 to %(days)s business days.") % {"days": LONGEST_DAYS}
        elif not stage.label.strip():
            problems[index] = _("Enter a name for the stage.")
    if problems:
        raise InvalidRoute(problems)
