"""How the portal asks the signing process."""

from __future__ import annotations

import base64
import datetime as dt
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.trail.errors import SignerRefused, SignerUnavailable

_PATIENCE_SECONDS = 10.0
PIECE = 20_000  # leaves in one request


@dataclass(frozen=True)
class Signed:
    """What the signer signed last."""

    size: int
    root: bytes
    note: str


class SignerClient:
    """Asks at `path`, one connection for each question. Raises SignerUnavailable when nobody answers."""

    def __init__(self, path: str) -> None:
        self._path = path

    def status(self) -> Signed:
        """Size, root and text of the last checkpoint."""
        told = self._ask({"act": "status"})
        return Signed(int(told["size"]), bytes.fromhex(told["root"]), str(told["note"]))

    def sign(self, *, start: int, leaves: Sequence[bytes], time: dt.datetime) -> str:
        """The signed checkpoint with these leaves appended. Raises SignerRefused."""
        joined = base64.b64encode(b"".join(leaves)).decode()
        told = self._ask({"act": "sign", "start": start, "leaves": joined, "time": time.isoformat()})
        return str(told["note"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if not self._path:
            raise SignerUnavailable("no signing process is named (EVIDENCE_SIGNER_SOCKET)")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_PATIENCE_SECONDS)
                connection.connect(self._path)
                connection.sendall(json.dumps(question).encode() + b"\n")
                with connection.makefile("rb") as answer:
                    told = json.loads(answer.readline())
        except (OSError, ValueError) as error:
            raise SignerUnavailable(f"the signing process does not answer: {type(error).__name__}") from None
        if "error" in told:
            raise SignerRefused(told["error"], told.get("text", ""))
        return dict(told)
