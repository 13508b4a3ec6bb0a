"""python -m portal.embedded.directory --dir DIR [--host 127.0.0.1] [--port 0] [--seed]

Prints "READY host:port" when it answers, writes DIR/env with the AD_* settings, and stops on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from portal.embedded.directory.server import DemoDirectory, DirectoryInUse


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.directory", description=__doc__)
    parser.add_argument("--dir", required=True, help="where data, certificates and the env file are kept")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", action="store_true", help="make the OUs of all organisations")
    options = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    directory = DemoDirectory(options.dir, host=options.host, port=options.port, seed=options.seed)
    try:
        directory.start()
    except (DirectoryInUse, OSError) as error:
        print(f"demo directory: {error}", file=sys.stderr)
        return 1
    print(f"READY {directory.host}:{directory.port}", flush=True)
    stopping.wait()
    directory.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
