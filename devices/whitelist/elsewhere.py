"""Which entries of the whitelist hang on machines, for other rooms of the portal (portal.workflow.hanging)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from devices.whitelist.lookups import CODE
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action
from portal.orgs.models import Organisation
from portal.workflow.hanging import Hanging


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> Iterator[Hanging]:
    """The live entries of these machines."""
    rows = WhitelistEntry.system.filter(
        organisation=organisation,
        state=WhitelistEntry.State.APPROVED,
        computer__name__in=names,
        computer__state="IN_USE",
    )
    for entry in rows.select_related("computer").order_by("pk"):
        yield Hanging(
            machine=entry.computer.name,
            column="whitelist",
            kind=CODE,
            key=entry.mac,
            label=f"{entry.shown_mac} {entry.ip}",
            line={
                "action": Action.REMOVE.value,
                "computer": entry.computer.name,
                "mac": entry.mac,
                "ip": entry.ip,
            },
            address=entry.ip,
            more={"mac": entry.mac},
        )
