"""Rows that differ in the same way become sessions that a person can read; each with a fingerprint that lasts."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from audit.reconciliation.windows import Window

W = TypeVar("W")
_SEPARATOR = "\x1f"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session(Generic[W]):
    """What differs, as a person sees it. Moments as in the engine. `work`: what it belongs to, or is nearest to."""

    fingerprint: str
    log_kind: str
    code: str
    host: str
    account: str
    client: str
    object_name: str
    actions: tuple[str, ...]
    first_at: int
    last_at: int
    row_count: int
    volume: int
    medium_serial: str
    medium_permitted: bool | None
    involves_number: bool
    work: W | None


class Fold:
    """Rows that have everything in common that a session says: numbers, moments, volumes; 24 bytes for each."""

    __slots__ = ("actions", "ats", "ids", "volumes")

    def __init__(self) -> None:
        self.ids, self.ats, self.volumes = array("q"), array("q"), array("q")
        self.actions: set[str] = set()


class Folds(Generic[W]):
    """Collects rows by what they have in common."""

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._found: dict[tuple[Any, ...], Fold] = {}

    def of(self, subject: Any, code: str, window: Window[W] | None, permitted: bool | None) -> Fold:
        """Where the rows of this subject with this finding go."""
        own = (
            subject.log_kind,
            subject.host,
            next((name for name in subject.accounts if name), ""),
            subject.client,
            subject.object_name,
            subject.medium_serial,
            subject.involves_number,
        )
        key = (own, code, permitted, window)
        fold = self._found.get(key)
        if fold is None:
            fold = self._found[key] = Fold()
        fold.actions.add(subject.action)
        return fold

    def sessions(self) -> list[Session[W]]:
        """Every collection cut where nothing happened for longer than the gap."""
        found: list[Session[W]] = []
        while self._found:  # what is cut is needed no longer
            found.extend(self._cut(*self._found.popitem()))
        return found

    def _cut(self, key: tuple[Any, ...], fold: Fold) -> Iterator[Session[W]]:
        rows = sorted(zip(fold.ats, fold.ids, fold.volumes, strict=True))
        start = 0
        for place in range(1, len(rows)):
            if rows[place][0] - rows[place - 1][0] > self._gap:
                yield self._session(key, fold, rows[start:place])
                start = place
        yield self._session(key, fold, rows[start:])

    def _session(self, key: tuple[Any, ...], fold: Fold, rows: list[tuple[int, int, int]]) -> Session[W]:
        own, code, permitted, window = key
        log_kind, host, account, client, object_name, medium_serial, involves_number = own
        first_at, last_at = rows[0][0], rows[-1][0]
        volume = sum(row[2] for row in rows)
        work = window.work if window else None
        said = (*own, code, permitted, _name(work), first_at, last_at, len(rows), volume)
        return Session(
            fingerprint=_fingerprint(said, sorted(row[1] for row in rows)),
            log_kind=log_kind,
            code=code,
            host=host,
            account=account,
            client=client,
            object_name=object_name,
            actions=tuple(sorted(fold.actions - {""})),
            first_at=first_at,
            last_at=last_at,
            row_count=len(rows),
            volume=volume,
            medium_serial=medium_serial,
            medium_permitted=permitted,
            involves_number=involves_number,
            work=work,
        )


class Fits(Generic[W]):
    """Rows that fit a work: one line for each work, machine, account and client, whatever the rows were about."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], _Fit] = {}

    def add(
        self, subject: Any, code: str, window: Window[W], rows: int, volume: int, first_at: int, last_at: int
    ) -> None:
        """Some rows of a subject, all within these moments."""
        account = next((name for name in subject.accounts if name), "")
        key = (
            subject.log_kind,
            code,
            window,
            subject.host,
            account,
            subject.client,
            subject.medium_serial,
            subject.involves_number,
        )
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = _Fit(first_at, last_at)
        found.rows += rows
        found.volume += volume
        found.first_at, found.last_at = min(found.first_at, first_at), max(found.last_at, last_at)
        found.actions.add(subject.action)

    def sessions(self) -> list[Session[W]]:
        """In the order of their time."""
        made = [self._session(key, fit) for key, fit in self._found.items()]
        return sorted(made, key=lambda session: (session.first_at, session.fingerprint))

    @staticmethod
    def _session(key: tuple[Any, ...], fit: _Fit) -> Session[W]:
        log_kind, code, window, host, account, client, medium_serial, involves_number = key
        said = (
            log_kind,
            code,
            _name(window.work),
            host,
            account,
            client,
            medium_serial,
            involves_number,
            fit.first_at,
            fit.last_at,
            fit.rows,
            fit.volume,
        )
        return Session(
            fingerprint=_fingerprint(said, ()),
            log_kind=log_kind,
            code=code,
            host=host,
            account=account,
            client=client,
            object_name="",
            actions=tuple(sorted(fit.actions - {""})),
            first_at=fit.first_at,
            last_at=fit.last_at,
            row_count=fit.rows,
            volume=fit.volume,
            medium_serial=medium_serial,
            medium_permitted=True if medium_serial else None,  # else the row would not fit (R6)
            involves_number=involves_number,
            work=window.work,
        )


class _Fit:
    """What was added up so far."""

    __slots__ = ("actions", "first_at", "last_at", "rows", "volume")

    def __init__(self, first_at: int, last_at: int) -> None:
        self.first_at, self.last_at = first_at, last_at
        self.rows = self.volume = 0
        self.actions: set[str] = set()


def of_work(code: str, log_kind: str, window: Window[Any], *, rows: int, volume: int) -> Session[Any]:
    """What is said of a work as a whole: it left no trace, or more than it declared."""
    work = window.work
    said = (log_kind, code, _name(work), window.start, window.end, rows, volume)
    return Session(
        fingerprint=_fingerprint(said, ()),
        log_kind=log_kind,
        code=code,
        host=work.hosts[0] if work.hosts else "",
        account=work.accounts[0] if work.accounts else "",
        client="",
        object_name="",
        actions=(),
        first_at=window.start,
        last_at=window.end,
        row_count=rows,
        volume=volume,
        medium_serial=work.medium_serial,
        medium_permitted=None,
        involves_number=True,
        work=work,
    )


def _name(work: Any) -> str:
    return f"{work.id} {work.number}" if work is not None else ""


def _fingerprint(said: tuple[Any, ...], ids: Iterable[int]) -> str:
    digest = hashlib.sha256(_SEPARATOR.join(str(value) for value in said).encode())
    digest.update(",".join(map(str, ids)).encode())
    return digest.hexdigest()
