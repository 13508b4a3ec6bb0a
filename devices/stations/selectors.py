"""Reading the consoles within a person's scope (ORG-02)."""

from __future__ import annotations

from django.db.models import QuerySet

from devices.computers.models import Agent, Computer
from devices.selectors import organisations, readable
from devices.stations.models import ConsoleStation
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, REGISTER_DEVICES


def stations(user: User, *, ended: bool = False) -> QuerySet[ConsoleStation]:
    """The consoles that this person may see; those that ended only when asked for."""
    rows: QuerySet[ConsoleStation] = readable(user, ConsoleStation.objects.visible_to(user))
    if not ended:
        rows = rows.filter(valid_until=None)
    return rows.select_related("organisation", "computer", "designated_by", "ended_by")


def station(user: User, pk: int) -> ConsoleStation:
    """One designation; raises ConsoleStation.DoesNotExist."""
    return stations(user, ended=True).get(pk=pk)


def without(user: User) -> list[Organisation]:
    """The federations that have none, among those that this person reads (DEV-09)."""
    live = stations(user).filter(computer__state=Computer.State.IN_USE)
    have = set(live.values_list("organisation_id", flat=True))
    return [org for org in organisations(user) if org.kind in FEDERATIONS and org.pk not in have]


def candidates(user: User) -> QuerySet[Computer]:
    """The clients that this person can designate; the service looks closer."""
    rows = Computer.objects.visible_to(user).filter(
        organisation__in=user.organisations_where(REGISTER_DEVICES),
        state=Computer.State.IN_USE,
        kind__code="client",
        agents__contains=[Agent.DEVICE_CONTROL.value],
    )
    return rows.exclude(stations__in=stations(user)).order_by("name")
