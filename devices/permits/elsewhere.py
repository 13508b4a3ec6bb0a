"""Which device permits name machines, for other rooms of the portal (portal.workflow.hanging)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from devices.permits.lookups import LIVE, REMOVE
from devices.permits.models import DevicePermit
from portal.orgs.models import Organisation
from portal.workflow.hanging import Hanging


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> Iterator[Hanging]:
    """The live permits that name these machines. A permit that names two of them hangs on both and ends once."""
    rows = DevicePermit.system.filter(
        organisation=organisation,
        state__in=LIVE,
        computers__name__in=names,
        computers__state="IN_USE",
    )
    for permit in rows.distinct().select_related("device").prefetch_related("computers").order_by("pk"):
        for computer in permit.computers.all():
            if computer.name in names:
                yield Hanging(
                    machine=computer.name,
                    column="permit",
                    kind=REMOVE,
                    key=permit.device.number.lower(),
                    label=f"{permit.device.number} {permit.device}",
                    line={"number": permit.device.number},
                )
