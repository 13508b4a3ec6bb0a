"""The sealer: takes new records into the log and has its head signed (SEC-02, docs/adr/0040).

`seal(now=…)` is the job of every minute, and is called before each step that rests on the evidence. Three parts, each safe to be cut
off: the signing process is asked what it signed last, new records become leaves in one transaction, the new head is signed and
kept in another. Whatever one seal did not get to the next one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from portal.trail import keys, notes
from portal.trail.errors import LogForked, LogRewound, SealNotFresh, SignerRefused
from portal.trail.merkle import BLOCK, leaf_hash, root_of
from portal.trail.models import Checkpoint, Leaf, SealBatch, TreeNode
from portal.trail.reading import leaf_hashes, lines, listed, parts_of_chunk, set_session, told_of_parts
from portal.trail.signer.client import PIECE, Signed, SignerClient
from portal.trail.sources import Source, all_sources, find_source

BATCH = "trail.batch"  # the source of the batches themselves
_LOCK = 7_062_026  # any number that nobody else takes
_AT_ONCE = 20_000  # rows of one source in one transaction
_HEARTBEAT = timedelta(minutes=5)  # a head is signed anew after that, also when nothing is new
_SETTLING = timedelta(minutes=1)  # no transaction takes longer from its number in the table to its own number
SETTLED_BACK = timedelta(days=1)  # how far back a row may say that it was settled


class _Taken(NamedTuple):
    source: Source
    key: bytes
    hash: bytes


def seal(*, now: datetime) -> Checkpoint:
    """Seal every record that is committed; the newest checkpoint, which covers them. Never inside a transaction.

    Raises SignerUnavailable, SignerRefused, LogRewound, LogForked.
    """
    signer = SignerClient(settings.EVIDENCE["socket"])
    _compare_with(signer.status(), now)
    after: dict[str, int] = {}
    while _take_leaves(now, after):
        pass
    return _sign(signer, now)


def newest() -> Checkpoint | None:
    """The newest checkpoint."""
    return Checkpoint.objects.first()


def seal_is_fresh(now: datetime) -> bool:
    """Whether there is a seal within the minutes that the settings allow."""
    last = newest()
    return last is not None and last.at > now - timedelta(minutes=settings.EVIDENCE["fresh_minutes"])


def require_fresh_seal(now: datetime) -> None:
    """For steps that rest on the evidence. Raises SealNotFresh."""
    if not seal_is_fresh(now):
        raise SealNotFresh(f"no seal for {settings.EVIDENCE['fresh_minutes']} minutes")


def _compare_with(signed: Signed, now: datetime) -> None:
    """What was signed last must be in this database. A checkpoint whose answer was lost is taken up again."""
    count = _leaf_count()
    if count < signed.size:
        raise LogRewound(f"{signed.size} records were signed, the database has {count} of them")
    same = Checkpoint.objects.filter(size=signed.size).first()
    if same is not None:
        if bytes(same.root) != signed.root:
            raise LogForked(f"another root over the first {signed.size} records was signed")
    elif signed.size:
        if root_of(hashes(0, signed.size)) != signed.root:
            raise LogForked(f"another root over the first {signed.size} records was signed")
        _keep(signed.note, now)


def _take_leaves(now: datetime, after: dict[str, int]) -> bool:
    """One transaction of new leaves; whether there may be more. `after`: how far each source was taken in this seal."""
    with transaction.atomic(durable=True):
        _lock()
        set_session()
        xmin, xmax = _snapshot()
        first, floor = _leaf_count(), _last_floor()
        if not after:
            after |= _marks([source.name for source in all_sources()], floor)
        taken: list[_Taken] = []
        full = False
        for source in all_sources():
            rows = _new_rows(source, after[source.name], now)
            taken += rows
            full = full or len(rows) == _AT_ONCE
            if rows and not source.when:
                after[source.name] = int(rows[-1].key)
        if not taken:
            return False
        if not full:  # else rows below the new floor may still wait for their turn
            floor = max(floor, _closed(xmin, xmax))
        batch = SealBatch.objects.create(
            at=now, first_leaf=first, leaves=len(taken) + 1, next_xid=xmax, floor_leaf=floor
        )
        taken += _rows(find_source(BATCH), "t.id = %s", [batch.pk])
        _write(first, taken)
        _write_nodes(first + len(taken))
    return full


def _new_rows(source: Source, start: int, now: datetime) -> list[_Taken]:
    """Rows that have no leaf yet: only those that may still come, above the key `start`, are looked at, never the whole table."""
    if source.name == BATCH:
        return []
    leaf = f"SELECT FROM trail_leaf l WHERE l.source = '{source.name}' AND l.row_key = t.\"{source.key}\""
    if source.when:
        since = _settled_since(source)
        condition = f'({source.when}) AND (%s::timestamptz IS NULL OR t."{source.settled}" > %s)'
        return _rows(source, f"{condition} AND NOT EXISTS ({leaf})", [since] * 2)
    # Said of the leaves too: else PostgreSQL reads all of them for a comparison with a few thousand rows.
    return _rows(source, f't."{source.key}" > %s AND NOT EXISTS ({leaf} AND l.row_key > %s)', [start] * 2)


def _rows(source: Source | None, condition: str, values: list[Any]) -> list[_Taken]:
    assert source is not None
    query = (
        f'SELECT t."{source.key}", {listed(source.columns, "t")} FROM "{source.table}" t WHERE {condition}'  # noqa: S608
        f' ORDER BY t."{source.key}" LIMIT {_AT_ONCE}'
    )
    found = [line.split(b"\t", 1) for line in lines(query, values)]
    if rows := source.rows_of(source.version):
        found = [[key, line + told_of_parts(rows, parts_of_chunk(rows, int(key)))] for key, line in found]
    form = source.form(source.version)
    return [_Taken(source, key, leaf_hash(form % (key, line))) for key, line in found]


def mark_of(source: str, floor: int) -> int:
    """The highest key of a source among the leaves below `floor`: rows up to it are all sealed."""
    return _marks([source], floor)[source]


def _marks(sources: list[str], floor: int) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, coalesce((SELECT l.row_key FROM trail_leaf l WHERE l.source = name AND l.number < %s"
            " ORDER BY l.row_key DESC LIMIT 1), 0) FROM unnest(%s::text[]) AS name",
            [floor, sources],
        )
        return dict(cursor.fetchall())


def _settled_since(source: Source) -> datetime | None:
    last = newest()
    return last.at - SETTLED_BACK if last and Leaf.objects.filter(source=source.name).exists() else None


def _last_floor() -> int:
    """The floor of the batch before: what had not ended when that one looked may be there now, above its floor."""
    return SealBatch.objects.values_list("floor_leaf", flat=True).first() or 0


def _closed(xmin: int, xmax: int) -> int:
    """The number of leaves up to the newest batch before which every transaction that took a key has ended.

    A key is taken from its sequence a moment before its transaction gets a number, so a second batch, a minute later at
    least, says which transactions to wait for. After a restore into a new cluster old numbers lie in its future: they ended.
    """
    later = SealBatch.objects.filter(Q(next_xid__lte=xmin) | Q(next_xid__gt=xmax)).first()
    if later is None:
        return 0
    settled = SealBatch.objects.filter(pk__lt=later.pk, at__lte=later.at - _SETTLING).first()
    return settled.first_leaf + settled.leaves if settled else 0


def _write(first: int, taken: list[_Taken]) -> None:
    """As text in one piece: a call for each value would take longer than everything else."""
    rows = [
        f"{number}\t{source.name}\t{source.version}\t{key.decode()}\t\\\\x{own.hex()}\n"
        for number, (source, key, own) in enumerate(taken, first)
    ]
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy("COPY trail_leaf (number, source, version, row_key, hash) FROM STDIN") as copy:
            copy.write("".join(rows))


def _write_nodes(count: int) -> None:
    known, full = TreeNode.objects.count(), count // BLOCK
    if known < full:
        new = list(hashes(known * BLOCK, full * BLOCK))
        roots = [root_of(new[at : at + BLOCK]) for at in range(0, len(new), BLOCK)]
        TreeNode.objects.bulk_create(TreeNode(number=known + n, hash=root) for n, root in enumerate(roots))


def _sign(signer: SignerClient, now: datetime) -> Checkpoint:
    with transaction.atomic(durable=True):
        _lock()
        signed, count, last = signer.status(), _leaf_count(), newest()
        if last and last.size == count == signed.size and now - _HEARTBEAT < last.at <= now:
            return last
        if count < signed.size:
            raise LogRewound(f"{signed.size} records were signed, the database has {count} of them")
        start, note = signed.size, ""
        while start < count or not note:
            end = min(start + PIECE, count)
            try:
                note = signer.sign(start=start, leaves=list(hashes(start, end)), time=now)
            except SignerRefused as refused:
                if refused.code == "rewound":
                    raise LogForked("the log was signed by somebody else meanwhile") from refused
                raise
            start = end
        return _keep(note, now)


def _keep(note: str, now: datetime) -> Checkpoint:
    """A key that nobody knows is as bad as no signature. Raises WrongSignature."""
    key, head = notes.verify(note, keys.known()), notes.parse(note)
    return Checkpoint.objects.create(
        at=now, size=head.size, root=head.root, key_id=key.key_id.hex(), note=note
    )


def hashes(start: int, end: int) -> Iterator[bytes]:
    """Leaf hashes in their order, `end` excluded."""
    return chain.from_iterable(leaf_hashes(start, end))


def _leaf_count() -> int:
    last = Leaf.objects.order_by("-number").values_list("number", flat=True).first()
    return 0 if last is None else last + 1


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _snapshot() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
        found: tuple[int, int] = cursor.fetchone()
    return found
