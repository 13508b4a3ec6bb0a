"""Which accounts are dormant, in two steps: candidates by the replicated attribute, then the exact times (ACC-14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.attributes import lies_below, organisation_ou
from accounts.dormancy.logons import Answers, Logon, ask_every_controller
from portal.gateways import directory_factory
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryUnavailable
from portal.orgs.models import Organisation


@dataclass(frozen=True, kw_only=True)
class Dormant:
    """One account that nobody used for half a year."""

    entry: DirectoryEntry
    logon: Logon | None  # None: never
    is_administrator: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """The result of one search, by organisation (primary key)."""

    answers: Answers
    candidates: int
    dropped: int
    elsewhere: int
    accounts: Mapping[int, Sequence[Dormant]]


def is_dormant(entry: DirectoryEntry, logon: Logon | None, since: datetime) -> bool:
    """Whether an account belongs on the list (ACC-14).

    A disabled account cannot be used anyway, a protected one is outside what the portal touches, and one that is younger
    than the half year has not had the time.
    """
    if not entry.enabled or entry.privileged or entry.created_at > since:
        return False
    return logon is None or logon.at <= since


def search(since: datetime) -> Found:
    """Everybody without a logon since then. Raises DirectoryError; also when no domain controller tells exact times."""
    directory = directory_factory.get_directory()
    candidates = _candidates(directory, since)
    answers = ask_every_controller(directory, [entry.guid for entry in candidates])
    if set(answers.controllers) == set(answers.missing):
        raise DirectoryUnavailable("no domain controller tells its last logons", code="no-controller")
    logons = {entry.guid: answers.of(entry) for entry in candidates}
    dormant = [entry for entry in candidates if is_dormant(entry, logons[entry.guid], since)]
    accounts: dict[int, list[Dormant]] = {}
    placed = _Places(Organisation.objects.all())
    for entry in dormant:
        organisation = placed.organisation_of(entry.dn)
        if organisation is not None:
            accounts.setdefault(organisation.pk, []).append(
                Dormant(
                    entry=entry,
                    logon=logons[entry.guid],
                    is_administrator=lies_below(
                        entry.dn, f"OU=Administrators,{organisation_ou(organisation)}"
                    ),
                )
            )
    listed = sum(len(found) for found in accounts.values())
    return Found(
        answers=answers,
        candidates=len(candidates),
        dropped=len(candidates) - len(dormant),
        elsewhere=len(dormant) - listed,
        accounts=accounts,
    )


def _candidates(directory: Directory, since: datetime) -> list[DirectoryEntry]:
    """By lastLogonTimestamp. It is late by up to 14 days but never early, so nobody who is dormant is missing here."""
    found = directory.search_accounts(_root_ou(), dormant_since=since, enabled_only=True)
    return [entry for entry in found if is_dormant(entry, None, since)]


def _root_ou() -> str:
    return str(settings.DIRECTORY["root_ou"])


class _Places:
    """Which organisation an account belongs to: the one whose OU holds it (ORG-05)."""

    def __init__(self, organisations: Iterable[Organisation]) -> None:
        self._by_ou = {organisation.ou_name.casefold(): organisation for organisation in organisations}

    def organisation_of(self, dn: str) -> Organisation | None:
        """None for an account in no organisation's OU."""
        root = _root_ou()
        if not lies_below(dn, root):
            return None
        above = dn[: -len(root) - 1].rpartition(",")[2]
        kind, _, name = above.strip().partition("=")
        found = self._by_ou.get(name.strip().casefold()) if kind.strip().casefold() == "ou" else None
        return found if found is not None and lies_below(dn, organisation_ou(found)) else None
