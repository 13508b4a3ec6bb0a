"""What AD says about accounts at the moment somebody answers for them: frozen with the answer (ACC-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import asking
from accounts.dormancy.logons import Answers, Logon, ask_every_controller
from accounts.dormancy.models import DormantLine
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryError


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """AD as it was asked before the lock was taken. Without `answers` it could not be asked (ACC-12)."""

    entries: dict[UUID, DirectoryEntry | None]
    answers: Answers | None

    def logon_of(self, guid: UUID) -> Logon | None:
        """The newest logon that anybody knows of now."""
        entry = self.entries.get(guid)
        return self.answers.of(entry) if self.answers is not None and entry is not None else None

    def left_of(self, guid: UUID, since: datetime) -> str:
        """Why the account needs no answer any more (DormantLine.Left); "" when it still does, or nobody knows."""
        if self.answers is None:
            return ""
        entry = self.entries.get(guid)
        if entry is None:
            return DormantLine.Left.GONE
        if not entry.enabled:
            return DormantLine.Left.DISABLED
        logon = self.logon_of(guid)
        return DormantLine.Left.LOGGED_ON if logon is not None and logon.at > since else ""

    def to_json(self, guid: UUID) -> dict[str, Any]:
        """As it is kept with the answer."""
        if self.answers is None:
            return {"asked": False}
        logon = self.logon_of(guid)
        return {
            "asked": True,
            "missing": list(self.answers.missing),
            "last_logon": logon.at.isoformat() if logon else None,
            "from": logon.source if logon else "",
        }


def look(guids: Sequence[UUID]) -> Evidence:
    """Ask AD and every domain controller about these accounts. Never raises for a directory that is down."""
    try:
        entries = asking.ask(
            lambda directory: {guid: directory.find_by_guid(guid) for guid in dict.fromkeys(guids)}
        )
        answers = ask_every_controller(directory_factory.get_directory(), list(entries))
    except DirectoryError:
        return Evidence(entries={}, answers=None)
    return Evidence(entries=entries, answers=answers)
