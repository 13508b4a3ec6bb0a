"""The tables of this app live beside what uses them."""

from devices.computers.models import Agent, Computer, ComputerEvent, Segment
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem

__all__ = [
    "Agent",
    "BusinessSystem",
    "Computer",
    "ComputerEvent",
    "ComputerKind",
    "OperatingSystem",
    "Segment",
]
