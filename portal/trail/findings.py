"""What the verification of the evidence log says."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.trail.models import SealBatch

MOST = 100  # findings that are kept of one kind


class Kind(TextChoices):
    """What is wrong."""

    CHANGED = "CHANGED", _("changed after it was sealed")
    DELETED = "DELETED", _("deleted")
    INSERTED = "INSERTED", _("inserted afterwards, behind records that were sealed before")
    BACK_DATED = "BACK_DATED", _("bears a time long before the seal before its own")
    FILE = "FILE", _("its file is missing or another")
    LEAF_MISSING = "LEAF_MISSING", _("missing in the log: its end or a part was cut out")
    SWAPPED = "SWAPPED", _("one of the records since the seal before was exchanged together with its hash")
    CHECKPOINT = "CHECKPOINT", _("the checkpoint was exchanged")
    SIGNATURE = "SIGNATURE", _("the signature is wrong")
    OLDER = "OLDER", _("the database is older than the checkpoint shown")
    OTHER_LOG = "OTHER_LOG", _("the checkpoint shown belongs to other records")
    UNKNOWN_SOURCE = "UNKNOWN_SOURCE", _("nobody knows how to read records of this kind")
    NO_TABLE = "NO_TABLE", _("is no table: something else was put in its place")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not fit. `leaf`: the number in the log up to which everything else fits."""

    kind: str
    leaf: int
    source: str = ""
    key: int | None = None
    detail: str = ""

    @property
    def record(self) -> str:
        """The record in words: kind and number."""
        if self.key is None:
            return self.source or f"#{self.leaf}"
        return f"{self.source} {self.key}"


@dataclass
class SealTimes:
    """Up to which leaf the log was signed by when, as the signing process said itself: of the checkpoints whose signature was checked."""

    sizes: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # seconds since 1970

    def add(self, size: int, time: float) -> None:
        """The next checkpoint."""
        self.sizes.append(size)
        self.times.append(time)

    def by(self, leaf: int) -> float:
        """When the leaf was sealed at the latest; infinite for one that no checked checkpoint covers yet."""
        place = bisect_right(self.sizes, leaf)
        return self.times[place] if place < len(self.times) else inf


@dataclass
class Result:
    """What was looked at and what was found, the first record that does not fit at the front."""

    records: int = 0
    leaves: int = 0
    checkpoints: int = 0
    signatures: int = 0
    disposed: int = 0
    less: int = 0  # of them: not all that is left of them is proven
    good: int = 0  # leaves below the last root that fits
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seals: SealTimes = field(default_factory=SealTimes)

    @property
    def fits(self) -> bool:
        """Whether everything fits."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep it, unless there are many of its kind already."""
        if sum(each.kind == finding.kind for each in self.findings) < MOST:
            self.findings.append(finding)


@dataclass
class Floors:
    """The batches in their order: where each begins, when the seal before its own was made (seconds since 1970, 0.0 for none),
    which leaves were beyond doubt after it, and leaves that belong to none."""

    firsts: list[int] = field(default_factory=list)
    sealed_before: list[float] = field(default_factory=list)
    floors: list[int] = field(default_factory=list)
    strays: list[tuple[int, int]] = field(default_factory=list)  # from, up to and without

    @classmethod
    def read(cls, leaves: int) -> Floors:
        """All batches, oldest first, of a log of so many leaves."""
        made, end = cls(), 0
        newest = before = 0.0
        rows = SealBatch.objects.order_by("first_leaf").values_list(
            "first_leaf", "leaves", "floor_leaf", "at"
        )
        for first, count, floor, at in rows.iterator(chunk_size=10_000):
            if at.timestamp() != newest:  # a seal makes several batches when there is much to take
                newest, before = at.timestamp(), newest
            made.firsts.append(first)
            made.sealed_before.append(before)
            made.floors.append(floor)
            if first > end:
                made.strays.append((end, first))
            end = max(end, first + count)
        if leaves > end:
            made.strays.append((end, leaves))
        return made

    def closed_before(self, leaf: int) -> int:
        """Up to which leaf the keys were beyond doubt when the batch of this leaf was made."""
        place = bisect_right(self.firsts, leaf) - 1
        return self.floors[place - 1] if place > 0 else 0

    def around(self, leaf: int) -> tuple[int, int, float]:
        """The batch of a leaf: its first leaf, that of the next batch, and when the seal before its own was made."""
        place = bisect_right(self.firsts, leaf) - 1
        if place < 0:
            return 0, self.firsts[0] if self.firsts else 1 << 62, 0.0
        end = self.firsts[place + 1] if place + 1 < len(self.firsts) else 1 << 62
        return self.firsts[place], end, self.sealed_before[place]
