"""A kept piece of a file, as it is read: packed, with or without the headings, cut off or whole. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from audit.imports.parsing import Parsed, Parser


@dataclass(frozen=True, kw_only=True)
class Piece:
    """`packed`: as LogChunk keeps it. `cut`: the number of its last line, where the file was cut off in the middle of it."""

    packed: bytes
    first_line: int
    batch_id: int
    has_headings: bool = False
    cut: int | None = None


def parse(parser: Parser, piece: Piece) -> Parsed:
    """What the piece holds. Pieces of a file are read in their order."""
    data, first = zlib.decompress(piece.packed), piece.first_line
    cut = None if data.endswith(b"\n") else piece.cut
    if cut is not None:
        data = data[: data.rfind(b"\n") + 1]  # its last line is half a line, whatever it looks like
    if piece.has_headings:
        data, first = data.partition(b"\n")[2], first + 1
    parsed = parser.parse(data, first, piece.batch_id)
    if cut is not None:
        parsed.problems.append((cut, "CUT", ""))
        parsed.lines += 1
    elif data and not data.endswith(b"\n"):
        parsed.problems.append((first + parsed.lines - 1, "NO_LINE_END", ""))
    parsed.lines += piece.has_headings
    return parsed
