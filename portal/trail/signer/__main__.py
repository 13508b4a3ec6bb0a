"""The command line of the signing process; see the package."""

from __future__ import annotations

import argparse
import datetime as dt
import fcntl
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from portal.trail.signer import __doc__ as what
from portal.trail.signer import state
from portal.trail.signer.server import SignerServer


def main() -> int:
    """0 when done, 1 with a plain sentence when not."""
    parser = argparse.ArgumentParser(
        prog="python -m portal.trail.signer", description=what, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("act", choices=["init", "serve", "status", "rewind"])
    parser.add_argument(
        "--dir", type=Path, required=True, help="key and state; readable for this account only"
    )
    parser.add_argument("--name", default="kokuho-network-portal/evidence", help="init: the name of the log")
    parser.add_argument("--socket", type=Path, help="serve: where to listen")
    parser.add_argument("--socket-mode", default="660", help="serve: who may open the socket (octal)")
    parser.add_argument(
        "--any-clock", action="store_true", help="serve: believe every time (demonstrations only)"
    )
    parser.add_argument("--init", action="store_true", help="serve: make the key at the first start")
    parser.add_argument("--size", type=int, help="rewind: records in the restored database")
    parser.add_argument("--reason", default="", help="rewind: why, for the log of the signer")
    asked = parser.parse_args()
    try:
        return _act(asked)
    except (OSError, ValueError, state.Refused) as problem:
        print(f"{problem}", file=sys.stderr)
        return 1


def _act(asked: argparse.Namespace) -> int:
    if asked.act == "init" or (asked.init and not (asked.dir / "key.pem").exists()):
        verifier = state.create(asked.dir, asked.name)
        print(f"EVIDENCE_PUBLIC_KEYS={verifier}", flush=True)
        if asked.act == "init":
            return 0
    signer = state.Signer(asked.dir, any_clock=asked.any_clock)
    if asked.act == "status":
        print(signer.note or "Nothing was signed yet.")
        return 0
    only = (asked.dir / "lock").open("w")
    try:
        fcntl.flock(only, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ValueError(f"another signing process works in {asked.dir}: stop it first") from None
    if asked.act == "rewind":
        if asked.size is None or not asked.reason.strip():
            raise ValueError("rewind asks for --size and --reason")
        leaves = (bytes.fromhex(line) for line in map(str.strip, sys.stdin) if line)
        print(
            signer.rewind(size=asked.size, leaves=leaves, reason=asked.reason, time=dt.datetime.now(dt.UTC))
        )
        return 0
    return _serve(signer, asked)


def _serve(signer: state.Signer, asked: argparse.Namespace) -> int:
    if asked.socket is None:
        raise ValueError("serve asks for --socket")
    with SignerServer(signer, asked.socket, mode=int(asked.socket_mode, 8)) as server:

        def leave(_number: int, _frame: FrameType | None) -> None:
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        print(f"READY {signer.verifier}", flush=True)
        server.serve_forever(poll_interval=0.2)
    asked.socket.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
