"""Checkpoints for people: what is printed on a report, what is mailed, and the proof that one record lies under one."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.common.time import JST
from portal.trail.merkle import BLOCK, path, root_from_path, root_of
from portal.trail.models import Checkpoint, Leaf, TreeNode
from portal.trail.sealing import hashes, newest

SHORT = 16  # hexadecimal digits of a root in print: 64 bits tell a forged root from the true one


def latest_checkpoint() -> str:
    """One printable line: records, root (shortened), time in Japan, key. "" before the first seal."""
    last = newest()
    return printed(last) if last else ""


def printed(checkpoint: Checkpoint) -> str:
    """The line for one checkpoint."""
    return _("evidence log: %(size)d records, root %(root)s, %(time)s, key %(key)s") % {
        "size": checkpoint.size,
        "root": short_root(checkpoint),
        "time": f"{checkpoint.at.astimezone(JST):%Y-%m-%d %H:%M:%S}",
        "key": checkpoint.key_id,
    }


def short_root(checkpoint: Checkpoint) -> str:
    """The first digits of the root, in groups of four."""
    digits = bytes(checkpoint.root).hex()[:SHORT]
    return " ".join(digits[at : at + 4] for at in range(0, SHORT, 4))


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That a record lies in the log: its leaf, and the hashes that lead from it to the root of a checkpoint."""

    leaf: int
    leaf_hash: bytes
    sealed_at: datetime
    checkpoint: Checkpoint
    path: list[bytes]
    holds: bool

    @property
    def steps(self) -> list[str]:
        """The hashes for print."""
        return [base64.b64encode(step).decode() for step in self.path]


def proof_of(leaf: Leaf) -> Proof | None:
    """The proof under the newest checkpoint; None while the leaf is not signed yet. Reads 256 leaves and one node for each 256."""
    last = newest()
    first = Checkpoint.objects.filter(size__gt=leaf.number).order_by("size", "id").first()
    if last is None or first is None:
        return None
    steps = _path(leaf.number, last.size)
    own = bytes(leaf.hash)
    return Proof(
        leaf=leaf.number,
        leaf_hash=own,
        sealed_at=first.at,
        checkpoint=last,
        path=steps,
        holds=root_from_path(own, leaf.number, last.size, steps) == bytes(last.root),
    )


def _path(index: int, size: int) -> list[bytes]:
    """As merkle.path over all leaves: within the block of the leaf, then over the roots of the blocks."""
    block, full = index // BLOCK, size // BLOCK
    nodes = [
        bytes(kept)
        for kept in TreeNode.objects.filter(number__lt=full).order_by("number").values_list("hash", flat=True)
    ]
    rest = list(hashes(full * BLOCK, size))
    if block < full:
        inside = path(list(hashes(block * BLOCK, (block + 1) * BLOCK)), index % BLOCK)
    else:
        inside = path(rest, index - full * BLOCK)
    if not full or not rest:
        return inside + (path(nodes, block) if full else [])
    # The last block is not full: it is one more subtree, lower than the others, at the right end.
    return inside + path([*nodes, root_of(rest)], block)
