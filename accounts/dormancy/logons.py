"""The exact last logon: asked of every domain controller, because none of them knows what the others saw (ACC-14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.gateways.directory_names import controller_name

# The attribute that is replicated, but only every 9 to 14 days: it may know of a logon that no controller answered for.
REPLICATED = "lastLogonTimestamp"
_AT_ONCE = 16  # a branch that is down costs one connect timeout, not one after the other


@dataclass(frozen=True, kw_only=True)
class Logon:
    """A last logon, and who knows of it: a domain controller or the replicated attribute."""

    at: datetime
    source: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What all domain controllers together know about some accounts."""

    controllers: tuple[str, ...]  # asked
    missing: tuple[str, ...]  # did not answer
    newest: Mapping[UUID, Logon] = field(default_factory=dict)

    def of(self, entry: DirectoryEntry) -> Logon | None:
        """The newest logon that anybody knows of; None when nobody knows of any."""
        known = self.newest.get(entry.guid)
        if entry.last_logon is not None and (known is None or entry.last_logon > known.at):
            return Logon(at=entry.last_logon, source=REPLICATED)
        return known


def ask_every_controller(directory: Directory, guids: Sequence[UUID]) -> Answers:
    """Ask each domain controller, several at once; who does not answer is named, never guessed.

    Raises DirectoryError when the domain cannot even say which controllers it has.
    """
    urls = list(dict.fromkeys(directory.domain_controllers()))
    with ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(urls)))) as pool:
        found = list(pool.map(lambda url: _ask(directory, url, guids), urls))
    newest: dict[UUID, Logon] = {}
    for url, known in zip(urls, found, strict=True):
        for guid, at in (known or {}).items():
            if at is not None and (guid not in newest or at > newest[guid].at):
                newest[guid] = Logon(at=at, source=controller_name(url))
    silent = [controller_name(url) for url, known in zip(urls, found, strict=True) if known is None]
    return Answers(
        controllers=tuple(controller_name(url) for url in urls), missing=tuple(silent), newest=newest
    )


def _ask(directory: Directory, url: str, guids: Sequence[UUID]) -> Mapping[UUID, datetime | None] | None:
    """The answer of one controller; None when there is none, whatever the reason."""
    try:
        return directory.last_logons(url, guids)
    except DirectoryError:
        return None
