"""What the signing process keeps: its key, the frontier of the log it signed last, and a line for every signature."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.trail.merkle import Frontier
from portal.trail.notes import Head, VerifierKey, sign, verifier_of

CLOCK_TOLERANCE = dt.timedelta(minutes=5)


class Refused(Exception):
    """The signer does not do it; `code` says why: "rewound", "clock" or "request"."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def create(folder: Path, name: str) -> VerifierKey:
    """Make a key and an empty log. Raises FileExistsError when the folder has a key: a key is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    verifier = verifier_of(name, key)
    VerifierKey.parse(str(verifier))  # refuses a name that a checkpoint could not carry
    with open(os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    (folder / "verifier").write_text(f"{verifier}\n")
    return verifier


class Signer:
    """The key with the log that it signs."""

    def __init__(self, folder: Path, *, any_clock: bool = False) -> None:
        """`any_clock`: believe the times that are asked for, for demonstrations and tests that move the clock."""
        self.folder, self.any_clock = folder, any_clock
        key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{folder / 'key.pem'} holds no Ed25519 key")
        self._key = key
        self.verifier = VerifierKey.parse((folder / "verifier").read_text())
        if verifier_of(self.verifier.name, key) != self.verifier:
            raise ValueError(f"{folder / 'verifier'} belongs to another key than key.pem")
        kept: dict[str, Any] = self._read()
        self.frontier = Frontier(kept.get("size", 0), [bytes.fromhex(peak) for peak in kept.get("peaks", [])])
        self.note: str = kept.get("note", "")
        self.time = dt.datetime.fromisoformat(kept.get("time", "1970-01-01T00:00:00+00:00"))
        self._extra: tuple[str, ...] = tuple(kept.get("extra", ()))

    def status(self) -> dict[str, object]:
        """Size and root of what was signed last, and the checkpoint itself."""
        return {
            "size": self.frontier.size,
            "root": self.frontier.root().hex(),
            "note": self.note,
            "verifier": str(self.verifier),
        }

    def sign(self, *, start: int, leaves: Sequence[bytes], time: dt.datetime) -> str:
        """The checkpoint of the log with these leaves appended; kept on disk before it is given away.

        Raises Refused: "rewound" when the leaves do not begin where the last checkpoint ended, "clock" for a wrong time.
        """
        if start != self.frontier.size:
            raise Refused("rewound", f"the last checkpoint has {self.frontier.size} records, not {start}")
        if not self.any_clock and abs(dt.datetime.now(dt.UTC) - time) > CLOCK_TOLERANCE:
            raise Refused("clock", "the clocks of portal and signer differ by more than five minutes")
        grown = Frontier(self.frontier.size, list(self.frontier.peaks))
        grown.extend(leaves)
        return self._keep(grown, max(time, self.time) if not self.any_clock else time)

    def rewind(self, *, size: int, leaves: Iterable[bytes], reason: str, time: dt.datetime) -> str:
        """After a restore that people decided on: go on from an earlier checkpoint, and say so in every later one.

        `leaves` are the hashes of the restored database. Raises Refused unless they give a root that was signed before.
        """
        back = Frontier()
        back.extend(leaves)
        signed = {line.split()[1] for line in self._signed() if line.split()[0] == str(size)}
        if back.size != size or back.root().hex() not in signed:
            raise Refused("request", f"no checkpoint over {size} records with this root was ever signed here")
        lost = f"restored {self.frontier.size} {base64.b64encode(self.frontier.root()).decode()} to {size}"
        self._log(f"# {lost}: {' '.join(reason.split())}")
        self._extra = (*self._extra, lost)[-5:]
        return self._keep(back, time)

    def _keep(self, frontier: Frontier, time: dt.datetime) -> str:
        head = Head(
            origin=self.verifier.name, size=frontier.size, root=frontier.root(), time=time, extra=self._extra
        )
        note = sign(head, self._key)
        kept = {
            "size": frontier.size,
            "peaks": [peak.hex() for peak in frontier.peaks],
            "note": note,
            "time": time.isoformat(),
            "extra": list(self._extra),
        }
        # The line first: should the power go between the two, the log knows of one root too many, never of one too few.
        self._log(f"{frontier.size} {head.root.hex()} {time.isoformat()}")
        self._write(json.dumps(kept))
        self.frontier, self.note, self.time = frontier, note, time
        return note

    def _read(self) -> dict[str, Any]:
        path = self.folder / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _write(self, text: str) -> None:
        """Whole or not at all, also when the power goes."""
        part = self.folder / "state.part"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / "state.json")
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _log(self, line: str) -> None:
        with open(
            os.open(self.folder / "signed.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a"
        ) as log:
            log.write(f"{line}\n")
            log.flush()
            os.fsync(log.fileno())

    def _signed(self) -> Iterable[str]:
        path = self.folder / "signed.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return (line for line in lines if line and not line.startswith("#"))
