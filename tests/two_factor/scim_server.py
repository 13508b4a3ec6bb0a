"""A real SCIM 2.0 server (scim2-server) on loopback, with a token, ETags and faults that a test switches on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.utils import load_default_provider

TOKEN = "scim-test-token"

# Classes made of the schemas, which no request changes: to make them takes a quarter of a second.
_provider = cache(load_default_provider)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@dataclass
class ScimServer:
    """`faults` maps a method to what happens to its next requests: lose_reply, lose_request, or a status such as 503."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> ScimServer:
        self.storage = InMemoryStorage()
        self._application = WSGIApplication(self.storage, _provider())
        self._server = make_server("127.0.0.1", 0, self._answer, _Server, _Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address of the service."""
        return f"http://127.0.0.1:{self._server.server_port}/v2"

    def requests(self, method: str) -> int:
        """How many requests of a method came in."""
        return sum(seen == method for seen, _ in self.seen)

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        self.seen.append((method, {k: v for k, v in environ.items() if k.startswith("HTTP_")}))
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {TOKEN}":
            return self._error(start, "401 Unauthorized", "401")
        fault = self.faults.get(method, [])
        what = fault.pop(0) if fault else ""
        if what == "lose_request":
            return self._hang_up(environ)
        if what.isdecimal():
            return self._error(start, f"{what} Fault", what)
        answer = list(self._application(environ, start))
        return self._hang_up(environ) if what == "lose_reply" else answer

    @staticmethod
    def _hang_up(environ: dict[str, Any]) -> list[bytes]:
        """End the connection without a word."""
        environ["wsgi.input"].raw._sock.shutdown(socket.SHUT_RDWR)
        raise BrokenPipeError

    @staticmethod
    def _error(start: Callable[..., Any], line: str, status: str) -> list[bytes]:
        start(line, [("Content-Type", "application/scim+json")])
        schema = "urn:ietf:params:scim:api:messages:2.0:Error"
        return [f'{{"schemas":["{schema}"],"status":"{status}","detail":"fault"}}'.encode()]
