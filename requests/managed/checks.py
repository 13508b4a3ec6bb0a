"""What must be true of a machine before its application can go on, and what the application will change (REQ-07, REQ-08)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from requests.managed import lookups
from requests.managed.forms import NOT_MONITORED
from requests.managed.lookups import Known
from requests.managed.models import Category, Item, ManagedMachine, Service
from requests.managed.payloads import Action, AntivirusLine, ManagedLine, MonitoringLine

Errors = Mapping[str, Sequence[str]]

NAME = gettext_noop("Name of the machine")
LABELS: Mapping[str, Mapping[str, str]] = {
    Service.ANTIVIRUS: {
        "category": gettext_noop("Kind of machine"),
        "operating_system": gettext_noop("Operating system"),
        "place": gettext_noop("Place"),
    },
    Service.MONITORING: {
        "category": gettext_noop("Kind of machine"),
        "address": gettext_noop("IP address"),
        "items": gettext_noop("What is monitored"),
        "settings": gettext_noop("Settings"),
        "place": gettext_noop("Place"),
    },
}


def check_antivirus(context: LineContext, line: AntivirusLine) -> Errors:
    """The machine is not managed yet, or is; it is no other organisation's."""
    known = lookups.known(context, Service.ANTIVIRUS)
    return _checked(known, line)


def check_monitoring(context: LineContext, line: MonitoringLine) -> Errors:
    """The same, and monitoring covers the machine and its address (T 2-21)."""
    known = lookups.known(context, Service.MONITORING)
    if errors := _checked(known, line):
        return errors
    if line.action == Action.REMOVE:
        return {}
    machine = known.own_machine(line.name)
    if machine is not None and machine.is_own_system:
        return {"name": [str(NOT_MONITORED)]}
    holder = known.holder(line.address) if line.address else None
    if holder is not None and holder.organisation_id != context.organisation.pk:
        return {"address": [_("The address does not lie in a segment of your organisation.")]}
    if holder is not None and holder.is_own_system:
        return {"address": [str(NOT_MONITORED)]}
    return {}


def _checked(known: Known, line: ManagedLine) -> Errors:
    problem = standing_problem(known.managed(line.name), line)
    if not problem and known.is_open_elsewhere(line.name):
        problem = _("Another application that is not finished yet already names this machine.")
    if not problem and line.action == Action.ADD and _is_foreign(known, line):
        problem = _("This computer name belongs to no machine of your organisation. Check the name.")
    if not problem and line.action == Action.CHANGE and not list(changes_of(known, line)):
        problem = _("Nothing would change. Change a value, or remove this line.")
    return {"name": [problem]} if problem else {}


def _is_foreign(known: Known, line: ManagedLine) -> bool:
    """Names of the one domain are known over the country; those of transmission clients and network devices are not."""
    if line.category in (Category.TRANSMISSION, Category.NETWORK):
        return False
    found = known.machine(line.name)
    return found is not None and found.organisation_id != known.context.organisation.pk


def standing_problem(managed: ManagedMachine | None, line: ManagedLine) -> str:
    """Whether the machine stands where the action needs it; asked again when the work is recorded. "" when it does."""
    if line.action == Action.ADD and managed is not None:
        return _("This machine is in the register already. Look there before you go on.")
    if line.action != Action.ADD and managed is None:
        return _("The register has no such machine of your organisation. Check the name.")
    return ""


def plan_antivirus(context: LineContext, line: AntivirusLine) -> Plan:
    """The entry of the register before and after, and what whoever decides should know."""
    known = lookups.known(context, Service.ANTIVIRUS)
    return _plan(known, line, check_antivirus(context, line))


def plan_monitoring(context: LineContext, line: MonitoringLine) -> Plan:
    """The entry of the register before and after, and what whoever decides should know."""
    known = lookups.known(context, Service.MONITORING)
    return _plan(known, line, check_monitoring(context, line))


def _plan(known: Known, line: ManagedLine, errors: Errors) -> Plan:
    problems = [text for texts in errors.values() for text in texts]
    checks = [_check("refused", plans.BLOCKED, gettext_noop("%(reason)s"), reason=text) for text in problems]
    if not checks:
        checks = list(_hints(known, line))
    return Plan(changes=() if problems else tuple(changes_of(known, line)), checks=tuple(checks))


def changes_of(known: Known, line: ManagedLine) -> Iterator[Change]:
    """What differs between the register and the application."""
    managed = known.managed(line.name)
    before = shown(known.service, _values(managed)) if managed else {}
    after = {} if line.action == Action.REMOVE else shown(known.service, vars(line))
    if managed is None or line.action == Action.REMOVE:
        names = (() if managed is None else (managed.name,), () if not after else (line.name,))
        action = plans.ADD if managed is None else plans.REMOVE
        yield Change(action=action, label=NAME, before=names[0], after=names[1])
    for name, label in LABELS[known.service].items():
        old, new = before.get(name, ()), after.get(name, ())
        if old != new:
            action = plans.ADD if not before else plans.REMOVE if not after else plans.CHANGE
            yield Change(action=action, label=label, before=old, after=new)


def _values(managed: ManagedMachine) -> dict[str, Any]:
    return {name: getattr(managed, name) for name in LABELS[managed.service]}


def shown(service: str, values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Values as people read them, in Japanese whoever asks: plans of different readers must be the same."""
    with translation.override("ja"):
        return {name: tuple(_words(name, values.get(name))) for name in LABELS[service]}


def _words(name: str, value: Any) -> Iterator[str]:
    if not value:
        return
    if name == "category":
        yield str(Category(value).label)
    elif name == "items":
        yield from (str(Item(item).label) for item in Item.values if item in value)
    else:
        yield str(value)


def _hints(known: Known, line: ManagedLine) -> Iterator[Check]:
    yield _check("free", plans.PASSED, gettext_noop("The register and the other open applications allow it."))
    if line.action != Action.ADD or line.category in (Category.TRANSMISSION, Category.NETWORK):
        return
    if known.own_machine(line.name) is not None:
        yield _check("registered", plans.PASSED, gettext_noop("The machine is in the register of machines."))
    else:
        text = gettext_noop(
            "The machine is not in the register of machines. Its kind is as the applicant says."
        )
        yield _check("not_registered", plans.WARNING, text)


def _check(code: str, level: str, text: str, **values: str) -> Check:
    return Check(code=code, level=level, text=text, values=values)
