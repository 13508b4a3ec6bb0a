"""Reading the register of computer objects within a person's scope (ORG-02)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from portal.common.search import matching
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.gateways.directory_computers import ComputerObject as Found
from portal.orgs import machines
from portal.orgs.machines import Machine
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, READ_DEVICES
from portal.workflow import kinds
from portal.workflow import selectors as workflow
from portal.workflow.kinds import ApplicationKind
from portal.workflow.models import Application
from requests.computers.kinds import ADD, REMOVE_KIND
from requests.computers.models import ComputerObject, ComputerObjectEvent
from requests.computers.removing import RESTORE

KINDS = (ADD, REMOVE_KIND, RESTORE)
MADE_BY = {"portal": True, "others": False}


def organisations(user: User) -> list[Organisation]:
    """The organisations whose computer objects this person can read, for the filter."""
    if user.reads_everywhere(READ_DEVICES):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_DEVICES)


def computer_objects(
    user: User, q: str = "", *, state: str = "", organisation: str = "", made: str = ""
) -> QuerySet[ComputerObject]:
    """The objects that this person may see; all words of `q` in name, description or operating system."""
    own = user.organisations_where(READ_DEVICES)
    rows: Any = ComputerObject.objects.visible_to(user).select_related("organisation")
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_DEVICES):
        rows = rows.filter(organisation__in=own)
    if state in ComputerObject.State.values:
        rows = rows.filter(state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if made in MADE_BY:
        rows = rows.filter(made_by_portal=MADE_BY[made])
    return matching(rows, q)  # type: ignore[no-any-return]


def computer_object(user: User, guid: UUID) -> ComputerObject:
    """One object; raises ComputerObject.DoesNotExist also for another federation's (ORG-02)."""
    return computer_objects(user).select_related("last_line__application").get(object_guid=guid)


def object_of(user: User, organisation_id: int, name: str) -> ComputerObject | None:
    """The newest object of this name in the organisation, as the person may see it."""
    rows = computer_objects(user).filter(organisation_id=organisation_id, name=name)
    return rows.order_by("-id").first()


def history_of(user: User, row: ComputerObject) -> QuerySet[ComputerObjectEvent]:
    """What happened to an object that the person sees, newest first."""
    return ComputerObjectEvent.objects.visible_to(user).filter(computer_object=row).order_by("-id")


def applications_of(user: User, organisation_id: int, name: str) -> QuerySet[Application]:
    """The applications about computer objects of this name that the person may see, newest first."""
    found = workflow.applications(user, workflow.Filters()).filter(organisation_id=organisation_id)
    return found.filter(kind__in=KINDS, lines__subject_key=name.lower()).distinct().order_by("-id")


def machine_of(user: User, row: ComputerObject) -> Machine | None:
    """The machine of this name in the organisation's register."""
    found = machines.machines([row.name]).get(row.name)
    return found if found is not None and found.organisation_id == row.organisation_id else None


def offers(user: User, organisation: Organisation, row: ComputerObject | None) -> list[ApplicationKind[Any]]:
    """What this person can apply for, as things stand; submission checks again."""
    if not user.may(APPLY, organisation.pk):
        return []
    state = row.state if row is not None else ComputerObject.State.REMOVED
    codes = {
        ComputerObject.State.REMOVED: ADD,
        ComputerObject.State.DELETED: RESTORE,
        ComputerObject.State.ENABLED: REMOVE_KIND,
        ComputerObject.State.DISABLED: REMOVE_KIND,
    }
    if row is not None and row.removal_began_at is not None and row.is_there:
        return []
    kind = kinds.get(codes[ComputerObject.State(state)])
    return [kind] if organisation.kind in kind.organisation_kinds else []


@dataclass(frozen=True, kw_only=True)
class Live:
    """What AD says now; both empty when it does not have the object."""

    found: Found | None = None
    unavailable: bool = False


def live_state(row: ComputerObject) -> Live:
    """AD now, for the page of one object."""
    try:
        return Live(found=directory_factory.get_directory().find_computer_by_guid(row.object_guid))
    except DirectoryError:
        return Live(unavailable=True)
