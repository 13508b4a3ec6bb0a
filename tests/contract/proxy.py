"""A TCP proxy that loses requests or replies on command, for tests of what the network may do to us."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from urllib.parse import urlsplit


class Mode(enum.Enum):
    PASS = "pass"
    LOSE_REPLIES = "lose replies"
    """Requests arrive, answers do not; the connection stays open."""
    CUT_ON_REPLY = "cut on reply"
    """Requests arrive; the first answer ends the connection instead of being delivered."""
    CUT_ONCE = "cut once"
    """Like CUT_ON_REPLY, and then everything passes again."""
    LOSE_REQUESTS = "lose requests"
    """Requests vanish; the connection stays open."""
    CUT_REQUEST_ONCE = "cut request once"
    """The next request vanishes and ends its connection, and then everything passes again."""
    DOWN = "down"
    """New connections end at once."""


class CuttingProxy:
    """Passes bytes between clients and one server until `mode` says otherwise. TLS goes through untouched."""

    def __init__(self, target_host: str, target_port: int, *, host: str = "127.0.0.1") -> None:
        self.mode = Mode.PASS
        self.connections = 0
        self._host = host
        self._target = (target_host, target_port)
        self._listener = socket.create_server((host, 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    def before(cls, url: str, *, host: str = "127.0.0.1") -> CuttingProxy:
        """A proxy before the server of this URL."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        return cls(parts.hostname, parts.port or 636, host=host)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"ldaps://{self._host}:{self.port}"

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Refuse new connections and end those that are open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """End all open connections, as a restarted firewall does."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _close(*pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                if self.mode is Mode.DOWN:
                    client.close()
                    continue
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            server.settimeout(None)
            with self._lock:
                self.connections += 1
                self._pairs.add((client, server))
            for source, sink, replies in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, replies), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, replies: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if replies and self.mode in (Mode.CUT_ON_REPLY, Mode.CUT_ONCE):
                    if self.mode is Mode.CUT_ONCE:
                        self.mode = Mode.PASS
                    break
                if not replies and self.mode is Mode.CUT_REQUEST_ONCE:
                    self.mode = Mode.PASS
                    break
                lost = Mode.LOSE_REPLIES if replies else Mode.LOSE_REQUESTS
                if self.mode is not lost:
                    sink.sendall(data)
        _close(source, sink)


def _close(*sockets: socket.socket) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
