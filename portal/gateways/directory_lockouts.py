"""The part of the directory port about locked accounts: since when, after how many attempts, and unlocking (REQ-04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from portal.gateways.directory_errors import DirectoryError

_AT_ONCE = 16  # a branch that is down costs one connect timeout, not one after the other


@dataclass(frozen=True, kw_only=True)
class LockState:
    """Whether an account is locked, and what else keeps its owner out."""

    guid: UUID
    login_name: str
    enabled: bool
    """Unlocking does not let the owner of a disabled account in."""
    locked_since: datetime | None
    """None when it is not locked now, also after a lock that ran out by itself."""

    @property
    def locked(self) -> bool:
        return self.locked_since is not None


@dataclass(frozen=True, kw_only=True)
class WrongAttempts:
    """What one domain controller counted (badPwdCount is not replicated)."""

    count: int
    last_at: datetime | None


class Lockouts(Protocol):
    """What the portal may do about locks; faults as in Directory, of which this is a part."""

    def lock_state(self, guid: UUID) -> LockState:
        """The lock as it is now. Raises NotFound; its code is "deleted" where the remains of the account prove that."""
        ...

    def wrong_attempts(self, controller: str, guids: Sequence[UUID]) -> Mapping[UUID, WrongAttempts]:
        """What this one controller counted for those accounts that it has.

        Asks over a connection of its own and may be called from several threads. Raises DirectoryUnavailable when the
        controller did not answer everything.
        """
        ...

    def unlock(self, guid: UUID, *, since: datetime | None = None) -> LockState:
        """End a lock and read back; an account that is not locked is success.

        With `since` only while it is the lock of then: ChangedMeanwhile for a newer one, AccountDisabled where unlocking
        would let nobody in. Raises ChangedMeanwhile (code "locked_again") when wrong attempts locked it anew at once,
        NotFound as `lock_state`, OutcomeUnknown also when it could not be read back.
        """
        ...


class _Asked(Lockouts, Protocol):
    def domain_controllers(self) -> Sequence[str]: ...


def attempts_everywhere(directory: _Asked, guid: UUID) -> Mapping[str, WrongAttempts | None]:
    """What each domain controller counted for one account, by address; None for one that does not answer or has no such account.

    Raises DirectoryError when the domain cannot even say which controllers it has.
    """
    return {url: found.get(guid) for url, found in all_attempts(directory, [guid]).items()}


def all_attempts(directory: _Asked, guids: Sequence[UUID]) -> Mapping[str, Mapping[UUID, WrongAttempts]]:
    """The same for many accounts in one question to each controller; one that does not answer counted nothing."""
    urls = list(dict.fromkeys(directory.domain_controllers()))

    def ask(url: str) -> Mapping[UUID, WrongAttempts]:
        try:
            return directory.wrong_attempts(url, guids)
        except DirectoryError:
            return {}

    with ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(urls)))) as pool:
        return dict(zip(urls, pool.map(ask, urls), strict=True))
