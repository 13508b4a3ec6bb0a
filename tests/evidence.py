"""Signing processes for tests: a real one of its own, or the same server in a thread where a process would only cost time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.trail.signer import state
from portal.trail.signer.server import SignerServer

ROOT = Path(__file__).resolve().parents[1]
NAME = "kokuho-network-portal/evidence"


@dataclass(frozen=True)
class RunningSigner:
    """A signer that answers."""

    folder: Path
    socket: str
    verifier: str

    @property
    def settings(self) -> dict[str, object]:
        """For settings.EVIDENCE."""
        return {"socket": self.socket, "public_keys": [self.verifier], "fresh_minutes": 15}


@contextmanager
def signing_process(folder: Path, *, any_clock: bool = True) -> Iterator[RunningSigner]:
    """`python -m portal.trail.signer serve` as a process of its own. The key is made when the folder has none."""
    with tempfile.TemporaryDirectory(prefix="sg-") as short:  # a socket's path has 107 bytes at most
        socket = str(Path(short) / "s")
        command = [sys.executable, "-m", "portal.trail.signer", "serve", "--init", "--dir", str(folder)]
        command += ["--socket", socket, *(["--any-clock"] if any_clock else [])]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = next(line for line in process.stdout if line.startswith("READY "))
            yield RunningSigner(folder, socket, said.removeprefix("READY ").strip())
        finally:
            process.terminate()
            process.wait()


@contextmanager
def signer_in_a_thread(folder: Path) -> Iterator[RunningSigner]:
    """The same server and the same socket within this process."""
    verifier = state.create(folder, NAME)
    with tempfile.TemporaryDirectory(prefix="sg-") as short:
        socket = Path(short) / "s"
        with SignerServer(state.Signer(folder, any_clock=True), socket) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield RunningSigner(folder, str(socket), str(verifier))
            finally:
                server.shutdown()
                thread.join()
