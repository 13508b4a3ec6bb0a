"""One kept LDAP connection per thread and process, and the translation of every failure into the port's errors.

Private to the directory adapter: no other module imports ldap3.
"""

from __future__ import annotations

import os
import re
import select
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPSocketOpenError,
    LDAPSocketSendError,
)

from portal.gateways._ldap3_bytes import read_bytes_only
from portal.gateways.directory import DirectoryError, DirectoryUnavailable, OutcomeUnknown

# A connection that was quiet for longer is replaced before it is used: a firewall on the way may have forgotten
# it without a word, and a write into silence has an unknown outcome.
_IDLE_SECONDS = 60.0
_WIN32_CODE = re.compile(r"^\s*([0-9A-Fa-f]{8}):")
_BIND_DATA = re.compile(r"\bdata ([0-9a-fA-F]+)")
_SUCCESS = 0
_BUSY, _UNAVAILABLE = 51, 52
_STRONGER_AUTH_REQUIRED, _CONFIDENTIALITY_REQUIRED = 8, 13


@dataclass(frozen=True, kw_only=True)
class LdapSettings:
    """Where the directory is and how long to wait for it. `urls` are tried in order, for new connections only."""

    urls: tuple[str, ...]
    tls_server_name: str
    ca_file: str
    base_dn: str
    domain: str
    bind_dn: str
    bind_password: str = field(repr=False)
    root_ou: str
    marker_attribute: str = "employeeNumber"
    connect_timeout: int = 5
    receive_timeout: int = 15
    dc_urls: tuple[str, ...] = ()
    """Every domain controller, for what each keeps to itself (ACC-14); empty: as the domain names them."""

    def __post_init__(self) -> None:
        for url in (*self.urls, *self.dc_urls):
            if urlsplit(url).scheme != "ldaps":
                raise ValueError(
                    f"The directory is reached over TLS only: {url!r} does not begin with ldaps://"
                )

    def as_account(self, bind_dn: str, bind_password: str) -> LdapSettings:
        """The same directory, reached as another account."""
        return replace(self, bind_dn=bind_dn, bind_password=bind_password)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server answered: the LDAP result, the Win32 code (8 hex digits or "") and the found entries."""

    result: int
    message: str
    win32: str
    entries: list[dict[str, Any]]
    cookie: bytes = b""

    @property
    def ok(self) -> bool:
        return self.result == _SUCCESS

    @property
    def code(self) -> str:
        return f"{self.result}/{self.win32}" if self.win32 else str(self.result)

    @property
    def bind_data(self) -> str:
        """The AD sub-code of a refused bind, such as "52e" or "773"."""
        found = _BIND_DATA.search(self.message)
        return found.group(1).lower() if found else ""


def make_reply(answer: Any) -> Reply:
    """The answer of a SAFE_SYNC operation: (ok, result, response, request)."""
    _, result, response, _ = answer
    message = result.get("message") or ""
    found = _WIN32_CODE.match(message)
    control = (result.get("controls") or {}).get("1.2.840.113556.1.4.319")
    return Reply(
        result=int(result["result"]),
        message=message,
        win32=found.group(1).upper() if found else "",
        entries=[item for item in response or [] if item.get("type") == "searchResEntry"],
        cookie=control["value"]["cookie"] if control else b"",
    )


def open_connection(
    settings: LdapSettings, url: str, user: str, password: str
) -> tuple[ldap3.Connection, Reply]:
    """Connect, check the certificate and bind, all within the connect timeout.

    Returns the connection with the reply to the bind, whatever it says. Raises DirectoryUnavailable.
    """
    parts = urlsplit(url)
    connection = None
    try:
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=settings.ca_file or None,
            valid_names=[settings.tls_server_name] if settings.tls_server_name else None,
        )
        server = ldap3.Server(
            parts.hostname,
            port=parts.port or 636,
            use_ssl=True,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=settings.connect_timeout,
        )
        connection = ldap3.Connection(
            server,
            user=user,
            # As bytes: ldap3 would put text through SASLprep, which changes full-width characters.
            password=password.encode(),
            authentication=ldap3.SIMPLE,
            client_strategy=ldap3.SAFE_SYNC,
            auto_range=False,
            # Else it invents empty attributes, and stumbles over those it asked for in ranges.
            return_empty_attributes=False,
            auto_referrals=False,
            check_names=False,
            receive_timeout=settings.connect_timeout,
        )
        read_bytes_only(connection)
        connection.open(read_server_info=False)
        reply = make_reply(connection.bind(read_server_info=False))
        # The TLS handshake and the bind had to be as quick as connecting; operations may take longer.
        connection.socket.settimeout(settings.receive_timeout)
    except (LDAPExceptionError, OSError, ValueError) as error:
        if connection is not None:
            discard(connection)
        raise DirectoryUnavailable(f"{url}: {error}", code=type(error).__name__) from None
    finally:
        if connection is not None:
            connection.password = None
            connection.request = None
    if reply.result in (_BUSY, _UNAVAILABLE, _STRONGER_AUTH_REQUIRED, _CONFIDENTIALITY_REQUIRED):
        discard(connection)
        raise DirectoryUnavailable(f"{url}: {reply.message}", code=reply.code)
    return connection, reply


def discard(connection: ldap3.Connection) -> None:
    """Close the socket without asking the server anything."""
    sock, connection.socket = connection.socket, None
    connection.closed = True
    connection.listening = False
    connection.request = None  # one that could not be sent may hold a password
    if sock is not None:
        sock.close()


def connect_first(
    settings: LdapSettings, urls: list[str], user: str, password: str
) -> tuple[ldap3.Connection, Reply, str]:
    """Connect to the first of the URLs that can be reached. Raises DirectoryUnavailable when none can."""
    failures: list[DirectoryUnavailable] = []
    for url in urls:
        try:
            connection, reply = open_connection(settings, url, user, password)
        except DirectoryUnavailable as error:
            failures.append(error)
        else:
            return connection, reply, url
    if not failures:
        raise DirectoryUnavailable("no directory address is configured (AD_LDAP_URLS)", code="not-configured")
    raise DirectoryUnavailable("; ".join(error.message for error in failures), code=failures[-1].code)


class Guard(Protocol):
    """Minds the service account: a password that is refused again and again locks it for everybody."""

    def require(self) -> None:
        """Raises DirectoryUnavailable while the account must not be tried."""
        ...

    def accepted(self) -> None:
        """It was let in."""
        ...

    def refused(self, code: str, message: str) -> None:
        """The directory refused the account itself."""
        ...


class Unguarded:
    """Tries whenever it is asked."""

    def require(self) -> None: ...

    def accepted(self) -> None: ...

    def refused(self, code: str, message: str) -> None: ...


def connect_as_service(settings: LdapSettings, guard: Guard, urls: list[str]) -> tuple[ldap3.Connection, str]:
    """A connection of the service account to the first of the URLs that can be reached. Raises DirectoryUnavailable."""
    guard.require()
    connection, reply, url = connect_first(settings, urls, settings.bind_dn, settings.bind_password)
    if not reply.ok:
        discard(connection)
        code = f"{reply.code}/{reply.bind_data}" if reply.bind_data else reply.code
        error = DirectoryUnavailable(f"{url}: the service account was refused: {reply.message}", code=code)
        guard.refused(error.code, error.message)
        raise error
    guard.accepted()
    return connection, url


class KeptConnection(threading.local):
    """The service account's connection of this thread. Made when first needed, replaced after any error.

    After a fork the child must not touch the parent's connection: it closes its copy of the descriptor and
    connects anew. New connections prefer the server that answered last, so that a write and the reading back
    meet the same domain controller as long as it lives.
    """

    def __init__(self, settings: LdapSettings, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard
        self._connection: ldap3.Connection | None = None
        self._pid = 0
        self._url = ""
        self._used_at = 0.0

    @property
    def url(self) -> str:
        """The address that answered last."""
        return self._url

    def read(self, operation: Callable[[ldap3.Connection], Any]) -> Reply:
        """Run a read; once more over a new connection when the kept one turns out to be dead.

        Not after a timeout: whoever waits has waited long enough, and the server hears us no better.
        """
        kept = self._usable() is not None
        began = time.monotonic()
        try:
            return self._run(operation)
        except DirectoryUnavailable:
            if not kept or time.monotonic() - began >= self._settings.receive_timeout:
                raise
            return self._run(operation)

    def write(self, operation: Callable[[ldap3.Connection], Any]) -> Reply:
        """Run a write exactly once. Raises OutcomeUnknown when it was sent and no answer came."""
        return self._run(operation, unanswered=OutcomeUnknown)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._pid != os.getpid():
            _forget_inherited(connection)
        else:
            discard(connection)

    def _run(
        self,
        operation: Callable[[ldap3.Connection], Any],
        *,
        unanswered: type[DirectoryError] = DirectoryUnavailable,
    ) -> Reply:
        connection = self._usable() or self._connect()
        try:
            reply = make_reply(operation(connection))
        except (LDAPSocketOpenError, LDAPSocketSendError) as error:
            # The message did not leave whole, so the server cannot have acted on it.
            self.close()
            raise DirectoryUnavailable(f"{self._url}: {error}", code=type(error).__name__) from None
        except (LDAPExceptionError, OSError) as error:
            self.close()
            raise unanswered(f"{self._url}: {error}", code=type(error).__name__) from None
        self._used_at = time.monotonic()
        if reply.result in (_BUSY, _UNAVAILABLE):
            self.close()
            raise DirectoryUnavailable(reply.message, code=reply.code)
        return reply

    def _usable(self) -> ldap3.Connection | None:
        """The kept connection unless it is the parent process's, was quiet for long, or the server has hung up."""
        if self._connection is None:
            return None
        idle = time.monotonic() - self._used_at > _IDLE_SECONDS
        if idle or self._pid != os.getpid() or _hung_up(self._connection):
            self.close()
        return self._connection

    def _connect(self) -> ldap3.Connection:
        urls = sorted(self._settings.urls, key=lambda url: url != self._url)
        connection, self._url = connect_as_service(self._settings, self._guard, urls)
        self._connection, self._pid, self._used_at = connection, os.getpid(), time.monotonic()
        return connection


def probe(connection: ldap3.Connection) -> Any:
    """The cheapest question there is: the root DSE without attributes."""
    return connection.search("", "(objectClass=*)", search_scope=ldap3.BASE, attributes=["1.1"])


def _hung_up(connection: ldap3.Connection) -> bool:
    """Whether the server closed the connection: between operations nothing else arrives on it."""
    if connection.closed or connection.socket is None:
        return True
    poller = select.poll()
    poller.register(connection.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))


def _forget_inherited(connection: ldap3.Connection) -> None:
    """Drop the copy of the parent's socket without a TLS goodbye, which would end the parent's session."""
    sock: Literal[None] | ssl.SSLSocket = connection.socket
    connection.socket, connection.closed = None, True
    if sock is not None:
        os.close(sock.detach())
