"""What the lines of one application share: read once for all of them, so that a thousand cost the statements of one.

A kind's `read_ahead` and `prepare` put it into `LineContext.shared`; checks and plans look there first and read alone
what is not there, with the same functions. What was read is as old as the page: the services decide again under their locks.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from accounts import asking
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.orgs.models import Organisation

T = TypeVar("T")
Shared = dict[str, Any]


def read_together(
    shared: Shared, name: str, keys: Collection[str], read: Callable[[Collection[str]], Mapping[str, T]]
) -> None:
    """Keep under `name` what `read` finds for these keys, also that it finds nothing."""
    found = read(keys) if keys else {}
    shared.setdefault(name, {}).update({key: found.get(key) for key in keys})


def look_up(
    shared: Shared, name: str, key: str, read: Callable[[Collection[str]], Mapping[str, T]]
) -> T | None:
    """What was read together for this key, else what `read` finds for it alone."""
    known = shared.get(name, {})
    if key in known:
        return cast("T | None", known[key])
    return read([key]).get(key)


def of(organisation: Organisation) -> Shared:
    """What the lines of one page share where only their organisation is known; it lives as long as that object."""
    return cast("Shared", organisation.__dict__.setdefault("_account_shared", {}))


class KnownDirectory:
    """The directory with the answers that were fetched for all lines together; everything else it asks the real one."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, Any], Any] = {}
        self.failed: DirectoryError | None = None

    def over(self, directory: Directory) -> Directory:
        """The directory as the lines ask it."""
        return cast("Directory", _Asked(directory, self._answers))

    def fetch(self, question: Callable[[Directory, dict[tuple[str, Any], Any]], None]) -> None:
        """Fetch answers. A directory that fails here has failed for all lines: none of them waits for it again (ACC-12)."""
        try:
            asking.ask(lambda directory: question(directory, self._answers))
        except DirectoryError as error:
            self.failed = error


class _Asked:
    """The single questions of checks, answered from what is known."""

    def __init__(self, directory: Directory, answers: dict[tuple[str, Any], Any]) -> None:
        self._directory = directory
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._directory, name)

    def _known(self, key: tuple[str, Any], ask: Callable[[], Any]) -> Any:
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]

    def login_name_in_use(self, login_name: str) -> bool:
        key = ("in use", login_name.lower())
        return bool(self._known(key, lambda: self._directory.login_name_in_use(login_name)))

    def find_by_login_name(self, login_name: str) -> DirectoryEntry | None:
        key = ("login name", login_name.lower())
        return cast(
            "DirectoryEntry | None", self._known(key, lambda: self._directory.find_by_login_name(login_name))
        )

    def find_by_guid(self, guid: UUID) -> DirectoryEntry | None:
        return cast(
            "DirectoryEntry | None",
            self._known(("guid", guid), lambda: self._directory.find_by_guid(guid)),
        )

    def container_exists(self, dn: str) -> bool:
        return bool(self._known(("container", dn), lambda: self._directory.container_exists(dn)))

    def mail_is_group_address(self, mail: str) -> bool:
        key = ("group", mail.lower())
        return bool(self._known(key, lambda: self._directory.mail_is_group_address(mail)))

    def find_by_display_name(self, display_name: str, container_dn: str) -> list[DirectoryEntry]:
        key = ("namesakes", (_folded(display_name), container_dn))
        return cast(
            "list[DirectoryEntry]",
            self._known(key, lambda: self._directory.find_by_display_name(display_name, container_dn)),
        )


def known_directory(shared: Shared) -> KnownDirectory:
    """The one of these lines."""
    return cast("KnownDirectory", shared.setdefault(asking.KNOWN, KnownDirectory()))


def begin(shared: Shared) -> None:
    """Ask the directory anew: what was known, or that it failed, was for an earlier look."""
    shared[asking.KNOWN] = KnownDirectory()


def fetch_login_names(shared: Shared, login_names: Collection[str]) -> None:
    """Whether each of these names is in use in the domain."""

    def question(directory: Directory, answers: dict[tuple[str, Any], Any]) -> None:
        taken = directory.login_names_in_use(login_names)
        answers.update({("in use", name.lower()): name.lower() in taken for name in login_names})

    if login_names:
        known_directory(shared).fetch(question)


def fetch_namesakes(shared: Shared, display_names: Collection[str], container: str) -> None:
    """Who below the container has one of these display names; nobody where there is no such container."""

    def question(directory: Directory, answers: dict[tuple[str, Any], Any]) -> None:
        answers["container", container] = exists = directory.container_exists(container)
        found: dict[str, list[DirectoryEntry]] = defaultdict(list)
        for entry in directory.find_by_display_names(display_names, container) if exists else ():
            found[_folded(entry.display_name)].append(entry)
        folded = {_folded(name) for name in display_names}
        answers.update({("namesakes", (name, container)): found.get(name, []) for name in folded})

    if display_names:
        known_directory(shared).fetch(question)


def fetch_accounts(
    shared: Shared, *, guids: Collection[UUID] = (), login_names: Collection[str] = ()
) -> None:
    """The accounts of these objectGUIDs and login names as AD holds them now."""

    def question(directory: Directory, answers: dict[tuple[str, Any], Any]) -> None:
        by_guid = {entry.guid: entry for entry in directory.find_by_guids(guids)} if guids else {}
        answers.update({("guid", guid): by_guid.get(guid) for guid in guids})
        by_name = (
            {entry.login_name.lower(): entry for entry in directory.find_by_login_names(login_names)}
            if login_names
            else {}
        )
        answers.update({("login name", name.lower()): by_name.get(name.lower()) for name in login_names})

    if guids or login_names:
        known_directory(shared).fetch(question)


def fetch_group_addresses(shared: Shared, mails: Collection[str]) -> None:
    """Which of these addresses are mailing lists (ACC-09)."""

    def question(directory: Directory, answers: dict[tuple[str, Any], Any]) -> None:
        lists = directory.group_addresses(mails)
        answers.update({("group", mail.lower()): mail.lower() in lists for mail in mails})

    if mails:
        known_directory(shared).fetch(question)


def _folded(display_name: str) -> str:
    """Names that AD takes for one: it minds neither case nor width."""
    return unicodedata.normalize("NFKC", display_name).casefold()
