"""Which machine of the register has a computer name. The room that keeps the register answers; other rooms ask here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine in use. A caller minds what the person may see (ORG-02)."""

    organisation_id: int
    name: str
    uid: UUID
    """Its page is `computer_detail`."""
    kind: str
    """As people read it."""
    joins_domain: bool
    """False for a printer, which has no computer object."""
    place: str
    system: str
    """Code of its operating system; "" for a printer."""
    is_server: bool
    is_own_system: bool
    """Whether it belongs to a 独自処理システム (ORG-06)."""


@dataclass(frozen=True, kw_only=True)
class OperatingSystem:
    """An operating system that the services of the common network support (REQ-06)."""

    code: str
    name: str


class Register(Protocol):
    """What a room tells about the machines that it keeps, by name in upper case."""

    def machines(self, names: Collection[str]) -> Mapping[str, Machine]:
        """The machines in use under these names, over the whole country."""
        ...

    def needed(self, names: Collection[str]) -> Mapping[str, str]:
        """Why a machine must not go yet, as a sentence; those that may are left out."""
        ...

    def reserving(self, names: Collection[str]) -> Mapping[str, str]:
        """The reservation keys of open applications that bring a machine of a name, as keys to names."""
        ...

    def systems(self, day: date) -> list[OperatingSystem]:
        """The operating systems that are supported on that day."""
        ...


_registers: list[Register] = []


def register(room: Register) -> None:
    """Let a room tell about the machines that it keeps; called when apps are ready."""
    if room not in _registers:
        _registers.append(room)


def machines(names: Collection[str]) -> dict[str, Machine]:
    """The machines in use under these names, over the whole country."""
    found: dict[str, Machine] = {}
    for room in _registers if names else ():
        found |= room.machines(names)
    return found


def needed(names: Collection[str]) -> dict[str, str]:
    """Why machines of these names must not go yet: permits, whitelist entries and the like."""
    found: dict[str, str] = {}
    for room in _registers if names else ():
        found |= room.needed(names)
    return found


def reserving(names: Collection[str]) -> dict[str, str]:
    """The reservation keys under which open applications bring a machine of a name, as keys to names."""
    found: dict[str, str] = {}
    for room in _registers if names else ():
        found |= room.reserving(names)
    return found


def supported_systems(day: date) -> list[OperatingSystem]:
    """The operating systems that can be chosen on that day."""
    return [system for room in _registers for system in room.systems(day)]
