"""What the rooms of the portal know about a machine: what it is, and what hangs on it.

The rooms do not know each other. Each tells here what it keeps about the machines of an organisation and by which line of
which kind of application that ends, so that a removal can name everything and forgets nothing (REQ-13).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.orgs.models import Organisation


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine of the register that is in use; `values` are those of the form by which it was entered."""

    name: str
    url: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """One thing that hangs on a machine, and what ends it."""

    machine: str
    column: str
    """Which column of a board it belongs to, such as "whitelist"."""
    kind: str
    """The kind of application that ends it."""
    key: str
    """The subject key of the line that ends it."""
    label: str
    """What people read."""
    line: Mapping[str, Any]
    """The line of that kind that ends it, as its form takes it."""
    address: str = ""
    """The IP address that it says the machine has."""
    more: Mapping[str, str] = field(default_factory=dict)


Reader = Callable[[Organisation, Collection[str]], Mapping[str, Machine]]
Provider = Callable[[Organisation, Collection[str], date], Iterable[Hanging]]

_readers: list[Reader] = []
_providers: list[Provider] = []


def register_reader(reader: Reader) -> None:
    """Let the room that keeps the register of machines answer."""
    if reader not in _readers:
        _readers.append(reader)


def register(provider: Provider) -> None:
    """Let a room tell what of its things hangs on machines."""
    if provider not in _providers:
        _providers.append(provider)


def machines(organisation: Organisation, names: Collection[str]) -> dict[str, Machine]:
    """The organisation's machines in use of these names; another organisation's are as unknown as none (ORG-02)."""
    found: dict[str, Machine] = {}
    for reader in _readers if names else ():
        found |= reader(organisation, names)
    return found


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> list[Hanging]:
    """Everything of the organisation that hangs on these machines, each room in its order."""
    return [
        found for provider in (_providers if names else ()) for found in provider(organisation, names, day)
    ]
