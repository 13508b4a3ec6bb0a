"""The unix socket of the signing process: one JSON line in, one JSON line out, for whoever may open the socket."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import os
import socketserver
import threading
from pathlib import Path
from typing import Any

from portal.trail.signer.state import Refused, Signer

LARGEST_LINE = 8 * 1024 * 1024
_PATIENCE_SECONDS = 10.0


class _Handler(socketserver.StreamRequestHandler):
    timeout = _PATIENCE_SECONDS
    server: SignerServer

    def handle(self) -> None:
        line = self.rfile.readline(LARGEST_LINE)
        if line.endswith(b"\n"):
            self.wfile.write(json.dumps(self.server.answer(line)).encode() + b"\n")


class SignerServer(socketserver.ThreadingUnixStreamServer):
    """Answers "status" and "sign"; one signature at a time."""

    daemon_threads = True

    def __init__(self, signer: Signer, path: Path, *, mode: int = 0o660) -> None:
        self.signer = signer
        self._lock = threading.Lock()
        path.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        path.chmod(mode)

    def answer(self, line: bytes) -> dict[str, Any]:
        """The reply to one line; never an exception."""
        try:
            asked = json.loads(line)
            with self._lock:
                return self._act(asked)
        except Refused as refused:
            return {"error": refused.code, "text": str(refused)}
        except OSError as error:  # the disk: nothing was given away that is not kept
            return {"error": "disk", "text": type(error).__name__}
        except (ValueError, KeyError, TypeError, binascii.Error):
            return {"error": "request", "text": "the request is not understood"}

    def _act(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["act"] == "status":
            return self.signer.status()
        if asked["act"] != "sign":
            raise Refused("request", "only status and sign")
        joined = base64.b64decode(asked["leaves"], validate=True)
        if len(joined) % 32:
            raise Refused("request", "leaves have 32 bytes each")
        leaves = [joined[at : at + 32] for at in range(0, len(joined), 32)]
        time = dt.datetime.fromisoformat(asked["time"]).astimezone(dt.UTC)
        return {"note": self.signer.sign(start=int(asked["start"]), leaves=leaves, time=time)}
