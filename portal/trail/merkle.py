"""The Merkle tree of RFC 6962: what one signed root says about every record below it.

Leaves and nodes are hashed with different first bytes, so that no node can be passed off as a record. Pure functions: the
signing process uses them without Django and without a database.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"
BLOCK_LEVEL = 8
BLOCK = 1 << BLOCK_LEVEL  # leaves below one kept node (portal.trail.models.TreeNode)


def leaf_hash(data: bytes) -> bytes:
    """The hash of a record."""
    return sha256(_LEAF + data).digest()


def leaf_hash_in_digits(data: bytes) -> bytes:
    """The same as hexadecimal digits, as PostgreSQL writes it."""
    return hexlify(sha256(_LEAF + data).digest())


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(_NODE + left + right).digest()


@dataclass
class Frontier:
    """Everything that has to be known of a tree to extend it: its size and the roots of its full subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Append leaves."""
        size, peaks, make = self.size, self.peaks, sha256
        for leaf in hashes:
            rest, top = size, leaf
            while rest & 1:
                top = make(_NODE + peaks.pop() + top).digest()
                rest >>= 1
            peaks.append(top)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root of the tree so far; of the empty one the hash of nothing."""
        if not self.peaks:
            return sha256().digest()
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node_hash(peak, top)
        return top


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root of a whole tree."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


def path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index`: with it and the leaf anybody computes the root. Raises IndexError."""
    if not 0 <= index < len(hashes):
        raise IndexError(index)
    return _path(hashes, index)


def _path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    if len(hashes) == 1:
        return []
    split = _largest_power_below(len(hashes))
    if index < split:
        return [*_path(hashes[:split], index), root_of(hashes[split:])]
    return [*_path(hashes[split:], index - split), root_of(hashes[:split])]


def root_from_path(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that the path leads to (RFC 9162, 2.1.3.2). Raises ValueError when the path does not fit the size."""
    if not 0 <= index < size:
        raise ValueError("the record lies outside the tree")
    place, last, top = index, size - 1, leaf
    for step in proof:
        if not last:
            raise ValueError("the path is too long")
        if place & 1 or place == last:
            top = node_hash(step, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = node_hash(top, step)
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the path is too short")
    return top


def _largest_power_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)
