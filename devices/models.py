"""The tables of this app live beside what uses them."""

from devices.alerts.models import AlertEvent, AlertImport, DeviceAlert
from devices.computers.models import Agent, Computer, ComputerEvent, Segment
from devices.exchange.models import OrderFile, SkyseaFinding, SkyseaImport, SkyseaMapping
from devices.guard.models import (
    ExportMapping,
    GuardState,
    ListedPair,
    ModeDecision,
    PendingRemoval,
    Publication,
    WhitelistVersion,
)
from devices.permits.models import Device, DeviceEvent, DevicePermit
from devices.quarantine.models import (
    QuarantineEvent,
    QuarantineImport,
    QuarantineMapping,
    QuarantineStatus,
)
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem
from devices.stations.models import ConsoleStation
from devices.whitelist.models import LocalAddress, WhitelistEntry, WhitelistEvent

__all__ = [
    "Agent",
    "AlertEvent",
    "AlertImport",
    "BusinessSystem",
    "Computer",
    "ComputerEvent",
    "ComputerKind",
    "ConsoleStation",
    "Device",
    "DeviceAlert",
    "DeviceEvent",
    "DevicePermit",
    "ExportMapping",
    "GuardState",
    "ListedPair",
    "LocalAddress",
    "ModeDecision",
    "OperatingSystem",
    "OrderFile",
    "PendingRemoval",
    "Publication",
    "QuarantineEvent",
    "QuarantineImport",
    "QuarantineMapping",
    "QuarantineStatus",
    "Segment",
    "SkyseaFinding",
    "SkyseaImport",
    "SkyseaMapping",
    "WhitelistEntry",
    "WhitelistEvent",
    "WhitelistVersion",
]
