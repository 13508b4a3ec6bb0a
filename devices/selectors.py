"""Reading the register of machines within a person's scope (ORG-02)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from devices.computers.kinds import CHANGE, RETIRE
from devices.computers.models import Agent, Computer, ComputerEvent, Segment
from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, READ_DEVICES
from portal.workflow import selectors as workflow
from portal.workflow.models import Application


def readable(user: User, rows: Any) -> Any:
    """Only rows of organisations in which the person may read devices: being a mere user somewhere opens nothing."""
    organisations_ = user.organisations_where(READ_DEVICES)
    if not organisations_:
        return rows.none()
    return rows if user.reads_everywhere(READ_DEVICES) else rows.filter(organisation__in=organisations_)


def organisations(user: User) -> list[Organisation]:
    """The organisations whose machines this person can read, for the filter."""
    if user.reads_everywhere(READ_DEVICES):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_DEVICES)


def computers(
    user: User,
    q: str = "",
    *,
    state: str = "",
    organisation: str = "",
    kind: str = "",
    system: str = "",
    business: str = "",
    segment: str = "",
    without_agent: str = "",
) -> QuerySet[Computer]:
    """The machines that this person may see; all words of `q` in name, kind, system, segment, department or place."""
    rows = readable(user, Computer.objects.visible_to(user))
    rows = rows.select_related("organisation", "kind", "operating_system", "business_system", "segment")
    if state in Computer.State.values:
        rows = rows.filter(state=state)
    exact = {
        "organisation__code": organisation,
        "kind__code": kind,
        "operating_system__code": system,
        "business_system__code": business,
        "segment__network": segment,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if without_agent in Agent.values:
        rows = rows.exclude(agents__contains=[without_agent])
    return matching(rows, q)


def computer(user: User, uid: UUID) -> Computer:
    """One machine; raises Computer.DoesNotExist also for another federation's (ORG-02)."""
    return computers(user).select_related("last_line__application", "replaced_by").get(uid=uid)


def history_of(user: User, computer: Computer) -> QuerySet[ComputerEvent]:
    """What happened to a machine that the person sees, newest first."""
    return ComputerEvent.objects.visible_to(user).filter(computer=computer).order_by("-id")


def applications_of(user: User, computer: Computer) -> QuerySet[Application]:
    """The applications about this machine that the person may see, newest first."""
    found = workflow.applications(user, workflow.Filters()).filter(
        organisation_id=computer.organisation_id,
    )
    about = Q(kind__startswith="devices.computer", lines__subject_key=computer.name.lower())
    about |= Q(kind="devices.whitelist", lines__payload__computer=computer.name)
    found = found.filter(about)
    return found.distinct().order_by("-id")


def actions_of(user: User, computer: Computer) -> list[str]:
    """The kinds of application that the page of a machine offers this person."""
    if not user.may(APPLY, computer.organisation_id) or computer.state != Computer.State.IN_USE:
        return []
    return [CHANGE, RETIRE]


def may_permit(user: User, computer: Computer) -> bool:
    """Whether the page offers to apply for a device permit on this machine; submission checks again."""
    return CHANGE in actions_of(user, computer) and computer.kind.takes_devices


def segments(user: User, *, organisation: str = "", ended: str = "") -> QuerySet[Segment]:
    """The registered segments that this person may see; those that ended only when asked for."""
    rows = readable(user, Segment.objects.visible_to(user)).select_related("organisation")
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if not ended:
        today = timezone.localdate()
        rows = rows.filter(Q(valid_until=None) | Q(valid_until__gte=today))
    return rows.order_by("-id")


def segment(user: User, pk: int) -> Segment:
    """One segment; raises Segment.DoesNotExist."""
    return segments(user, ended="1").get(pk=pk)
