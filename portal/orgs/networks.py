"""Which organisation's network holds an address. The room that registers segments answers; other rooms ask here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from portal.orgs.models import User


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The segment that holds an address on a day."""

    organisation_id: int
    network: str
    is_own_system: bool
    """Whether it is one of a 独自処理システム (図2-32, 図2-33)."""


Provider = Callable[[Collection[str], date], Mapping[str, Holder]]

_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Let a room tell about the segments that it keeps."""
    if provider not in _providers:
        _providers.append(provider)


def holders(addresses: Collection[str], day: date) -> dict[str, Holder]:
    """The segment of each address that lies in one; a caller minds what the person may see (ORG-02)."""
    found: dict[str, Holder] = {}
    for provider in _providers if addresses else ():
        found |= provider(addresses, day)
    return found


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A segment as the register knows it. `valid_from` may lie ahead: nobody else gets it meanwhile."""

    organisation_id: int
    network: str
    vlan: int | None
    is_own_system: bool
    note: str
    valid_from: date
    valid_until: date | None


class Taken(Exception):
    """The segment cannot be registered; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Register(Protocol):
    """The room that keeps the segments, for the room that allots them to 独自処理システム (REQ-09)."""

    def live(self, day: date) -> list[Registered]:
        """Every segment of the country that is not over on that day, by address."""

    def enter(
        self,
        *,
        organisation_id: int,
        network: str,
        vlan: int,
        note: str,
        valid_from: date,
        actor: User,
        now: datetime,
    ) -> None:
        """A segment of a 独自処理システム. In the caller's transaction; two never overlap. Raises Taken."""

    def end(self, *, organisation_id: int, network: str, last_day: date, now: datetime) -> bool:
        """The segment was given back; whether there was one. Twice is once."""


_registers: list[Register] = []


def keep(register: Register) -> None:
    """Make the room known that keeps the segments."""
    _registers[:] = [register]


def the_register() -> Register:
    """The room that keeps the segments."""
    return _registers[0]
