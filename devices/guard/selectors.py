"""Reading how the guards stand, for the screens of network operations and for REST."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from devices.guard import factory, mass, modes, publishing, versions
from devices.guard.models import (
    ExportMapping,
    GuardState,
    ListedPair,
    Mode,
    ModeDecision,
    PendingRemoval,
    Publication,
    WhitelistVersion,
)
from devices.selectors import readable
from portal.common.time import today
from portal.gateways.guard import Form, GuardError, Step
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class GuardRow:
    """One guard as the screen shows it: what it obeys, not what it should."""

    name: str
    label: Any
    state: GuardState
    can_prove: bool
    is_behind: bool


@dataclass(frozen=True, kw_only=True)
class Held:
    """A list that waits for a person because it lost most of its entries."""

    name: str
    label: Any
    since: datetime | None
    loss: mass.Loss
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class ModeRow:
    """The mode of one federation, and what was decided for later."""

    organisation: Organisation
    mode: str
    label: str
    since: date | None
    next: ModeDecision | None


def guards() -> list[GuardRow]:
    """The guards of the settings."""
    newest = versions.newest()
    known = {state.name: state for state in GuardState.objects.select_related("swapped", "verified")}
    rows = []
    for guard in factory.guards():
        state = known.get(guard.name) or GuardState(name=guard.name)
        reached = state.verified_id if guard.can_prove else state.swapped_id
        behind = newest is not None and reached != newest.number
        rows.append(
            GuardRow(
                name=guard.name,
                label=factory.LABELS[guard.name],
                state=state,
                can_prove=guard.can_prove,
                is_behind=behind,
            )
        )
    return rows


def any_failed() -> bool:
    """Whether a guard does not obey what it was given."""
    names = [*(guard.name for guard in factory.guards()), mass.PULL]
    return GuardState.objects.filter(name__in=names, outcome=GuardState.Outcome.FAILED).exists()


def held_lists() -> list[Held]:
    """What waits for a person, guard by guard."""
    names = [*(guard.name for guard in factory.guards()), mass.PULL]
    rows = GuardState.objects.filter(name__in=names, step=Step.HOLD)
    return [found for state in rows if (found := held(state))]


def held(state: GuardState) -> Held | None:
    """What the newest list would lose at this guard; None when nothing of that size."""
    newest = versions.newest()
    form = next((guard.form for guard in factory.guards() if guard.name == state.name), Form.JSON)
    try:
        _codes, organisations = publishing.chosen_organisations(form)
    except GuardError:
        return None  # the settings are wrong: nobody can let that go
    counts = mass.counts_of(newest.number, organisations) if newest else {}
    lost = mass.loss(state.baseline, counts)
    if lost is None:
        return None
    label = factory.LABELS.get(state.name, state.name)
    return Held(name=state.name, label=label, since=state.failed_since, loss=lost, counts=counts)


def newest_versions() -> list[WhitelistVersion]:
    """The newest versions of the list."""
    return list(WhitelistVersion.objects.all()[:_SHOWN])


def publications() -> list[Publication]:
    """What happened at the guards, newest first."""
    rows = list(Publication.objects.all()[:_SHOWN])
    for row in rows:
        row.label = factory.LABELS.get(row.guard, row.guard)  # type: ignore[attr-defined]
    return rows


def mode_rows(now: datetime) -> list[ModeRow]:
    """Every federation with its mode of today and the next decision that is not in force yet."""
    day = today(now)
    now_in_force = modes.codes_on(day)
    decided: dict[int, ModeDecision] = {}
    coming: dict[int, ModeDecision] = {}
    for row in ModeDecision.system.order_by("-valid_from", "-id"):
        if row.valid_from <= day:
            decided.setdefault(row.organisation_id, row)
        elif (held := coming.get(row.organisation_id)) is None or row.valid_from < held.valid_from:
            coming[row.organisation_id] = row  # of two for one day the newer one, which counts
    return [
        ModeRow(
            organisation=organisation,
            mode=now_in_force[organisation.code],
            label=str(Mode(now_in_force[organisation.code]).label),
            since=decided[organisation.pk].valid_from if organisation.pk in decided else None,
            next=coming.get(organisation.pk),
        )
        for organisation in Organisation.objects.filter(kind__in=FEDERATIONS).order_by("sort_order")
    ]


def decisions() -> list[ModeDecision]:
    """The newest decisions about the mode, with their reasons."""
    rows = ModeDecision.system.select_related("organisation", "decided_by").order_by("-id")
    return list(rows[:_SHOWN])


def mappings() -> list[ExportMapping]:
    """Who changed the mapping when, newest first."""
    return list(ExportMapping.objects.select_related("made_by")[:_SHOWN])


def listed(user: User, now: datetime) -> QuerySet[ListedPair]:
    """What is on the list now, of the organisations whose machines this person reads; nothing that ended meanwhile."""
    rows: QuerySet[ListedPair] = readable(user, ListedPair.objects.visible_to(user))
    rows = rows.filter(unlisted_in=None).exclude(valid_until__lt=today(now))
    return rows.exclude(entry__in=PendingRemoval.objects.values("entry"))
