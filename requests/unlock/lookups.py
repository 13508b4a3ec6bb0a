"""Reading accounts for forms, checks and plans, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Lower
from django.utils import timezone

from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from requests.unlock import locks
from requests.unlock.locks import Lock, Place
from requests.unlock.models import UnlockProof
from requests.unlock.payloads import UnlockAccount

_SHARED = "requests.unlock"


@dataclass(frozen=True, kw_only=True)
class Found:
    """An account of the own organisation, as a line names it."""

    guid: UUID
    login_name: str
    display_name: str


class Known:
    """What is known about the accounts of one application. AD is asked once for all lines; `error` says why it was not."""

    def __init__(self, organisation: Organisation | None = None) -> None:
        self.organisation = organisation  # None: only to read ahead for several organisations
        self.error: DirectoryError | None = None
        self._found: dict[str, Found | None] = {}
        self._locks: dict[UUID, Lock | None] = {}
        self._places: dict[UUID, list[Place]] = {}
        self._recent: dict[UUID, int] = {}

    def find(self, login_name: str) -> Found | None:
        """The account of this login name in this organisation; one of another is as unknown as none (ORG-02)."""
        self.find_all([login_name])
        return self._found[login_name.lower()]

    def find_all(self, login_names: Collection[str]) -> None:
        """Look for these together: in AD, and while it is down in the register and among the people of the portal."""
        names = {name.lower() for name in login_names if name} - self._found.keys()
        if not names:
            return
        found: dict[str, Found] = {}
        try:
            if self.error is None:
                found = self._in_directory(names)
        except DirectoryError as error:
            self.error = error
        if self.error is not None:
            found = self._registered(names)
        self._found.update({name: found.get(name) for name in names})

    def read(self, guids: Collection[UUID], now: datetime) -> None:
        """Read the locks, the places and the earlier unlocks of these accounts together."""
        missing = [guid for guid in dict.fromkeys(guids) if guid not in self._locks]
        if not missing:
            return
        found: dict[UUID, Lock] = {}
        try:
            if self.error is None:
                found = locks.read_locks(directory_factory.get_directory(), missing)
        except DirectoryError as error:
            self.error = error
        self._locks.update({guid: found.get(guid) for guid in missing})
        self._places.update(locks.places(missing, now))
        self._recent.update(locks.recent_unlocks(missing, now))

    def lock(self, guid: UUID) -> Lock | None:
        """The account as AD has it; None when it does not exist any more, or `error` is set."""
        self.read([guid], timezone.now())
        return self._locks[guid]

    def places(self, guid: UUID) -> list[Place]:
        """From where wrong passwords came, as far as the portal knows."""
        return self._places.get(guid, [])

    def recent(self, guid: UUID) -> int:
        """How often it was unlocked in short time."""
        return self._recent.get(guid, 0)

    def adopt(self, other: Known) -> None:
        """Take over what was read for several applications together."""
        self.error = other.error
        self._locks, self._places, self._recent = other._locks, other._places, other._recent

    def is_own(self, entry: DirectoryEntry) -> bool:
        """Whether the account belongs to this organisation (ORG-02, ORG-05)."""
        assert self.organisation is not None
        return entry.dn.casefold().endswith("," + ou_of(self.organisation).casefold())

    def _in_directory(self, names: Collection[str]) -> dict[str, Found]:
        entries = directory_factory.get_directory().find_by_login_names(names)
        return {
            entry.login_name.lower(): Found(
                guid=entry.guid, login_name=entry.login_name, display_name=entry.display_name
            )
            for entry in entries
            if self.is_own(entry)
        }

    def _registered(self, names: Collection[str]) -> dict[str, Found]:
        assert self.organisation is not None
        people = self.organisation.people.alias(folded=Lower("login_name")).filter(
            folded__in=names, directory_guid__isnull=False, is_active=True
        )
        found = {
            person.login_name.lower(): Found(
                guid=person.directory_guid, login_name=person.login_name, display_name=person.display_name
            )
            for person in people
            if person.directory_guid is not None
        }
        # The register is another room's: it is read through the organisation, never imported.
        accounts: Any = self.organisation.directory_accounts  # type: ignore[attr-defined]
        for account in accounts.alias(folded=Lower("login_name")).filter(
            folded__in=names, state__in=("ENABLED", "DISABLED")
        ):
            found[account.login_name.lower()] = Found(
                guid=account.object_guid,
                login_name=account.login_name,
                display_name=f"{account.family_name} {account.given_name}",
            )
        return found


def ou_of(organisation: Organisation) -> str:
    """The OU that holds everything of an organisation (ORG-05)."""
    return f"OU={organisation.ou_name},{settings.DIRECTORY['root_ou']}"


def known(context: LineContext) -> Known:
    """What the lines of one application share."""
    found: Known = context.shared.setdefault(_SHARED, Known(context.organisation))
    return found


def read_ahead(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
    """The accounts of all lines together, before their forms."""
    known(context).find_all([str(line.get("login_name") or "") for line in lines])


def prepare(context: LineContext, payloads: Sequence[UnlockAccount]) -> None:
    """The locks of all lines together, before their checks and plans."""
    known(context).read([payload.guid for payload in payloads], timezone.now())


def proof_of(context: LineContext) -> UnlockProof | None:
    """The proof that belongs to this application; it cannot be written into a line."""
    found: UnlockProof | None = getattr(context.application, "unlock_proof", None)
    return found
