"""The dnsRecord values of AD-integrated zones, in both directions ([MS-DNSP] 2.3.2.2). Private to the adapter.

All numbers are little endian but the TTL, and those within the data of a record, which are as on the wire.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from portal.gateways._ldap3_values import to_filetime
from portal.gateways.dns_rules import text_bytes, text_strings, text_value

_HEADER = struct.Struct("<HHBBHI")
_TTL = struct.Struct(">I")
_AGE = struct.Struct("<II")
_HEADER_LENGTH = 24
_VERSION, _RANK_ZONE = 5, 0xF0
_TOMBSTONE = 0
_ESCAPE = re.compile(r"\\(\d{3})")

TYPE_NUMBERS: Mapping[str, int] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
}
_TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}
_NAMES = frozenset({"NS", "CNAME", "PTR"})


@dataclass(frozen=True, kw_only=True)
class AdRecord:
    """One dnsRecord value. `timestamp` is not 0 where a machine registered itself, so that the record may age."""

    number: int
    ttl: int
    data: bytes
    serial: int = 1
    timestamp: int = 0
    rank: int = _RANK_ZONE
    flags: int = 0

    @property
    def type(self) -> str:
        return _TYPE_NAMES.get(self.number, f"TYPE{self.number}")

    @property
    def is_tombstone(self) -> bool:
        return self.number == _TOMBSTONE

    @property
    def value(self) -> str:
        """The port's canonical value; the form of RFC 3597 for what is of another type or malformed."""
        try:
            return _read_value(self.type, self.data)
        except (ValueError, IndexError, struct.error):
            return f"\\# {len(self.data)} {self.data.hex()}"


def decode(blob: bytes) -> AdRecord | None:
    """The record in a dnsRecord value; None when it is none."""
    if len(blob) < _HEADER_LENGTH:
        return None
    length, number, version, rank, flags, serial = _HEADER.unpack_from(blob)
    (ttl,) = _TTL.unpack_from(blob, 12)
    _, timestamp = _AGE.unpack_from(blob, 16)
    data = blob[_HEADER_LENGTH:]
    if version != _VERSION or length != len(data):
        return None
    return AdRecord(
        number=number, ttl=ttl, data=data, serial=serial, timestamp=timestamp, rank=rank, flags=flags
    )


def encode(record: AdRecord) -> bytes:
    """The inverse of `decode`."""
    head = _HEADER.pack(
        len(record.data), record.number, _VERSION, record.rank, record.flags, record.serial % 2**32
    )
    return head + _TTL.pack(record.ttl) + _AGE.pack(0, record.timestamp) + record.data


def make(record_type: str, ttl: int, value: str, serial: int) -> AdRecord:
    """A record for one of the port's values. Raises ValueError when it cannot be held."""
    if not 0 <= ttl < 2**31:
        raise ValueError(f"ttl {ttl}")
    data = _write_value(record_type, value)
    return AdRecord(number=TYPE_NUMBERS[record_type], ttl=ttl, data=data, serial=serial)


def tombstone(moment: datetime, serial: int) -> AdRecord:
    """What a node holds whose last record was deleted, until AD clears it away."""
    return AdRecord(number=_TOMBSTONE, ttl=0, data=struct.pack("<Q", to_filetime(moment)), serial=serial)


def soa_numbers(record: AdRecord) -> tuple[int, int]:
    """Serial and negative TTL of a start-of-authority record. Raises ValueError when it is none."""
    if record.type != "SOA" or len(record.data) < 20:
        raise ValueError("no SOA")
    serial, _, _, _, minimum = struct.unpack_from(">IIIII", record.data)
    return serial, min(record.ttl, minimum)


def encode_name(name: str) -> bytes:
    """A name as dnsRecord counts it: length, number of labels, labels, end. Raises ValueError for what does not fit."""
    labels = [_label_bytes(label) for label in name.split(".")] if name not in ("", ".") else []
    if not all(1 <= len(label) <= 63 for label in labels):
        raise ValueError(f"a label of {name} is empty or too long")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > 255:
        raise ValueError(f"{name} is too long")
    return bytes([len(wire), len(labels)]) + wire


def decode_name(data: bytes) -> str:
    """The inverse, in lower case; "." for the root. Raises ValueError or IndexError for what is no name."""
    length, count = data[0], data[1]
    position, labels = 2, []
    for _ in range(count):
        size = data[position]
        label = data[position + 1 : position + 1 + size]
        if not 1 <= size <= 63 or len(label) != size:
            raise ValueError("no label")
        labels.append(_label_text(label))
        position += 1 + size
    if data[position] != 0 or position - 1 != length:
        raise ValueError("no name")
    return ".".join(labels) or "."


def _label_bytes(label: str) -> bytes:
    pieces = _ESCAPE.split(label)  # text and numbers by turns
    out = bytearray()
    for index, piece in enumerate(pieces):
        out += bytes([int(piece)]) if index % 2 else piece.encode("ascii")
    return bytes(out)


def _label_text(label: bytes) -> str:
    return "".join(
        chr(byte) if 0x21 <= byte < 0x7F and byte not in b".\\" else f"\\{byte:03d}" for byte in label.lower()
    )


def _write_value(record_type: str, value: str) -> bytes:
    match record_type:
        case "A":
            return ipaddress.IPv4Address(value).packed
        case "AAAA":
            return ipaddress.IPv6Address(value).packed
        case "CNAME" | "PTR":
            return encode_name(value)
        case "TXT":
            text_bytes(value)
            return b"".join(bytes([len(piece)]) + piece for piece in text_strings(value))
        case "SRV":
            priority, weight, port, target = value.split(" ")
            try:
                numbers = struct.pack(">HHH", int(priority), int(weight), int(port))
            except struct.error:
                raise ValueError(value) from None
            return numbers + encode_name(target)
        case _:
            raise ValueError(f"the portal writes no {record_type}")


def _read_value(record_type: str, data: bytes) -> str:
    if record_type == "A":
        return str(ipaddress.IPv4Address(data))
    if record_type == "AAAA":
        return str(ipaddress.IPv6Address(data))
    if record_type in _NAMES:
        return decode_name(data)
    if record_type == "TXT":
        return text_value(_read_strings(data))
    if record_type == "SRV":
        priority, weight, port = struct.unpack_from(">HHH", data)
        return f"{priority} {weight} {port} {decode_name(data[6:])}"
    if record_type == "MX":
        return f"{int.from_bytes(data[:2], 'big')} {decode_name(data[2:])}"
    if record_type == "SOA":
        numbers = struct.unpack_from(">IIIII", data)
        end = 20 + 2 + data[20]
        server, person = decode_name(data[20:end]), decode_name(data[end:])
        return " ".join([server, person, *map(str, numbers)])
    raise ValueError(record_type)


def _read_strings(data: bytes) -> bytes:
    out, position = bytearray(), 0
    while position < len(data):
        size = data[position]
        piece = data[position + 1 : position + 1 + size]
        if len(piece) != size:
            raise ValueError("no strings")
        out += piece
        position += 1 + size
    return bytes(out)
