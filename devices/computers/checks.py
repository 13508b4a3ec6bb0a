"""What must be true of a machine before its application can go on, and what the application will change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from devices.computers import lookups
from devices.computers.fitness import unfit_reason
from devices.computers.forms import unknown_computer, values_of
from devices.computers.models import Agent, Computer
from devices.computers.payloads import ChangeComputer, RegisterComputer, RetireComputer
from devices.reference import DatedEntry, chosen
from portal.common.computer_names import computer_name
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from portal.workflow.subjects import Subject

Errors = Mapping[str, Sequence[str]]

LABELS: Mapping[str, str] = {
    "name": gettext_noop("Computer name"),
    "kind": gettext_noop("Kind of machine"),
    "operating_system": gettext_noop("Operating system"),
    "business_system": gettext_noop("Business system"),
    "has_own_skysea": gettext_noop("The system has a SKYSEA of its own"),
    "segment": gettext_noop("Segment"),
    "agents": gettext_noop("Agents"),
    "department": gettext_noop("Department"),
    "place": gettext_noop("Place"),
}

REPLACED_BY = gettext_noop("Replaced by")

# Other rooms of this app say here why machines must stay as they are: primary keys to sentences, for many at once.
# The context is that of an application, which may be linked to others; None where the database alone counts.
Obstacles = Callable[[Collection[int], LineContext | None], Mapping[int, str]]
in_the_way: list[Obstacles] = []
# The same for taking machines away: what must be ended before.
in_the_way_of_retiring: list[Obstacles] = []
# And why a machine must not become what an application makes of it: as it is, as it would be, the day; to sentences.
in_the_way_of_becoming: list[Callable[[Computer, Computer, date], Sequence[str]]] = []
_IN_THE_WAY, _STAYING = "devices.in_the_way", "devices.in_the_way_of_retiring"


def _read_obstacles(context: LineContext, names: Iterable[str]) -> None:
    found = [computer.pk for name in names if (computer := lookups.own(context, name)) is not None]
    for room, rooms in ((_IN_THE_WAY, in_the_way), (_STAYING, in_the_way_of_retiring)):
        known: dict[int, str] = context.shared.setdefault(room, {})
        known.update(dict.fromkeys(found, ""))
        for ask in rooms if found else ():
            known.update(ask(found, context))


def obstacle(context: LineContext, computer: Computer) -> str:
    """Why this machine must stay as it is; "" when nothing is in the way."""
    return _obstacle(context, computer, _IN_THE_WAY)


def obstacle_to_retiring(context: LineContext, computer: Computer) -> str:
    """What must be ended before this machine is taken away; "" when nothing is in the way."""
    return _obstacle(context, computer, _IN_THE_WAY) or _obstacle(context, computer, _STAYING)


def _obstacle(context: LineContext, computer: Computer, room: str) -> str:
    if computer.pk not in context.shared.get(room, {}):
        _read_obstacles(context, [computer.name])
    known: dict[int, str] = context.shared[room]
    return known.get(computer.pk, "")


def obstacles_to_becoming(before: Computer, after: Computer, day: date) -> Sequence[str]:
    """Why a machine must not become this, asked again under the lock (DEV-11, MAC-05); nothing when it may."""
    unfit = unfit_reason(
        kind=after.kind,
        system=after.operating_system,
        business=after.business_system,
        has_own_skysea=after.has_own_skysea,
        day=day,
    )
    if unfit and (problem := _asked(in_the_way, before.pk)):
        return [unfit, problem]
    return _forbidden(before, after, day)


def obstacle_to_retiring_now(computer: Computer) -> str:
    """What must be ended before this machine is taken away, asked again under the lock."""
    return _asked([*in_the_way, *in_the_way_of_retiring], computer.pk)


def _asked(rooms: Iterable[Obstacles], pk: int) -> str:
    return next((text for ask in rooms if (text := ask([pk], None).get(pk, ""))), "")


def _forbidden(before: Computer, after: Computer, day: date) -> Sequence[str]:
    return next((texts for ask in in_the_way_of_becoming if (texts := ask(before, after, day))), ())


def reservation_of(name: str) -> str:
    """What two open applications must not both hold: one computer name over the country."""
    return f"computer:{name}"


def subjects_of(*names: str) -> list[Subject]:
    """The machines: one name over the country."""
    return [Subject(space="computer", key=name, label=name, shared=True) for name in dict.fromkeys(names)]


def prepare_register(context: LineContext, payloads: Sequence[RegisterComputer]) -> None:
    """Read names and reservations of all lines together."""
    names = {payload.name for payload in payloads}
    lookups.read_together(context, names)
    lookups.reserve_together(context, {reservation_of(name) for name in names})


def prepare_change(context: LineContext, payloads: Sequence[ChangeComputer]) -> None:
    """Read the names now and afterwards of all lines together."""
    names = {payload.name for payload in payloads} | {payload.name_afterwards for payload in payloads}
    lookups.read_together(context, names)
    lookups.reserve_together(context, {reservation_of(payload.name_afterwards) for payload in payloads})
    _read_obstacles(context, {payload.name for payload in payloads})


def prepare_retire(context: LineContext, payloads: Sequence[RetireComputer]) -> None:
    """Read the machines of all lines together."""
    names = {payload.name for payload in payloads}
    lookups.read_together(context, names | {p.replaced_by for p in payloads if p.replaced_by})
    _read_obstacles(context, names)


def read_ahead(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
    """What the forms of lines about existing machines ask, asked once."""
    written = {computer_name(str(line.get("name") or "")) for line in lines}
    lookups.read_together(context, {name for name in written if name})


def name_problem(context: LineContext, name: str) -> str:
    """Why this name cannot be given to a machine; says nothing about whose it is (ORG-02)."""
    if lookups.find(context, name) is not None:
        return _("This computer name is already in use in the common network. Choose another one.")
    if lookups.is_reserved(context, reservation_of(name)):
        return _("Another application that is not finished yet already applies for this name.")
    return ""


def check_register(context: LineContext, payload: RegisterComputer) -> Errors:
    """The name is free over the country."""
    problem = name_problem(context, payload.name)
    return {"name": [problem]} if problem else {}


def check_change(context: LineContext, payload: ChangeComputer) -> Errors:
    """The machine is there, its new name is free, and something changes."""
    computer = lookups.own(context, payload.name)
    if computer is None:
        return {"name": [unknown_computer()]}
    if payload.new_name and payload.new_name != payload.name:
        if problem := name_problem(context, payload.new_name):
            return {"new_name": [problem]}
    elif not list(changes_of(context, computer, payload)):
        return {"name": [_("Nothing would change. Change a value, or remove this line.")]}
    # DEV-11, MAC-05: no way round by changing the machine afterwards
    problems = _in_the_way_of_change(context, computer, payload)
    return {"name": problems} if problems else {}


def _in_the_way_of_change(context: LineContext, computer: Computer, payload: ChangeComputer) -> Sequence[str]:
    if (reason := _unfit_afterwards(context, payload)) and (problem := obstacle(context, computer)):
        return [reason, problem]
    known, after = lookups.choices(context.organisation, context.today), copy(computer)
    after.kind = chosen(known.kinds, payload.kind)
    after.operating_system = chosen(known.systems, payload.operating_system)
    after.business_system = chosen(known.business, payload.business_system)
    after.segment = next((s for s in known.segments if s.network == payload.segment), None)
    after.agents = list(payload.agents)
    return _forbidden(computer, after, context.today)


def _unfit_afterwards(context: LineContext, payload: ChangeComputer) -> str:
    known = lookups.choices(context.organisation, context.today)
    return unfit_reason(
        kind=chosen(known.kinds, payload.kind),
        system=chosen(known.systems, payload.operating_system),
        business=chosen(known.business, payload.business_system),
        has_own_skysea=payload.has_own_skysea,
        day=context.today,
    )


def check_retire(context: LineContext, payload: RetireComputer) -> Errors:
    """The machine is there, and nothing refers to it any more."""
    computer = lookups.own(context, payload.name)
    problem = obstacle_to_retiring(context, computer) if computer else unknown_computer()
    errors = {"name": [problem]} if problem else {}
    if payload.replaced_by and not _stands_there(context, payload):
        errors["replaced_by"] = [unknown_computer()]
    return errors


def _stands_there(context: LineContext, payload: RetireComputer) -> bool:
    """Whether another machine of the organisation can have taken the place, or a linked application brings it."""
    if payload.replaced_by == payload.name:
        return False
    name = payload.replaced_by
    return (lookups.own(context, name) or lookups.coming(context, name)) is not None


def plan_register(context: LineContext, payload: RegisterComputer) -> Plan:
    """The entry that will be made."""
    values = shown(context, described(payload))
    changes = tuple(
        Change(action=plans.ADD, label=LABELS[name], after=after) for name, after in values.items() if after
    )
    return Plan(changes=changes, checks=(_name_check(name_problem(context, payload.name) == ""),))


def plan_change(context: LineContext, payload: ChangeComputer) -> Plan:
    """The values that change, before and after."""
    computer = lookups.own(context, payload.name)
    if computer is None:
        return Plan(checks=(_missing(),))
    renamed = payload.new_name and payload.new_name != payload.name
    free = not renamed or name_problem(context, payload.new_name) == ""
    checks = (_name_check(free),) if renamed else ()
    problems = _in_the_way_of_change(context, computer, payload)
    blocked = (_needed(" ".join(problems)),) if problems else ()
    return Plan(changes=tuple(changes_of(context, computer, payload)), checks=checks + blocked)


def plan_retire(context: LineContext, payload: RetireComputer) -> Plan:
    """The machine leaves the register of machines in use."""
    computer = lookups.own(context, payload.name)
    if computer is None:
        return Plan(checks=(_missing(),))
    changes = [Change(action=plans.REMOVE, label=LABELS["name"], before=(computer.name,))]
    if payload.replaced_by:
        changes.append(Change(action=plans.SET, label=REPLACED_BY, after=(payload.replaced_by,)))
    blocked = obstacle_to_retiring(context, computer)
    return Plan(changes=tuple(changes), checks=(_needed(blocked),) if blocked else ())


def changes_of(context: LineContext, computer: Computer, payload: ChangeComputer) -> Iterator[Change]:
    """What differs between the register and the application."""
    before = shown(context, values_of(computer))
    after = shown(context, described(payload) | {"name": payload.name_afterwards})
    for name, label in LABELS.items():
        if before[name] != after[name]:
            yield Change(action=plans.CHANGE, label=label, before=before[name], after=after[name])


def described(payload: RegisterComputer) -> dict[str, Any]:
    """The values of a payload by the names of LABELS."""
    return {name: getattr(payload, name) for name in LABELS}


def shown(context: LineContext, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Values as people read them, in Japanese whoever asks: plans of different readers must be the same."""
    known = lookups.choices(context.organisation, context.today)
    named = {"kind": known.kinds, "operating_system": known.systems, "business_system": known.business}
    with translation.override("ja"):
        return {name: tuple(_words(name, value, named)) for name, value in values.items()}


def _words(name: str, value: Any, named: Mapping[str, Sequence[DatedEntry]]) -> Iterator[str]:
    if not value:
        return
    if name in named:
        entry = chosen(named[name], value)
        yield entry.name if entry else value
    elif name == "agents":
        yield from (str(dict(Agent.choices).get(agent, agent)) for agent in value)
    else:
        yield _("yes") if value is True else value


def _name_check(free: bool) -> Check:
    return Check(
        code="computer_name_free",
        level=plans.PASSED if free else plans.BLOCKED,
        text=gettext_noop("The computer name is free in the whole common network.")
        if free
        else gettext_noop("The computer name is already taken."),
        values={},
    )


def _needed(reason: str) -> Check:
    text = gettext_noop("The machine is still needed: %(reason)s")
    return Check(code="in_the_way", level=plans.BLOCKED, text=text, values={"reason": reason})


def _missing() -> Check:
    text = gettext_noop("The machine is not in use in this organisation any more.")
    return Check(code="computer_missing", level=plans.BLOCKED, text=text, values={})
