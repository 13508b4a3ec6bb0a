"""Which organisation's network holds an address. The room that registers segments answers; other rooms ask here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date


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
