"""Reading the register for checks and forms, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from devices.computers.models import Computer, Segment
from devices.fields import once
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem, chosen
from portal.orgs.models import Organisation
from portal.workflow import linked
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine

REGISTER = "devices.computer_register"
NAMES, RESERVED = "devices.computers", "devices.reserved"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Everything that a machine can be, also what is not valid any more."""

    kinds: Sequence[ComputerKind]
    systems: Sequence[OperatingSystem]
    business: Sequence[BusinessSystem]
    segments: Sequence[Segment]


def choices(organisation: Organisation, day: date) -> Choices:
    """What this organisation's machines can be; read once for all lines of a page."""
    return once(organisation, f"choices {day}", lambda: _read_choices(organisation, day))


def _read_choices(organisation: Organisation, day: date) -> Choices:
    segments = Segment.system.filter(organisation=organisation, valid_from__lte=day)
    segments = segments.exclude(network__contains=":")  # a machine stands in one of IPv4
    return Choices(
        kinds=list(ComputerKind.objects.all()),
        systems=list(OperatingSystem.objects.all()),
        business=list(BusinessSystem.objects.all()),
        segments=list(
            segments.filter(Q(valid_until=None) | Q(valid_until__gte=day)).order_by("network", "-pk")
        ),
    )


def in_use(names: Collection[str]) -> dict[str, Computer]:
    """The machines of the whole country that are in use under these names."""
    rows = Computer.system.filter(name__in=names, state=Computer.State.IN_USE)
    rows = rows.select_related("organisation", "kind", "operating_system", "business_system", "segment")
    return {computer.name: computer for computer in rows}


def reserved(context: LineContext, keys: Collection[str]) -> set[str]:
    """Which of these names another open application holds."""
    rows = ApplicationLine.system.filter(is_open=True, reservation_key__in=keys)
    if context.application is not None:
        rows = rows.exclude(application=context.application)
    return {key for key in rows.values_list("reservation_key", flat=True) if key}


def read_together(context: LineContext, names: Collection[str]) -> None:
    """Read the machines of these names once for all lines."""
    found = in_use(names) if names else {}
    known: dict[str, Any] = context.shared.setdefault(NAMES, {})
    known.update({name: found.get(name) for name in names})


def find(context: LineContext, name: str) -> Computer | None:
    """The machine in use under that name anywhere; whose it is must not be told (ORG-02)."""
    known = context.shared.get(NAMES, {})
    if name not in known:
        read_together(context, [name])
    computer: Computer | None = context.shared[NAMES][name]
    return computer


def own(context: LineContext, name: str) -> Computer | None:
    """The organisation's machine of that name; another one's is as unknown as none (ORG-02)."""
    computer = find(context, name)
    same = computer is not None and computer.organisation_id == context.organisation.pk
    return computer if same else None


def coming(context: LineContext, name: str) -> Computer | None:
    """The machine that an application linked to this one enters under that name; it is in no table yet (REQ-13)."""
    payload = next((p for p in linked.payloads(context, REGISTER) if p.name == name), None)
    if payload is None:
        return None
    known = choices(context.organisation, context.today)
    kind, business = chosen(known.kinds, payload.kind), chosen(known.business, payload.business_system)
    if kind is None or business is None:
        return None
    return Computer(
        organisation=context.organisation,
        name=name,
        kind=kind,
        business_system=business,
        operating_system=chosen(known.systems, payload.operating_system),
        has_own_skysea=payload.has_own_skysea,
        segment=next((s for s in known.segments if s.network == payload.segment), None),
        agents=list(payload.agents),
    )


def reserve_together(context: LineContext, keys: Collection[str]) -> None:
    """Read once which of these names other open applications hold."""
    context.shared[RESERVED] = (set(keys), reserved(context, keys) if keys else set())


def is_reserved(context: LineContext, key: str) -> bool:
    """Whether another open application holds this name."""
    asked, held = context.shared.get(RESERVED, (set(), set()))
    return key in held if key in asked else bool(reserved(context, [key]))
