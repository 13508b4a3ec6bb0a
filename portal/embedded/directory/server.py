"""The demo directory as a server: TLS only, one thread per connection, data under one folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import socketserver
import ssl
import threading
from pathlib import Path
from typing import IO, Any

from portal.embedded.directory.certificates import make_certificates
from portal.embedded.directory.domain import Domain
from portal.embedded.directory.faults import ControlServer, Faults
from portal.embedded.directory.nameserver import NameServer
from portal.embedded.directory.seed import (
    seed_controller,
    seed_domain,
    seed_organisations,
    seed_service_account,
    seed_zones,
)
from portal.embedded.directory.session import Session, close_quietly
from portal.embedded.directory.store import Store

_HANDSHAKE_SECONDS = 10


class DirectoryInUse(RuntimeError):
    """Another process serves the same folder."""


class DemoDirectory:
    """An Active Directory stand-in for demonstration and tests; never for production.

    `folder` keeps the data, certificates and secrets, so that a second start finds everything again.
    Port 0 takes a free one. Use it as a context manager, or with start() and stop().
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: bool = True,
        base_dn: str = "DC=kokuho,DC=pr",
        domain: str = "kokuho.pr",
        without_controls: frozenset[str] = frozenset(),
    ) -> None:
        self.folder = Path(folder).resolve()
        self.host = host
        self.port = port
        self.faults = Faults()
        self._seed = seed
        self._without_controls = without_controls
        self._base_dn = base_dn
        self._dns_name = domain
        self._secrets: dict[str, str] = {}
        self._domain: Domain | None = None
        self._server: _TlsServer | None = None
        self._control: ControlServer | None = None
        self._nameservers: list[NameServer] = []
        self._lock_file: IO[str] | None = None

    def __enter__(self) -> DemoDirectory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def service_dn(self) -> str:
        return f"CN=svc-portal,OU=Services,{self._base_dn}"

    @property
    def control_socket(self) -> Path:
        return self.folder / "control.sock"

    @property
    def env(self) -> dict[str, str]:
        """The AD_* and DNS_* settings of a portal that is to use this directory, and the administrator's for tests."""
        return {
            "AD_LDAP_URLS": f"ldaps://{self.host}:{self.port}",
            "AD_TLS_SERVER_NAME": f"dc1.{self._dns_name}",
            "AD_CA_FILE": str(self.folder / "tls" / "ca.pem"),
            "AD_BASE_DN": self._base_dn,
            "AD_DOMAIN": self._dns_name,
            "AD_BIND_DN": self.service_dn,
            "AD_BIND_PASSWORD": self._secrets["service"],
            "AD_ROOT_OU": f"OU=Federations,{self._base_dn}",
            "AD_MARKER_ATTRIBUTE": "employeeNumber",
            "DNS_BACKEND": "ad",
            "DNS_SERVERS": ",".join(server.address for server in self._nameservers),
            "AD_ADMIN_DN": f"CN=Administrator,CN=Users,{self._base_dn}",
            "AD_ADMIN_PASSWORD": self._secrets["administrator"],
        }

    def start(self) -> None:
        """Listen. Raises DirectoryInUse, or OSError when the port is taken."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_folder()
        try:
            self._secrets = self._load_secrets()
            make_certificates(
                self.folder / "tls",
                names=[f"dc1.{self._dns_name}", self._dns_name, "localhost"],
                addresses=sorted({"127.0.0.1", self.host} - {"localhost", "0.0.0.0", ""}),  # noqa: S104
            )
            self._domain = self._open_domain()
            self._server = _TlsServer((self.host, self.port), self._domain, self.faults, self.folder / "tls")
            for number in (1, 2):
                self._nameservers.append(NameServer(self.host, number, self._domain, self.faults))
        except BaseException:
            self.stop()
            raise
        self.port = self._server.server_address[1]
        _in_background(self._server, "demo-directory")
        with contextlib.suppress(OSError):  # a path too long for a socket: then without remote control
            self._control = ControlServer(self.control_socket, self.faults)
            _in_background(self._control, "demo-directory-control")
        self._write_env()

    def stop(self) -> None:
        """Stop listening and end every connection. The data stay."""
        for server in (self._server, self._control):
            if server is not None:
                server.shutdown()
                server.server_close()
        for nameserver in self._nameservers:
            nameserver.stop()
        self._nameservers = []
        if self._server is not None:
            self._server.close_connections()
        if self._domain is not None:
            with self._domain.lock:
                self._domain.store.close()
        if self._lock_file is not None:
            self._lock_file.close()
        self._server = self._control = self._domain = self._lock_file = None

    def _take_folder(self) -> None:
        self._lock_file = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            self._lock_file = None
            raise DirectoryInUse(f"another process serves {self.folder}") from None

    def _open_domain(self) -> Domain:
        store = Store(self.folder / "journal.jsonl")
        store.open()
        domain = Domain(
            store=store,
            base_dn=self._base_dn,
            dns_name=self._dns_name,
            root_ou=f"OU=Federations,{self._base_dn}",
            services_ou=f"OU=Services,{self._base_dn}",
            without_controls=self._without_controls,
        )
        seed_domain(domain, administrator_password=self._secrets["administrator"])
        seed_controller(domain)
        seed_service_account(domain, self.service_dn, self._secrets["service"])
        seed_zones(domain, "127.0.0.1")
        if self._seed:
            seed_organisations(domain)
        return domain

    def _load_secrets(self) -> dict[str, str]:
        path = self.folder / "secrets.json"
        if path.exists():
            loaded: dict[str, str] = json.loads(path.read_text())
            return loaded
        made = {name: f"Demo-{secrets.token_hex(12)}" for name in ("service", "administrator")}
        _write_private(path, json.dumps(made))
        return made

    def _write_env(self) -> None:
        _write_private(self.folder / "env", "".join(f"{name}={value}\n" for name, value in self.env.items()))


class _TlsServer(socketserver.ThreadingTCPServer):
    """Accepts at once and shakes hands in the connection's own thread, so that a slow client holds up nobody."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], domain: Domain, faults: Faults, tls: Path) -> None:
        self.domain = domain
        self.faults = faults
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
        self._live: set[socket.socket] = set()
        self._live_lock = threading.Lock()
        super().__init__(address, socketserver.BaseRequestHandler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.faults.refuse_connections

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request.settimeout(_HANDSHAKE_SECONDS)
        try:
            wrapped = self._context.wrap_socket(request, server_side=True)
        except OSError:
            return  # no TLS, or a client that does not trust us: not this server's trouble
        wrapped.settimeout(None)
        with self._live_lock:
            self._live.add(wrapped)
        try:
            Session(self.domain, self.faults, wrapped).serve()
        finally:
            with self._live_lock:
                self._live.discard(wrapped)
            close_quietly(wrapped)

    def close_connections(self) -> None:
        with self._live_lock:
            live = list(self._live)
        for connection in live:
            close_quietly(connection)


def _in_background(server: socketserver.BaseServer, name: str) -> None:
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name=name, daemon=True
    ).start()


def _write_private(path: Path, content: str) -> None:
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
