"""What the records of disposals explain of the records that do not fit the log, and what they do not (SEC-02, AUD-09).

A record of a disposal is a row that somebody who holds the database can write. So it explains no more than what could have gone:

- it was made when its records could go, by its own time and by that of its seal, whichever is earlier;
- a record that went as a whole is really gone, and was sealed for as many years before as its kind is kept;
- a record that went without its content has none, is otherwise as the decision says that it was left, and is as old;
- of a chunk the parts that went have the digests that its leaf covers, so that nothing else of it can have changed.

What proves less (Decision.less) explains too, and is counted apart: the leaf of a chunk without parts cannot be computed any more when
some of its rows went, so only the record says that the rest is as it was left. That holds for what is as old as its kind is kept, and
for records that were sealed while the portal wrote them so: nobody can put one of those in afterwards.

The years are those of the law as the program has them, not the portal's rules, which are a table that can be changed as well. The
time of a seal is the one that the signing process wrote into its checkpoints.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from hashlib import sha256
from math import inf

from django.utils import timezone

from portal.trail.findings import SealTimes
from portal.trail.models import Leaf
from portal.trail.sources import Decision, Source

_EMPTY = b"\\\\x"  # no bytes, as COPY writes them


@dataclass(frozen=True)
class _Word:
    """What one decision says of a record: it was sealed by `sealed_by`, and what stays provable of it."""

    sealed_by: float
    told: bytes
    less: bool = False


class Explanations:
    """What the decisions say about the records of one source. Without `seals` only the rows of chunks can be explained.

    `less`: how many records were explained of which not everything is proven.
    """

    def __init__(self, source: Source, seals: SealTimes | None) -> None:
        self._source, self._seals = source, seals
        self.less = 0
        self._words: dict[int, list[_Word]] = {}
        if source.going is None:
            return
        decisions = list(source.going.read())
        made = self._made_by(source.going.decided, decisions)
        for decision in decisions:
            at = min(decision.at, made[decision.number])
            if at >= decision.kept_until:
                sealed_by = _years_before(at, decision.years).timestamp()
                for key, told in decision.gone.items():
                    self._words.setdefault(key, []).append(_Word(sealed_by, told))
                for key, told in decision.less.items():
                    word = _Word(inf if decision.earlier else sealed_by, told, less=True)
                    self._words.setdefault(key, []).append(word)

    def _made_by(self, source: str, decisions: list[Decision]) -> dict[int, dt.datetime]:
        """When each decision was there at the latest: its seal, or now for one of the last minute."""
        now = timezone.now()
        found = dict.fromkeys((decision.number for decision in decisions), now)
        leaves = Leaf.objects.filter(source=source, row_key__in=list(found))
        for key, number in leaves.values_list("row_key", "number") if self._seals else ():
            sealed = self._seals.by(number) if self._seals else now.timestamp()
            if sealed < now.timestamp():
                found[key] = dt.datetime.fromtimestamp(sealed, dt.UTC)
        return found

    def parts_gone(self, key: int) -> dict[bytes, bytes]:
        """The digests of the parts of a chunk that went, by the names of the parts."""
        told = (word.told.rpartition(b" ") for word in self._words.get(key, ()) if not word.less)
        return {part: digest for part, _space, digest in told if part}

    def is_as_left(self, key: int, leaf: int, rest: bytes) -> bool:
        """Whether the rows that are there of a chunk without parts are those that a disposal left, by their digest."""
        sealed = self._seals.by(leaf) if self._seals else 0.0
        words = self._words.get(key, ())
        found = any(word.less and word.told == rest and sealed <= word.sealed_by for word in words)
        self.less += found
        return found

    def explain(self, key: int, leaf: int, version: int, line: bytes, *, gone: bool) -> bool:
        """Whether a record that does not fit went as a whole, or without its content."""
        going, rows = self._source.going, self._source.rows
        words = self._words.get(key)
        if not words or going is None or self._seals is None or (rows and rows.part):
            return False
        sealed = self._seals.by(leaf)
        old = [word for word in words if sealed <= word.sealed_by]
        if not going.emptied:
            return gone and any(not word.less for word in old)
        values = dict(zip(self._source.columns_of(version) or (), line.split(b"\t"), strict=True))
        if values[going.emptied] != _EMPTY:
            return False
        digest = sha256(line).hexdigest().encode()
        if any(word.told == digest for word in old if not word.less):
            return True
        named = b"\t".join(values[name] for name in going.named)
        found = any(word.told == named for word in old if word.less)
        self.less += found
        return found


def _years_before(moment: dt.datetime, years: int) -> dt.datetime:
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - years, day=28)
