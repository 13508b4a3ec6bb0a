"""Mass removal: a list that lost all or most of its entries waits for a person before it goes anywhere (MAC-07).

Measured against what lies at the guard now, in all and for each organisation. The pull over REST is measured like a guard.
Until somebody lets the list go, what was in force before stays so, removed addresses included: cutting off a whole
federation by mistake is the greater harm, and operations are told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from devices.guard import versions
from devices.guard.models import GuardState
from portal.gateways.guard import GuardError, Step

PULL = "pull"  # the name under which what is pulled is kept among the guards

Counts = Mapping[str, int]  # organisation code -> entries on the list


@dataclass(frozen=True, kw_only=True)
class Loss:
    """How much a list would lose, and which organisations lose most of theirs."""

    before: int
    after: int
    parts: tuple[tuple[str, int, int], ...]  # code, before, after

    @property
    def seen(self) -> str:
        """What a person saw who lets it go; another loss is another decision."""
        return f"{self.before}-{self.after}-{'.'.join(code for code, _before, _after in self.parts)}"


def counts_of(version: int, organisations: Iterable[int] | None = None) -> dict[str, int]:
    """The entries of each organisation on the list of a version."""
    rows = versions.pairs_of(version, organisations).order_by().values_list("organisation__code")
    return dict(rows.annotate(Count("pk")))


def loss(baseline: Counts, counts: Counts) -> Loss | None:
    """What is lost; None while it is no mass removal."""
    before, after = sum(baseline.values()), sum(counts.values())
    parts = tuple(
        (code, number, counts.get(code, 0))
        for code, number in sorted(baseline.items())
        if _is_most(number, counts.get(code, 0))
    )
    if not parts and not _is_most(before, after):
        return None
    return Loss(before=before, after=after, parts=parts)


def refuse(baseline: Counts, counts: Counts) -> None:
    """Raises GuardError for a list that needs a person first."""
    found = loss(baseline, counts)
    if found is not None:
        raise GuardError(Step.HOLD, f"{found.before} -> {found.after}")


def is_pull_held(version: int) -> bool:
    """Whether this version may not be pulled yet. Two small statements, and none for what the publisher has let go."""
    state = GuardState.objects.filter(name=PULL).first()
    if state is None or state.swapped_id == version:
        return False
    return loss(state.baseline, counts_of(version)) is not None


def _is_most(before: int, after: int) -> bool:
    lost = before - after
    return lost >= settings.GUARD["mass_entries"] and lost * 100 >= before * settings.GUARD["mass_percent"]
