"""Computes the evidence log anew from the records and says which do not fit (SEC-02).

Everything is streamed: a million records need a few seconds and little memory. What it finds, and what it cannot, stands in
docs/adr/0040 and on the page 証跡の検証.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from portal.trail import keys, notes
from portal.trail.errors import EvidenceError
from portal.trail.findings import MOST, Finding, Floors, Kind, Result
from portal.trail.merkle import Frontier
from portal.trail.models import Checkpoint, Leaf
from portal.trail.reading import leaf_hashes
from portal.trail.records import look_at_source
from portal.trail.signer.client import SignerClient
from portal.trail.sources import all_sources, find_source

_EVERY_SIGNATURE = timedelta(
    days=2
)  # of the last days every signature is checked, of older ones the last of each day


def verify(
    *, shown: Sequence[str] = (), since: int = 0, source: str = "", every_signature: bool = False
) -> Result:
    """Look at everything. `shown`: texts of checkpoints from outside; `since`: the first leaf whose record is read anew.

    One snapshot of the database; writes nothing.
    """
    result = Result()
    alone = not connection.in_atomic_block
    with transaction.atomic(durable=True):
        if alone:  # not within the transaction of a test
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        outside = _outside(result, shown)
        _look_at_log(result, outside, every_signature)
        _look_at_tables(result)
        if not any(finding.kind == Kind.NO_TABLE for finding in result.findings):
            floors = Floors.read(result.leaves)
            _look_at_strays(result, floors)
            asked = _with_decisions(source)
            for each in all_sources():
                if not source or each.name in asked:
                    look_at_source(result, each, since, floors)
    result.findings.sort(key=lambda finding: (finding.leaf, finding.source, finding.key or 0))
    return result


def _with_decisions(name: str) -> set[str]:
    """A source, and the one whose records explain what is gone of it."""
    found = find_source(name)
    return {name, found.going.decided} if found and found.going else {name}


def _outside(result: Result, shown: Sequence[str]) -> list[notes.Head]:
    """Checkpoints that somebody else kept, and the one that the signing process signed last."""
    heads = []
    for text in shown:
        try:
            notes.verify(text, keys.known())
        except (notes.NotACheckpoint, notes.WrongSignature) as error:
            result.add(Finding(kind=Kind.SIGNATURE, leaf=0, source=str(error)))
            continue
        heads.append(notes.parse(text))
    try:
        signed = SignerClient(settings.EVIDENCE["socket"]).status()
    except EvidenceError as error:
        result.notes.append(str(error))
    else:
        if signed.note:
            heads.append(notes.parse(signed.note))
    return heads


@dataclass
class _Kept:
    """A checkpoint that is waited for while the leaves go by."""

    size: int
    root: bytes
    name: str = ""
    at: datetime | None = None
    note: str = ""


class _Ahead:
    """The checkpoints still to come; `first` is the next."""

    def __init__(self, kept: Iterator[_Kept]) -> None:
        self._kept = kept
        self.first = next(kept, None)

    def up_to(self, size: int) -> Iterator[_Kept]:
        """Those of at most this size, taken off."""
        while self.first is not None and self.first.size <= size:
            yield self.first
            self.first = next(self._kept, None)


def _look_at_log(result: Result, outside: list[notes.Head], every_signature: bool) -> None:
    """Numbers without a gap, every root from the leaves below it, every text as its columns say."""
    own = _Ahead(_checkpoints(result, every_signature))
    others = _Ahead(
        iter(sorted((_Kept(head.size, head.root) for head in outside), key=lambda each: each.size))
    )
    frontier = Frontier()
    _compare_roots(result, frontier, own, others)
    first, end = _leaf_numbers()
    for hashes in leaf_hashes(0, end):
        start, at = frontier.size, 0
        while at < len(hashes):
            stops = [each.first.size - start for each in (own, others) if each.first]
            until = min([len(hashes), *(stop for stop in stops if stop > at)])
            frontier.extend(hashes[at:until])
            at = until
            _compare_roots(result, frontier, own, others)
    if first or frontier.size < end:
        result.add(Finding(kind=Kind.LEAF_MISSING, leaf=frontier.size))
        return
    result.leaves = frontier.size
    if own.first is not None:
        result.add(Finding(kind=Kind.LEAF_MISSING, leaf=frontier.size, source=own.first.name))
    if others.first is not None:
        last_size = max(head.size for head in outside)
        result.add(Finding(kind=Kind.OLDER, leaf=frontier.size, detail=f"{frontier.size + 1}-{last_size}"))


def _leaf_numbers() -> tuple[int, int]:
    """The lowest number, and the one after the highest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(number), 0), coalesce(max(number) + 1, 0) FROM trail_leaf")
        found: tuple[int, int] = cursor.fetchone()
    return found


def _compare_roots(result: Result, frontier: Frontier, own: _Ahead, others: _Ahead) -> None:
    for kept in own.up_to(frontier.size):
        if (kept.size, kept.root) == (frontier.size, frontier.root()):
            result.good = kept.size
        else:
            detail = f"{result.good + 1}-{kept.size}"
            result.add(Finding(kind=Kind.SWAPPED, leaf=result.good, source=kept.name, detail=detail))
    for kept in others.up_to(frontier.size):
        if (kept.size, kept.root) != (frontier.size, frontier.root()):
            result.add(Finding(kind=Kind.OTHER_LOG, leaf=kept.size))


def _checkpoints(result: Result, every_signature: bool) -> Iterator[_Kept]:
    """Checkpoints by size; what they say of themselves is looked at on the way."""
    known, newest = keys.known(), Checkpoint.objects.order_by("-id").first()
    if newest is None:
        return
    rows = Checkpoint.objects.order_by("size", "id").values_list("id", "at", "size", "root", "key_id", "note")
    before: _Kept | None = None
    for pk, at, size, root, key_id, note in rows.iterator(chunk_size=2000):
        kept = _Kept(size, bytes(root), f"checkpoint {pk}", at, note)
        result.checkpoints += 1
        if not _says_the_same(kept, key_id, known):
            result.add(Finding(kind=Kind.CHECKPOINT, leaf=size, source=kept.name))
        recent = every_signature or at >= newest.at - _EVERY_SIGNATURE
        if before is not None and (recent or _day(before) != _day(kept)):
            _check_signature(result, before, known)
        before = kept
        yield kept
    if before is not None:
        _check_signature(result, before, known)


def _day(kept: _Kept) -> object:
    return kept.at.date() if kept.at else None


def _says_the_same(kept: _Kept, key_id: str, known: Sequence[notes.VerifierKey]) -> bool:
    try:
        head = notes.parse(kept.note)
    except notes.NotACheckpoint:
        return False
    return (head.size, head.root) == (kept.size, kept.root) and key_id in {key.key_id.hex() for key in known}


def _check_signature(result: Result, kept: _Kept, known: Sequence[notes.VerifierKey]) -> None:
    result.signatures += 1
    try:
        notes.verify(kept.note, known)
    except (notes.WrongSignature, notes.NotACheckpoint):
        result.add(Finding(kind=Kind.SIGNATURE, leaf=kept.size, source=kept.name))
    else:
        result.seals.add(kept.size, notes.parse(kept.note).time.timestamp())


def _look_at_strays(result: Result, floors: Floors) -> None:
    """The sealer notes every leaf in its batch: others were written by somebody else."""
    for start, end in floors.strays:
        rows = Leaf.objects.filter(number__gte=start, number__lt=end).order_by("number")
        for leaf in rows[:MOST]:
            result.add(Finding(kind=Kind.INSERTED, leaf=leaf.number, source=leaf.source, key=leaf.row_key))


def _look_at_tables(result: Result) -> None:
    """A view in the place of a table would show what its maker likes; leaves of a source that nobody registers are unread."""
    tables = {"trail_leaf", "trail_checkpoint", "trail_sealbatch"}
    tables |= {each.table for each in all_sources()} | {
        each.rows.table for each in all_sources() if each.rows
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE oid = ANY(%s::text[]::regclass[]) AND relkind IN ('r', 'p')"
            " AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = pg_class.oid)",
            [_existing(tables)],
        )
        real = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "WITH RECURSIVE found AS ((SELECT source FROM trail_leaf ORDER BY source LIMIT 1) UNION ALL"
            " SELECT (SELECT source FROM trail_leaf l WHERE l.source > found.source ORDER BY source LIMIT 1)"
            " FROM found WHERE found.source IS NOT NULL) SELECT source FROM found WHERE source IS NOT NULL"
        )
        sealed = [name for (name,) in cursor.fetchall()]
    for name in sorted(tables - real):
        result.add(Finding(kind=Kind.NO_TABLE, leaf=0, source=name))
    for name in sealed:
        if find_source(name) is None:
            result.add(Finding(kind=Kind.UNKNOWN_SOURCE, leaf=0, source=name))


def _existing(tables: set[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t FROM unnest(%s::text[]) t WHERE to_regclass(t) IS NOT NULL", [sorted(tables)]
        )
        return [name for (name,) in cursor.fetchall()]
