"""Reads a QR code of version 1 by the tables of ISO/IEC 18004, without the library that drew it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

SIZE = 21  # version 1
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_FORMAT_MASK = 0b101010000010010
_DATA_BYTES = {0b01: 19, 0b00: 16, 0b11: 13, 0b10: 9}  # levels L, M, Q, H
_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: (y * x) % 2 + (y * x) % 3 == 0,
    lambda y, x: ((y * x) % 2 + (y * x) % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + (y * x) % 3) % 2 == 0,
)


def read(framed: Sequence[Sequence[bool]]) -> str:
    """The text of an alphanumeric code with its white border."""
    border = (len(framed) - SIZE) // 2
    assert border >= 4, "ISO/IEC 18004 wants four modules of white"
    modules = [list(row[border : border + SIZE]) for row in framed[border : border + SIZE]]
    level, mask = _format(modules)
    bits = "".join("01"[modules[y][x] ^ _MASKS[mask](y, x)] for y, x in _path())
    data = bits[: 8 * _DATA_BYTES[level]]
    assert data[:4] == "0010", "alphanumeric"
    count, at, text = int(data[4:13], 2), 13, ""
    while count > 1:
        pair = int(data[at : at + 11], 2)
        text, at, count = text + _LETTERS[pair // 45] + _LETTERS[pair % 45], at + 11, count - 2
    return text + (_LETTERS[int(data[at : at + 6], 2)] if count else "")


def _format(modules: list[list[bool]]) -> tuple[int, int]:
    """Level and mask, from the copy around the upper left finder."""
    columns = [0, 1, 2, 3, 4, 5, 7, 8]
    places = [(8, x) for x in columns] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    word = int("".join("01"[modules[y][x]] for y, x in places), 2) ^ _FORMAT_MASK
    return word >> 13, word >> 10 & 0b111


def _path() -> list[tuple[int, int]]:
    """The data modules in the order of reading: pairs of columns from the right, up and down in turn."""
    found, upwards = [], True
    for right in (20, 18, 16, 14, 12, 10, 8, 5, 3, 1):
        for y in range(SIZE - 1, -1, -1) if upwards else range(SIZE):
            found += [(y, x) for x in (right, right - 1) if not _is_pattern(y, x)]
        upwards = not upwards
    return found


def _is_pattern(y: int, x: int) -> bool:
    finder = (y < 9 and x < 9) or (y < 9 and x > 12) or (y > 12 and x < 9)
    return finder or y == 6 or x == 6
