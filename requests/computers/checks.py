"""What must be true before a computer object is made, removed or given back (REQ-02, ORG-02)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from portal.workflow.kinds import LineContext
from requests.computers import lookups
from requests.computers.lookups import Known
from requests.computers.models import ComputerObject
from requests.computers.payloads import AddComputer, RemoveComputer, RestoreComputer

Errors = Mapping[str, Sequence[str]]
_State = ComputerObject.State


def check_add(context: LineContext, line: AddComputer) -> Errors:
    """The name is free over the country. Form, file, REST and plan all ask here, so they cannot disagree."""
    return _errors(_add_problem(lookups.known(context), line.name))


def check_remove(context: LineContext, line: RemoveComputer) -> Errors:
    """The object is there, is the organisation's, and is not removed already."""
    return _errors(_remove_problem(lookups.known(context), line.name))


def check_restore(context: LineContext, line: RestoreComputer) -> Errors:
    """The object waits for its removal, which has not begun."""
    return _errors(_restore_problem(lookups.known(context), line.name))


def _errors(problem: str) -> Errors:
    return {"name": [problem]} if problem else {}


def _add_problem(known: Known, name: str) -> str:
    row = known.own_row(name)
    if row is not None and row.state == _State.DELETED:
        return _("Your deleted computer object has this name until it is removed. Apply for its restoration.")
    if known.own_object(name) is not None:
        return _("Your organisation has a computer object of this name already.")
    if known.is_taken(name):
        return name_taken()
    if known.is_applied_for(name):
        return _("Another application that is not finished yet already applies for this name.")
    machine = known.own_machine(name)
    if machine is not None and not machine.joins_domain:
        text = _("The register has this machine as %(kind)s, which needs no computer object.")
        return text % {"kind": machine.kind}
    return ""


def _remove_problem(known: Known, name: str) -> str:
    found, row = known.own_object(name), known.own_row(name)
    if row is not None and row.state == _State.DELETED:
        return _("This computer object is deleted already.")
    if known.error is not None:
        return "" if row is not None else unknown_unless_answered()
    if found is None:
        return unknown()
    if found.protected:
        return _("This computer object is protected. Only network operations may touch it.")
    return ""


def _restore_problem(known: Known, name: str) -> str:
    row = known.own_row(name)
    if row is None or row.state != _State.DELETED:
        return _("Your organisation has no deleted computer object of this name that could be restored.")
    if row.removal_began_at is not None:
        return removal_runs()
    if known.error is None and known.own_object(name) is None:
        return _("Active Directory does not have this computer object any more. Apply for a new one.")
    return ""


def name_taken() -> str:
    """Says nothing about whose it is (ORG-02)."""
    return _("This computer name is already in use in the common network. Choose another one.")


def unknown() -> str:
    """Says nothing about other organisations (ORG-02)."""
    return _("There is no such computer object in your organisation.")


def unknown_unless_answered() -> str:
    """AD is down and the register does not know the object."""
    return _(
        "The register does not know this computer object, and Active Directory cannot be asked at present. Try again later."
    )


def removal_runs() -> str:
    """It is too late for a restoration."""
    return _("The final removal has begun. Apply for a new computer object.")
