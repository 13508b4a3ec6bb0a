"""The register of zones shows what the portal itself wrote as soon as it is done (REQ-05)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portal.common.time import today
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.dns import RecordSet
from requests.zones import refresh, selectors
from requests.zones.owners import KIND


def operations_settled(operations: Sequence[Operation], now: datetime) -> None:
    """Enter what was read back, in the transaction in which operations become done (registry.on_settled)."""
    names: dict[tuple[int, str], dict[str, list[RecordSet]]] = {}
    for operation in operations:
        if operation.kind == KIND and operation.status == OperationStatus.DONE:
            for each in operation.evidence.get("stands", ()):
                key = operation.organisation_id, each["zone"]
                names.setdefault(key, {})[each["name"]] = [
                    RecordSet(**{**found, "values": tuple(found["values"])}) for found in each["sets"]
                ]
    zones = {zone.name: zone for zone in selectors.live_zones(today(now))} if names else {}
    for (organisation_id, zone), held in names.items():
        if zone in zones:
            refresh.note_names(zone=zones[zone], names=held, now=now, organisation_id=organisation_id)
