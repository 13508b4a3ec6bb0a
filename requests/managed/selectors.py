"""Reading the registers of machines under a service within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy

from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, READ_MANAGED
from portal.workflow.models import Application
from portal.workflow.related import Related
from requests.managed.models import Category, ManagedMachine, ManagedMachineEvent, Service

_SHOWN = 20


def readable(user: User) -> Any:
    """The machines of organisations in which the person may read them."""
    own = user.organisations_where(READ_MANAGED)
    rows: Any = ManagedMachine.objects.visible_to(user)
    if not own:
        return rows.none()
    return rows if user.reads_everywhere(READ_MANAGED) else rows.filter(organisation__in=own)


def machines(
    user: User,
    service: str,
    q: str = "",
    *,
    state: str = ManagedMachine.State.MANAGED,
    category: str = "",
    organisation: str = "",
) -> QuerySet[ManagedMachine]:
    """The machines under a service that this person may see, now under it unless `state` says otherwise ("all": each)."""
    rows = readable(user).filter(service=service).select_related("organisation")
    if state in ManagedMachine.State.values:
        rows = rows.filter(state=state)
    if category in Category.values:
        rows = rows.filter(category=category)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    return matching(rows, q)  # type: ignore[no-any-return]


def machine(user: User, pk: int) -> ManagedMachine:
    """One machine; raises ManagedMachine.DoesNotExist also for another federation's (ORG-02)."""
    found: ManagedMachine = readable(user).select_related("organisation").get(pk=pk)
    return found


def history_of(user: User, found: ManagedMachine) -> QuerySet[ManagedMachineEvent]:
    """All that happened to a machine, newest first."""
    return ManagedMachineEvent.objects.visible_to(user).filter(machine=found).order_by("-id")


def organisations(user: User) -> list[Organisation]:
    """The organisations whose machines this person can read, for the filter."""
    if user.reads_everywhere(READ_MANAGED):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_MANAGED)


def may_apply(user: User, found: ManagedMachine) -> bool:
    """Whether the page of a machine offers to change or remove it."""
    return found.state == ManagedMachine.State.MANAGED and user.may(APPLY, found.organisation_id)


def machines_of(user: User, application: Application) -> Iterable[Related]:
    """The machines that an application entered, changed or took out."""
    rows = readable(user).filter(events__application_number=application.number).distinct().order_by("id")
    return [
        Related(label=_LABELS[row.service], text=row.name, url=reverse("managed_detail", args=[row.pk]))
        for row in rows[:_SHOWN]
    ]


_LABELS = {
    Service.ANTIVIRUS.value: gettext_lazy("Antivirus"),
    Service.MONITORING.value: gettext_lazy("Monitoring"),
}
