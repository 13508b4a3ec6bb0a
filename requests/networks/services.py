"""The central association gives a free segment to an approved application; a federation gives one back (REQ-09)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices import services as notices
from portal.orgs import networks
from portal.orgs.models import User
from portal.orgs.networks import Taken
from portal.orgs.permissions import ALLOT_NETWORKS, OrganisationKind
from portal.trail import services as trail
from portal.workflow import kinds, people
from portal.workflow.models import ApplicationLine
from requests.networks import pool
from requests.networks.models import Allotment
from requests.networks.payloads import KIND, TARGET, Action, NetworkLine

TEMPLATE = "network_to_allot"


class AllotmentRefused(Exception):
    """The segment cannot be given; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAllowed(AllotmentRefused):
    """Only the central association allots."""


def payload_of(line: ApplicationLine) -> NetworkLine:
    """What a line says."""
    payload: NetworkLine = kinds.get(KIND).load(line.payload, line.payload_version)
    return payload


@transaction.atomic
def allot(*, line_id: int, network: str, actor: User, now: datetime) -> Allotment:
    """Give one of the free segments to an approved line. Of two people at once one gets a reason, never a second segment.

    It stands in the register from the wished day on, or from today where that has passed. Raises NotAllowed,
    AllotmentRefused.
    """
    if not actor.may(ALLOT_NETWORKS):
        raise NotAllowed(_("Only the central association allots segments."))
    # The operation first, as workers do: two people with the same application wait for each other here.
    operations = Operation.system.select_for_update(of=("self",)).filter(line_id=line_id, target=TARGET)
    operation = operations.select_related("line__application", "line__organisation").first()
    if operation is None or operation.status != OperationStatus.WAITING:
        raise AllotmentRefused(_("This application does not wait for a segment any more."))
    line, day = operation.line, today(now)
    payload = payload_of(line)
    if payload.action != Action.TAKE or Allotment.system.filter(line=line).exists():
        raise AllotmentRefused(_("This application does not wait for a segment any more."))
    found = pool.candidates(line.organisation, payload.use, payload.size, day)
    chosen = next((each for each in found if each.network == network), None)
    if chosen is None:
        raise AllotmentRefused(_("This segment is not free any more. Choose another one."))
    valid_from = max(payload.day, day)
    try:
        networks.the_register().enter(
            organisation_id=line.organisation_id,
            network=network,
            vlan=chosen.vlan,
            note=f"{line.application.number} {payload.purpose}",
            valid_from=valid_from,
            actor=actor,
            now=now,
        )
    except Taken as error:
        raise AllotmentRefused(error.reason) from error
    allotment: Allotment = Allotment.system.create(
        organisation=line.organisation,
        line=line,
        application_number=line.application.number,
        network=network,
        vlan=chosen.vlan,
        use=payload.use,
        purpose=payload.purpose,
        valid_from=valid_from,
        allotted_by=actor,
        allotted_at=now,
        search_text=search_key(
            line.application.number, network, payload.purpose, line.organisation.name, str(chosen.vlan)
        ),
    )
    fulfilment.wake([operation.pk], now)
    _record("network.allot", allotment, actor, now)
    return allotment


@transaction.atomic
def give_back(*, line: ApplicationLine, payload: NetworkLine, now: datetime) -> bool:
    """The last day is over: the segment is free again. Whether the federation held it; twice is once."""
    ended = networks.the_register().end(
        organisation_id=line.organisation_id, network=payload.network, last_day=payload.day, now=now
    )
    rows = Allotment.system.select_for_update(of=("self",))
    held = rows.filter(organisation_id=line.organisation_id, network=payload.network, valid_until=None)
    for allotment in held:
        allotment.valid_until = max(payload.day, allotment.valid_from)
        allotment.given_back_by = line
        allotment.save(update_fields=["valid_until", "given_back_by", "updated_at"])
        _record("network.give_back", allotment, None, now)
    return ended


def tell_central(line: ApplicationLine, now: datetime) -> None:
    """Somebody of the central association has to choose a segment."""
    central = people.organisation_of(OrganisationKind.CENTRAL)
    for person in people.members(central.pk, ALLOT_NETWORKS.roles, today(now)).values():
        notices.queue(
            template=TEMPLATE,
            now=now,
            organisation_id=line.organisation_id,
            to_user=person,
            application_number=line.application.number,
            context={"line": line.pk},
        )


def _record(action: str, allotment: Allotment, actor: User | None, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="allotment",
        object_id=allotment.pk,
        object_label=allotment.network,
        object_organisation_id=allotment.organisation_id,
        detail={"application": allotment.application_number, "vlan": allotment.vlan},
    )
