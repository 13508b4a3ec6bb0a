"""What an application about a computer object will change, and what the people who decide should see (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.common.time import plain_moment
from portal.gateways.directory_computers import ComputerObject as Found
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import BLOCKED, PASSED, WARNING, Change, Check, Plan
from requests.computers import lookups
from requests.computers.checks import Errors, check_add, check_remove, check_restore
from requests.computers.lookups import Known
from requests.computers.payloads import AddComputer, RemoveComputer, RestoreComputer
from requests.computers.places import COMPUTERS, DELETED, path_of

NAME, CONTAINER, DESCRIPTION, STATE, OBJECT = (
    "sAMAccountName",
    "distinguishedName",
    "description",
    "userAccountControl",
    "objectGUID",
)
_LATELY = timedelta(days=30)


def plan_add(context: LineContext, line: AddComputer) -> Plan:
    """The object that will be made."""
    known = lookups.known(context)
    if stopped := _stopped(known, line.name, check_add(context, line)):
        return stopped
    values = ((_label_name(), NAME, f"{line.name}$"), (_label_container(), CONTAINER, COMPUTERS))
    changes = [Change(action=plans.ADD, label=lb, attribute=a, after=(v,)) for lb, a, v in values]
    if line.description:
        label = gettext_noop("Description")
        changes.append(
            Change(action=plans.ADD, label=label, attribute=DESCRIPTION, after=(line.description,))
        )
    text = gettext_noop("The computer name is free in the whole common network.")
    return Plan(
        changes=tuple(changes), checks=(_check("name_free", PASSED, text), _register(known, line.name))
    )


def plan_remove(context: LineContext, line: RemoveComputer) -> Plan:
    """Disabled and moved away at once, removed for good later."""
    known = lookups.known(context)
    if stopped := _stopped(known, line.name, check_remove(context, line)):
        return stopped
    found = known.own_object(line.name)
    assert found is not None
    path = path_of(found.container_dn, context.organisation)
    return Plan(
        changes=(
            *_state(found.enabled, False),
            *_place(path, DELETED),
            # Which object: another one of the same name, made meanwhile, is not what was approved.
            Change(action=plans.REMOVE, label=_label_object(), attribute=OBJECT, before=(str(found.guid),)),
        ),
        checks=tuple(_removal_checks(known, found)),
    )


def plan_restore(context: LineContext, line: RestoreComputer) -> Plan:
    """Back where it was, and in use if it had been."""
    known = lookups.known(context)
    if stopped := _stopped(known, line.name, check_restore(context, line)):
        return stopped
    found, row = known.own_object(line.name), known.own_row(line.name)
    assert found is not None
    assert row is not None
    home = row.before_deletion
    return Plan(
        changes=(
            *_place(path_of(found.container_dn, context.organisation), home["container"]),
            *_state(found.enabled, bool(home["enabled"])),
        ),
        checks=(_check("restorable", PASSED, gettext_noop("The final removal has not begun.")),),
    )


def _stopped(known: Known, name: str, errors: Errors) -> Plan | None:
    """The plan when there is nothing to show: AD is down, or something forbids it."""
    if known.error is not None:
        return Plan(unavailable=known.error.code or "unavailable")
    problems = [text for texts in errors.values() for text in texts]
    if not problems:
        return None
    return Plan(
        checks=tuple(_check("refused", BLOCKED, gettext_noop("%(reason)s"), reason=text) for text in problems)
    )


def _register(known: Known, name: str) -> Check:
    """Whether the register of machines has the machine; a plan holds its name either way."""
    machine = known.own_machine(name)
    if machine is not None:
        text = gettext_noop("The register has the machine: %(kind)s")
        return _check("in_register", PASSED, text, kind=machine.kind)
    if known.is_coming(name):
        text = gettext_noop("The registration of the machine is applied for.")
        return _check("in_register", PASSED, text)
    text = gettext_noop(
        "The register does not have a machine of this name yet. Apply for its registration too."
    )
    return _check("in_register", WARNING, text)


def _removal_checks(known: Known, found: Found) -> Iterator[Check]:
    days = str(settings.COMPUTER_REMOVAL_DAYS)
    text = gettext_noop(
        "It stops working at once. One application gives it back for %(days)s days; then it is removed for good."
    )
    yield _check("restorable", PASSED, text, days=days)
    if found.last_logon is not None and timezone.now() - found.last_logon < _LATELY:
        text = gettext_noop("The machine logged on lately (%(moment)s). Make sure that nobody uses it.")
        yield _check("used_lately", WARNING, text, moment=plain_moment(found.last_logon))
    if reason := known.needed(found.name.upper()):
        text = gettext_noop("The final removal waits: %(reason)s")
        yield _check("still_needed", WARNING, text, reason=reason)
    if count := known.count_below(found):
        text = gettext_noop(
            "%(count)s objects lie below it, such as BitLocker recovery keys. They go with the final removal: keep the keys first."
        )
        yield _check("keys", WARNING, text, count=str(count))


def _check(code: str, level: str, text: str, **values: str) -> Check:
    return Check(code=code, level=level, text=text, values=values)


def state_words(enabled: bool) -> str:
    """In Japanese whoever asks: plans of different readers must be the same."""
    with translation.override("ja"):
        return _("in use") if enabled else _("disabled")


def _state(before: bool, after: bool) -> Iterator[Change]:
    words = ((state_words(before),), (state_words(after),))
    if before != after:
        yield _step(gettext_noop("State"), STATE, *words)


def _place(before: str, after: str) -> Iterator[Change]:
    if before.casefold() != after.casefold():
        yield _step(_label_container(), CONTAINER, (before,), (after,))


def _step(label: str, attribute: str, before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    return Change(action=plans.CHANGE, label=label, attribute=attribute, before=before, after=after)


def _label_name() -> str:
    return gettext_noop("Computer name")


def _label_container() -> str:
    return gettext_noop("Container")


def _label_object() -> str:
    return gettext_noop("Computer object")
