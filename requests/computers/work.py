"""What the handlers of computer objects share: reading the work, judging the directory's errors, finding the approved object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.fulfilment.models import Operation
from portal.fulfilment.registry import NeedsPerson, NotKnown, Outcome, Run, TryLater
from portal.gateways import directory_factory
from portal.gateways.directory import (
    AccessDenied,
    ChangedMeanwhile,
    ContainerMissing,
    Directory,
    DirectoryError,
    DirectoryUnavailable,
    InvalidValue,
    NameTaken,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_computers import ComputerObject as Found
from portal.orgs.models import Organisation
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine
from requests.computers.models import ComputerObject
from requests.computers.places import path_of
from requests.computers.planning import OBJECT

TARGET = "directory"


class Stop(Exception):
    """Carries an outcome out of a deep place and so ends an attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(frozen=True)
class Work:
    """One operation as a handler needs it."""

    run: Run
    payload: Any
    organisation: Organisation
    directory: Directory

    @property
    def operation(self) -> Operation:
        return self.run.operation

    @property
    def line(self) -> ApplicationLine:
        return self.run.operation.line

    @property
    def name(self) -> str:
        name: str = self.payload.name
        return name

    @property
    def progress(self) -> dict[str, Any]:
        """What earlier attempts made certain."""
        return self.run.operation.progress


def work_of(run: Run) -> Work:
    """A claimed operation as the handlers need it."""
    return Work(
        run=run,
        payload=payload_of(run.operation),
        organisation=run.operation.organisation,
        directory=directory_factory.get_directory(),
    )


def payload_of(operation: Operation) -> Any:
    """The payload of the operation's line."""
    return kinds.get(operation.kind).load(operation.line.payload, operation.line.payload_version)


def carry_out(act: Callable[[], Outcome]) -> Outcome:
    """Run an attempt; every error of the directory becomes an outcome. LeaseLost passes through."""
    try:
        return act()
    except Stop as stop:
        return stop.outcome
    except DirectoryUnavailable as error:
        text = _("Active Directory cannot be reached. The portal goes on by itself when it is back.")
        return TryLater(code=error.code or "unavailable", message=text, target_down=True)
    except OutcomeUnknown as error:
        text = _("No answer came from Active Directory. The portal looks whether the change is there.")
        return NotKnown(code=error.code or "no_answer", message=text)
    except ChangedMeanwhile as error:
        # Perhaps by our own write of an attempt whose answer was lost: the next one looks at all of it again.
        text = _("The computer object changed while it was written. The portal looks again.")
        return NotKnown(code=error.code or "changed", message=text)
    except DirectoryError as error:
        code, text = _for_a_person(error)
        return NeedsPerson(code=code, message=text)


def _for_a_person(error: DirectoryError) -> tuple[str, str]:
    detail = {"code": error.code, "detail": error.message}
    match error:
        case NameTaken():
            return "name_taken", name_taken()
        case ContainerMissing():
            text = _("The container %(dn)s does not exist. Make it, then retry.")
            return "container_missing", text % {"dn": error.dn}
        case AccessDenied():
            return "access_denied", _(
                "The portal's service account lacks the right for this computer object or its container. Grant it, then retry."
            )
        case InvalidValue():
            text = _("Active Directory refuses a value: %(detail)s (%(code)s).")
            return "invalid_value", text % detail
        case Privileged():
            text = _("The computer object is protected or lies elsewhere. The portal may not touch it.")
            return "privileged", text
        case NotFound():
            return "computer_missing", _(
                "The computer object went while the portal was at work. Retry to look again."
            )
        case _other:
            text = _("Active Directory refused the change: %(detail)s (%(code)s).")
            return "directory_error", text % detail


def name_taken() -> str:
    """For operations: nothing was changed, and what can be done."""
    return _(
        "Another object in Active Directory has this name. Nothing was changed. If it was made by hand for this application, take the operation by hand and record it as done; else close it and have another name applied for."
    )


def approved_guid(work: Work) -> UUID:
    """The object that was approved: as the plan froze it, else as the register knew it. Raises Stop when nobody saw it."""
    if "object_guid" in work.progress:
        return UUID(work.progress["object_guid"])
    changes = (work.line.plan or {}).get("changes", ())
    planned = next((change["before"] for change in changes if change["attribute"] == OBJECT), None)
    if planned:
        return UUID(planned[0])
    row = registered(work)
    if row is None:
        text = _(
            "Active Directory could not be asked when this was approved, so nobody saw which object it means. Close it and have it applied for anew, or do it by hand."
        )
        raise Stop(NeedsPerson(code="no_plan", message=text))
    guid: UUID = row.object_guid
    return guid


def registered(work: Work) -> ComputerObject | None:
    """The organisation's object of this name in the register, unless it is gone."""
    rows = ComputerObject.system.filter(organisation=work.organisation, name=work.name)
    row: ComputerObject | None = rows.exclude(state=ComputerObject.State.REMOVED).first()
    return row


def require_own(work: Work, guid: UUID) -> Found | None:
    """The object as it stands now; None when AD does not have it. Raises Stop for one that lies elsewhere or is protected."""
    found = work.directory.find_computer_by_guid(guid)
    if found is None:
        return None
    if not path_of(found.container_dn, work.organisation):
        text = _(
            "The computer object lies outside the organisation's unit now: %(dn)s. Nothing was changed. Find out why, then retry or close."
        )
        raise Stop(NeedsPerson(code="moved", message=text % {"dn": found.dn}))
    if found.protected:
        text = _("The computer object is protected or lies elsewhere. The portal may not touch it.")
        raise Stop(NeedsPerson(code="privileged", message=text))
    return found


def differs(found: list[tuple[str, str, str]]) -> NeedsPerson:
    """AD is not as approved; each with what is meant, what was found and what was approved."""
    parts = [
        _("%(label)s is %(found)s instead of %(approved)s")
        % {"label": label, "found": now, "approved": wanted}
        for label, now, wanted in found
    ]
    return NeedsPerson(code="differs", message="、".join(parts))


def evidence_of(found: Found) -> dict[str, Any]:
    """What was read back, for the history and the result report (REQ-12)."""
    return {
        "object_guid": str(found.guid),
        "distinguished_name": found.dn,
        "name": found.name,
        "enabled": found.enabled,
        "description": found.description,
    }
