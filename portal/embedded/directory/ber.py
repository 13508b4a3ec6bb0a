"""The little of BER that LDAP needs (X.690, RFC 4511 section 5.1): definite lengths, one-byte tags.

Written out because the demo directory must not share its codec with the client that it is there to test.
"""

from __future__ import annotations

from collections.abc import Iterator

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31


class BerError(ValueError):
    """The bytes are no LDAP message."""


def tlv(tag: int, content: bytes) -> bytes:
    """One element: tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes | str, tag: int = OCTETS) -> bytes:
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    return tlv(tag, b"".join(parts))


def message_size(data: bytes | bytearray) -> int | None:
    """The size of the first element with its header; None while its header is not complete."""
    if len(data) < 2:
        return None
    first = data[1]
    if first < 0x80:
        return 2 + first
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise BerError("unsupported length")
    if len(data) < 2 + count:
        return None
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a constructed content, as (tag, content)."""
    position = 0
    while position < len(data):
        rest = data[position : position + 6]
        size = message_size(rest)
        if size is None or position + size > len(data):
            raise BerError("an element is cut short")
        header = 2 if rest[1] < 0x80 else 2 + (rest[1] & 0x7F)
        yield data[position], data[position + header : position + size]
        position += size


def children(data: bytes) -> list[tuple[int, bytes]]:
    return list(elements(data))


def to_int(content: bytes) -> int:
    return int.from_bytes(content, "big", signed=True)
