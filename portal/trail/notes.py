"""The text of a checkpoint and its signature: C2SP signed-note and tlog-checkpoint, readable without this portal.

    kokuho-network-portal/evidence       the name of the log
    1402                                 records in it
    qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=   root of the tree over them
    time 2026-11-20T08:30:00Z            when it was signed
    (empty line)
    — kokuho-network-portal/evidence <base64 of key id and Ed25519 signature>

Pure: used by the signing process, which knows neither Django nor the database.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_NAME = re.compile(r"[^\s+]{1,100}")


class NotACheckpoint(ValueError):
    """The text is no checkpoint."""


class WrongSignature(Exception):
    """No known key signed this text."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a checkpoint states: the name of the log, its size, its root and when."""

    origin: str
    size: int
    root: bytes
    time: dt.datetime
    extra: tuple[str, ...] = ()

    def text(self) -> str:
        """The lines that are signed."""
        moment = self.time.astimezone(dt.UTC).strftime(_TIME)
        lines = [
            self.origin,
            str(self.size),
            base64.b64encode(self.root).decode(),
            f"time {moment}",
            *self.extra,
        ]
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class VerifierKey:
    """The public half: `name+key id+base64`, as C2SP writes it."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises ValueError for anything else than a verifier key."""
        name, _plus, rest = text.strip().partition("+")
        key_id, _plus, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raw = b""
        if not _NAME.fullmatch(name) or len(raw) != 33 or raw[:1] != _ED25519:
            raise ValueError(f"no verifier key: {text[:80]!r}")
        made = cls(name, raw[1:])
        if made.key_id.hex() != key_id.lower():
            raise ValueError(f"the id of the verifier key does not fit it: {text[:80]!r}")
        return made


def verifier_of(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a private key."""
    return VerifierKey(name, key.public_key().public_bytes_raw())


def sign(head: Head, key: Ed25519PrivateKey) -> str:
    """The signed text."""
    text = head.text()
    signature = verifier_of(head.origin, key).key_id + key.sign(text.encode())
    return f"{text}\n— {head.origin} {base64.b64encode(signature).decode()}\n"


def parse(note: str) -> Head:
    """What the text states, whoever signed it. Raises NotACheckpoint."""
    text, gap, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 4 or not signatures.startswith("— ") or not lines[3].startswith("time "):
        raise NotACheckpoint("no checkpoint")
    try:
        if not re.fullmatch(r"0|[1-9]\d{0,18}", lines[1], re.ASCII):
            raise ValueError
        root = base64.b64decode(lines[2], validate=True)
        time = dt.datetime.strptime(lines[3][5:], _TIME).replace(tzinfo=dt.UTC)
    except ValueError:
        raise NotACheckpoint("no checkpoint") from None
    if len(root) != 32:
        raise NotACheckpoint("no checkpoint")
    return Head(origin=lines[0], size=int(lines[1]), root=root, time=time, extra=tuple(lines[4:]))


def verify(note: str, keys: Sequence[VerifierKey]) -> VerifierKey:
    """The key that signed the text. Raises NotACheckpoint, WrongSignature."""
    # cryptography takes 8 MB: it is loaded by whoever verifies, not by every process that knows the keys.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    head = parse(note)
    text, _gap, signatures = note.partition("\n\n")
    for line in signatures.splitlines():
        dash, name, encoded = [*line.split(" "), "", ""][:3]
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue
        for key in keys:
            if dash != "—" or name != key.name or head.origin != key.name or raw[:4] != key.key_id:
                continue
            try:
                Ed25519PublicKey.from_public_bytes(key.key).verify(raw[4:], f"{text}\n".encode())
            except InvalidSignature:
                continue
            return key
    raise WrongSignature("no known key signed this checkpoint")
