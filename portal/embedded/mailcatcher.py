"""A mail server that keeps every mail and sends none: for `make run`, `make services` and the tests.

Run it as `python -m portal.embedded.mailcatcher --dir DIR --port N`, or use `MailCatcher` inside a test. Faults are
switched on through a file in its folder, so a running server of another process obeys as well.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.embedded.mailstore import MailStore, StoredMail
from portal.embedded.sockets import free_port

ANYONE = "*"
_LARGEST_MAIL = 20 * 1024 * 1024


class Refusals:
    """Which recipients get an error reply: {address or "*": reply}, kept in a file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "refusals.json"

    def read(self) -> dict[str, str]:
        """What is refused now."""
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, ValueError):
            return {}

    def write(self, refusals: dict[str, str]) -> None:
        """Replace the whole list."""
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(refusals))
        part.rename(self.path)

    def reply_to(self, recipient: str) -> str | None:
        """The error reply for this recipient, None to accept."""
        refusals = self.read()
        return refusals.get(recipient.lower()) or refusals.get(ANYONE)


class _Handler:
    """aiosmtpd's hooks; their names are the library's."""

    def __init__(self, store: MailStore, refusals: Refusals) -> None:
        self.store = store
        self.refusals = refusals

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        reply = self.refusals.reply_to(address)
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        key = self.store.add(sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, content=content)
        return f"250 Kept as {key}"


class MailCatcher:
    """The server together with its folder. Context manager; `start` and `stop` may alternate on the same port."""

    def __init__(self, directory: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        self.host = host
        self.port = port or free_port(host)
        self.store = MailStore(directory)
        self.refusals = Refusals(directory)
        self._controller: Controller | None = None

    @property
    def env(self) -> dict[str, str]:
        """The portal's settings for this server."""
        return {"SMTP_HOST": self.host, "SMTP_PORT": str(self.port), "SMTP_SECURITY": "none"}

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        handler = _Handler(self.store, self.refusals)
        self._controller = Controller(
            handler, hostname=self.host, port=self.port, enable_SMTPUTF8=True, data_size_limit=_LARGEST_MAIL
        )
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; what was received stays. No error when it is stopped."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def messages(self, recipient: str = "") -> list[StoredMail]:
        """What was received, newest first."""
        return self.store.newest(recipient=recipient, limit=10_000)

    @contextlib.contextmanager
    def refusing(self, *recipients: str, reply: str = "550 5.1.1 No such user") -> Iterator[None]:
        """Refuse these recipients (none named: everyone) for the time of the block.

        A reply that begins with 4 is "try again later", with 5 "never".
        """
        before = self.refusals.read()
        self.refusals.write(before | {name.lower(): reply for name in recipients or (ANYONE,)})
        try:
            yield
        finally:
            self.refusals.write(before)

    def __enter__(self) -> MailCatcher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.mailcatcher", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with MailCatcher(chosen.dir, host=chosen.host, port=chosen.port):
        print(f"READY {chosen.host}:{chosen.port}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
