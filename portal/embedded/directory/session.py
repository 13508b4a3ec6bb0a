"""One client connection: requests in, responses out, faults in between."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from uuid import UUID

from portal.embedded.directory import ber, failures, messages, reading, writing
from portal.embedded.directory.ber import BerError
from portal.embedded.directory.domain import Domain
from portal.embedded.directory.failures import Refused
from portal.embedded.directory.faults import Fault, Faults
from portal.embedded.directory.messages import (
    Abandon,
    Add,
    Bind,
    Delete,
    Extended,
    Modify,
    ModifyDn,
    Request,
    Search,
    Unbind,
)

log = logging.getLogger(__name__)
_MESSAGE_LIMIT = 16 * 1024 * 1024
_CHUNK = 65536
_OPERATION_NAMES = {
    Bind: "bind",
    Search: "search",
    Add: "add",
    Modify: "modify",
    ModifyDn: "modify_dn",
    Delete: "delete",
    Extended: "extended",
}


class HangUp(Exception):
    """The connection ends without a further word."""


class Session:
    """The state of one connection: who is signed in, and its unfinished pages."""

    def __init__(self, domain: Domain, faults: Faults, sock: ssl.SSLSocket) -> None:
        self._domain = domain
        self._faults = faults
        self._socket = sock
        self._identity: UUID | None = None
        self._pages = reading.Pages()

    def serve(self) -> None:
        """Answer until the client leaves."""
        buffer = bytearray()
        try:
            while chunk := self._socket.recv(_CHUNK):
                buffer += chunk
                while (message := _cut(buffer)) is not None:
                    self._answer(messages.parse_request(message))
        except HangUp:
            pass
        except BerError as error:
            log.warning("closing a connection: %s", error)
        except OSError as error:
            log.debug("connection ended: %s", error)

    def _answer(self, request: Request) -> None:
        if isinstance(request.operation, Unbind):
            raise HangUp
        if isinstance(request.operation, Abandon):
            return
        fault = self._faults.take(_OPERATION_NAMES[type(request.operation)])
        self._before(fault, request)
        if fault is not None and fault.action == "refuse":
            text = fault.text.encode() if isinstance(fault.text, str) else fault.text
            reply = messages.result(request, fault.result, f"{fault.win32}: ".encode() + text)
        else:
            reply = b"".join(self._perform(request))
        if fault is not None and fault.action == "lose_reply":
            raise HangUp
        if fault is None or fault.action != "hang":
            self._socket.sendall(reply)

    def _before(self, fault: Fault | None, request: Request) -> None:
        if fault is None:
            return
        if fault.action == "delay":
            time.sleep(fault.seconds)
        elif fault.action == "lose_request":
            raise HangUp

    def _perform(self, request: Request) -> Iterator[bytes]:
        unknown = [c for c in request.controls if c.critical and c.oid not in self._domain.controls]
        if unknown:
            yield messages.result(request, failures.UNAVAILABLE_EXTENSION, "00002040: unknown control")
            return
        try:
            with self._domain.lock:
                if isinstance(request.operation, Search):
                    found = reading.search(self._domain, self._identity, request, self._pages)
                else:
                    self._write(request)
                    found = reading.Found([])
        except Refused as refused:
            yield messages.result(request, refused.result, refused.message)
            return
        for dn, attributes in found.entries:
            yield messages.search_entry(request.message_id, dn, attributes)
        if self._faults.referrals and isinstance(request.operation, Search) and request.operation.scope:
            yield messages.search_reference(request.message_id, self._faults.referrals)
        yield messages.result(request, found.code, controls=found.controls)

    def _write(self, request: Request) -> None:
        match request.operation:
            case Bind(name, password):
                self._identity = None
                if password is None:
                    raise Refused(7, "", "only simple binds are served")
                self._identity = self._domain.bind(name, password)
            case Add() as add:
                writing.add(self._domain, self._identity, add)
            case Modify() as modify:
                hints = request.control(messages.POLICY_HINTS) is not None
                writing.modify(self._domain, self._identity, modify, mind_history=hints)
            case ModifyDn() as move:
                writing.modify_dn(self._domain, self._identity, move)
            case Delete() as delete:
                subtree = request.control(messages.TREE_DELETE) is not None
                writing.delete(self._domain, self._identity, delete, subtree=subtree)
            case _:
                raise Refused(failures.PROTOCOL_ERROR, "", "unknown extended operation")


def _cut(buffer: bytearray) -> bytes | None:
    """The first whole message, taken out of the buffer. Raises BerError for what can never become one."""
    if buffer and buffer[0] != ber.SEQUENCE:
        raise BerError("no LDAP message")
    size = ber.message_size(buffer)
    if size is None or size > len(buffer):
        if size is not None and size > _MESSAGE_LIMIT:
            raise BerError("message too large")
        return None
    message = bytes(buffer[:size])
    del buffer[:size]
    return message


def close_quietly(sock: socket.socket) -> None:
    """End a connection at once, from whatever thread."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
