"""Designating the consoles 管理機(SC) of a federation and ending them; the last one cannot go (DEV-09)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from devices.computers.fitness import unfit_reason
from devices.computers.models import Agent, Computer
from devices.stations.models import ConsoleStation
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import REGISTER_DEVICES
from portal.trail import services as trail
from portal.workflow.kinds import LineContext


class StationRefused(Exception):
    """It cannot be done like this; `field` and `reason` for the form."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NotAllowed(Exception):
    """Only the security officer of the federation does this."""


@transaction.atomic
def designate(*, computer_id: int, note: str, actor: User, now: datetime) -> ConsoleStation:
    """Make a machine a console from today on. Raises NotAllowed, StationRefused."""
    computer: Computer = (
        Computer.system.select_for_update(no_key=True, of=("self",))
        .select_related("kind", "operating_system", "business_system")
        .get(pk=computer_id)
    )
    _require(actor, computer.organisation_id)
    _lock(computer.organisation_id)
    if problem := unfit_for_console(computer, now):
        raise StationRefused("computer", problem)
    try:
        with transaction.atomic():
            made: ConsoleStation = ConsoleStation.system.create(
                organisation_id=computer.organisation_id,
                computer=computer,
                valid_from=today(now),
                note=note,
                designated_by=actor,
                designated_at=now,
            )
    except IntegrityError as error:
        raise StationRefused("computer", _("This machine is a 管理機(SC) already.")) from error
    _record("station.designate", made, actor, now)
    return made


@transaction.atomic
def end(*, station_id: int, reason: str, actor: User, now: datetime) -> ConsoleStation:
    """Today is the last day of a console. Refused for the last one of the federation, under its lock (DEV-09).

    Raises NotAllowed, StationRefused.
    """
    found: ConsoleStation = ConsoleStation.system.select_related("computer").get(pk=station_id)
    _require(actor, found.organisation_id)
    _lock(found.organisation_id)
    found = ConsoleStation.system.select_related("computer").get(pk=station_id)  # as it is under the lock
    if found.valid_until is not None:
        raise StationRefused("", _("Somebody ended it meanwhile."))
    if is_last(found.computer):
        raise StationRefused("", last_one())
    if not reason.strip():
        raise StationRefused("reason", _("Enter the reason."))
    found.valid_until, found.end_reason = today(now), reason
    found.ended_by, found.ended_at = actor, now
    found.save()
    _record("station.end", found, actor, now)
    return found


def is_last(computer: Computer) -> bool:
    """Whether this machine is the only console that its federation has."""
    rows = ConsoleStation.system.filter(
        organisation_id=computer.organisation_id, valid_until=None, computer__state=Computer.State.IN_USE
    )
    ids = list(rows.values_list("computer_id", flat=True)[:2])
    return ids == [computer.pk]


def in_the_way(computer_ids: Collection[int], _context: LineContext | None = None) -> dict[int, str]:
    """Why consoles are neither taken away nor made unfit: their designation is ended first, never the last one (DEV-09)."""
    text = _("The machine is a 管理機(SC). End its designation first; the last one of a federation stays.")
    rows = ConsoleStation.system.filter(computer_id__in=computer_ids, valid_until=None)
    return dict.fromkeys(rows.values_list("computer_id", flat=True), text)


def in_the_way_of_becoming(before: Computer, after: Computer, _day: date) -> Sequence[str]:
    """Why a console stays a client with the SKYSEA agent (DEV-09, CNS ③(e))."""
    if after.kind and after.kind.code == "client" and Agent.DEVICE_CONTROL in after.agents:
        return ()
    return list(in_the_way([before.pk]).values())


def last_one() -> str:
    """Why the last one stays."""
    return _("A federation has at least one 管理機(SC). Designate another one first (DEV-09).")


def unfit_for_console(computer: Computer, now: datetime) -> str:
    """Why a machine cannot be a console; "" when it can."""
    if computer.state != Computer.State.IN_USE:
        return _("There is no such machine in use in your organisation.")
    if computer.kind.code != "client":  # CNS ③(e): a client of the officer's choice
        return _("A 管理機(SC) is a client PC (CNS ③(e)).")
    if Agent.DEVICE_CONTROL not in computer.agents:
        return _("The machine has no SKYSEA agent in the register.")
    return unfit_reason(
        kind=computer.kind,
        system=computer.operating_system,
        business=computer.business_system,
        has_own_skysea=computer.has_own_skysea,
        day=today(now),
    )


def _lock(organisation_id: int) -> None:
    """Designations and ends of a federation, one after the other."""
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)


def _require(actor: User, organisation_id: int) -> None:
    if not actor.may(REGISTER_DEVICES, organisation_id):
        raise NotAllowed(_("Only the security officer of the organisation designates a 管理機(SC)."))


def _record(action: str, station: ConsoleStation, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="station",
        object_id=station.pk,
        object_label=station.computer.name,
        object_organisation_id=station.organisation_id,
    )
