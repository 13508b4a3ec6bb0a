"""The tables of this app live beside what uses them."""

from devices.computers.models import Agent, Computer, ComputerEvent, Segment
from devices.permits.models import Device, DeviceEvent, DevicePermit
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem

__all__ = [
    "Agent",
    "BusinessSystem",
    "Computer",
    "ComputerEvent",
    "ComputerKind",
    "Device",
    "DeviceEvent",
    "DevicePermit",
    "OperatingSystem",
    "Segment",
]
