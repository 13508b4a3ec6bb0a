"""DNS servers that take signed updates (RFC 2136 with TSIG), through dnspython: bind9 and its kin.

Every change is one UPDATE message whose prerequisites are checked and whose records are written in one step by the
server. The server must let the key transfer the zones (AXFR) and answer ANY over TCP.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update
import dns.xfr
import dns.zone

from portal.gateways import _dns_wire as wire
from portal.gateways.dns import (
    AccessDenied,
    Answer,
    Change,
    ChangedMeanwhile,
    DnsError,
    DnsUnavailable,
    InvalidRecord,
    OutcomeUnknown,
    RecordSet,
    RecordType,
    Zone,
    ZoneMissing,
    check_effect,
    check_possible,
    is_below,
)
from portal.gateways.dns_rules import owned_by_directory, wildcard_beside

_PAGE = 500
_ATTEMPTS = 3
_ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")
_PREREQUISITE_FAILED = frozenset(
    {dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN}
)
# Of DNSSEC and of the server's own making: no data that a CNAME could not stand beside.
_PASSED_OVER = frozenset({dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3})


@dataclass(frozen=True, kw_only=True)
class UpdateSettings:
    """Where updates go (`server`), who is asked (`servers`) and the key. Addresses as "10.0.0.1" or "10.0.0.1:5353"."""

    servers: tuple[str, ...]
    zones: tuple[str, ...]
    server: str = ""
    """The server that takes the changes; the first of `servers` unless it is told."""
    key_name: str
    key_secret: str = field(repr=False)
    key_algorithm: str = "hmac-sha256"
    domain: str = ""
    protected: tuple[str, ...] = ()
    """Names besides those of AD that no change may touch, such as those of the servers."""
    timeout: float = 5

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("no DNS server is configured (DNS_SERVERS)")
        for server in (*self.servers, self.primary):
            wire.split_server(server)
        self.key()

    @property
    def primary(self) -> str:
        return self.server or self.servers[0]

    def key(self) -> dns.tsig.Key:
        """The key. Raises ValueError when the secret is not base64 or the algorithm is unknown."""
        if self.key_algorithm not in _ALGORITHMS:
            raise ValueError(f"DNS_TSIG_ALGORITHM is one of {', '.join(_ALGORITHMS)}")
        if not (self.key_name and self.key_secret):
            raise ValueError("DNS_TSIG_NAME and DNS_TSIG_SECRET are needed")
        try:
            secret = base64.b64decode(self.key_secret, validate=True)
            return dns.tsig.Key(self.key_name, secret, self.key_algorithm)
        except (dns.exception.DNSException, ValueError):
            raise ValueError("DNS_TSIG_SECRET or DNS_TSIG_NAME is not a key") from None


class Rfc2136Dns:
    """An implementation of the port `portal.gateways.dns.Dns`."""

    def __init__(self, settings: UpdateSettings) -> None:
        self._settings = settings
        self._key = settings.key()
        self.servers = settings.servers

    def ping(self) -> None:
        self.zones()

    def zones(self) -> list[Zone]:
        with self._connected() as line:
            return [self._zone(line, name) for name in sorted(self._settings.zones)]

    def read_zone(self, zone: str) -> Iterator[list[RecordSet]]:
        names = groupby(self._transferred(zone), key=lambda found: found.name)
        page: list[RecordSet] = []
        for _, sets in names:
            page += sets
            if len(page) >= _PAGE:
                yield page
                page = []
        if page:
            yield page

    def read(self, zone: str, name: str) -> list[RecordSet]:
        return self.read_many(zone, [name])[name]

    def read_many(self, zone: str, names: Collection[str]) -> dict[str, list[RecordSet]]:
        self._require(zone)
        with self._connected() as line:
            return {name: _sets(line.records_at(name, zone)) for name in names}

    def replace(self, change: Change) -> list[RecordSet]:
        self._require(change.zone)
        wanted = _wire_form(change.after)
        with self._connected() as line:
            for _ in range(_ATTEMPTS):
                there = line.records_at(change.name, change.zone)
                check_possible(change, _sets(there))
                if self._update(line, change, there, wanted):
                    break
            else:
                raise ChangedMeanwhile(
                    f"{change.name} does not hold still", code="restless", found=change.before
                )
            try:
                sets = _sets(line.records_at(change.name, change.zone))
            except DnsError as error:
                raise OutcomeUnknown("confirmed but not read back", code="not_read_back") from error
        check_effect(change, sets)
        return sets

    def query(self, zone: str, name: str, record_type: str) -> list[Answer]:
        return self.query_many(zone, [(name, record_type)])[name, record_type]

    def query_many(
        self, zone: str, questions: Collection[wire.Question]
    ) -> dict[wire.Question, list[Answer]]:
        timeout = self._settings.timeout
        return wire.query_all(self.servers, zone, questions, timeout=timeout, copies=True)

    def owned_by_directory(self, name: str) -> bool:
        settings = self._settings
        return owned_by_directory(name, domain=settings.domain, controllers=settings.protected)

    def close(self) -> None: ...

    def _zone(self, line: _Line, name: str) -> Zone:
        soa = next(
            (found for found in line.records_at(name, name) if found.rdtype == dns.rdatatype.SOA), None
        )
        if soa is None:
            raise ZoneMissing(f"{self._settings.primary} does not hold the zone {name}", code="no_soa")
        return Zone(name=name, serial=soa[0].serial, negative_ttl=min(soa.ttl, soa[0].minimum))

    def _transferred(self, zone: str) -> list[RecordSet]:
        """All of a zone, sorted by name."""
        self._require(zone)
        host, port = wire.split_server(self._settings.primary)
        copy = dns.zone.Zone(wire.absolute(zone), relativize=False)
        query, _ = dns.xfr.make_query(copy, keyring=self._key)
        try:
            dns.query.inbound_xfr(
                host,
                copy,
                query,
                port=port,
                timeout=self._settings.timeout,
                lifetime=20 * self._settings.timeout,
            )
        except dns.xfr.TransferError as error:
            refused = error.rcode == dns.rcode.REFUSED
            raise (AccessDenied if refused else ZoneMissing)(f"{zone}: {error}", code=_word(error)) from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise DnsUnavailable(f"{host}: {error}", code=_word(error)) from None
        sets = (wire.record_set(name, found) for name, found in copy.iterate_rdatasets())
        return sorted(sets, key=lambda found: (found.name, found.type))

    def _require(self, zone: str) -> None:
        if zone not in self._settings.zones:
            raise ZoneMissing(f"{zone} is not among the zones of the settings (DNS_ZONES)", code="unknown")

    def _update(
        self, line: _Line, change: Change, there: list[dns.rrset.RRset], wanted: dns.rrset.RRset | None
    ) -> bool:
        """Send the change; whether its prerequisites held. They are all about what has just been read."""
        owner = wire.absolute(change.name)
        update = dns.update.UpdateMessage(wire.absolute(change.zone), keyring=self._key)
        held = next((each for each in there if dns.rdatatype.to_text(each.rdtype) == change.type), None)
        if held is not None:
            # As the server holds them, not as we would write them: it compares byte for byte.
            update.present(owner, *(rdata for rdata in held))
        elif change.type == RecordType.CNAME:
            update.absent(owner)
        else:
            update.absent(owner, change.type)
        if wanted is not None and change.type != RecordType.CNAME:
            update.absent(owner, RecordType.CNAME.value)
        if held is not None:
            update.delete(owner, change.type)
        if wanted is not None:
            update.add(owner, wanted.ttl, *(rdata for rdata in wanted))
        return line.carried_out(update, change.zone)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[_Line]:
        host, port = wire.split_server(self._settings.primary)
        try:
            sock = socket.create_connection((host, port), timeout=self._settings.timeout)
        except OSError as error:
            raise DnsUnavailable(f"{self._settings.primary}: {error}", code=_word(error)) from None
        with sock:
            sock.setblocking(False)  # dnspython waits by itself
            yield _Line(sock, self._key, self._settings)


class _Line:
    """One TCP connection to the server that takes the changes; every message is signed."""

    def __init__(self, sock: socket.socket, key: dns.tsig.Key, settings: UpdateSettings) -> None:
        self._sock, self._key, self._settings = sock, key, settings
        self._wildcards: dict[str, bool] = {}

    def records_at(self, name: str, zone: str) -> list[dns.rrset.RRset]:
        """Everything at one name, as the server holds it: not what a wildcard says for a name that is not there."""
        found = self._answered(name)
        beside = wildcard_beside(name)
        if not found or not is_below(beside, zone) or not self._has_wildcard(beside):
            return found
        return found if self._is_there(name, zone) else []

    def _has_wildcard(self, wildcard: str) -> bool:
        """A wildcard that answers for a name beside it answers for itself as well, also where it stands further up."""
        if wildcard not in self._wildcards:
            self._wildcards[wildcard] = bool(self._answered(wildcard))
        return self._wildcards[wildcard]

    def _is_there(self, name: str, zone: str) -> bool:
        """Prerequisites look at the zone itself, past every wildcard (RFC 2136, 3.2): one alone, and nothing to change."""
        asked = dns.update.UpdateMessage(wire.absolute(zone), keyring=self._key)
        asked.present(wire.absolute(name))
        try:
            return self.carried_out(asked, zone)
        except OutcomeUnknown as error:
            raise DnsUnavailable(error.message, code=error.code) from None

    def _answered(self, name: str) -> list[dns.rrset.RRset]:
        owner = wire.absolute(name)
        query = dns.message.make_query(owner, dns.rdatatype.ANY, flags=0)
        query.use_tsig(self._key)
        try:
            self._send(query)
            reply = self._receive(query)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise DnsUnavailable(f"{self._settings.primary}: {error}", code=_word(error)) from None
        rcode = reply.rcode()
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise _refusal(rcode, name)
        return [found for found in reply.answer if found.name == owner and found.rdtype not in _PASSED_OVER]

    def carried_out(self, update: dns.update.UpdateMessage, zone: str) -> bool:
        """Send an update once; False when a prerequisite did not hold. Raises OutcomeUnknown when no answer came."""
        try:
            self._send(update)
        except (dns.exception.DNSException, OSError) as error:
            # Less than the whole message has left: the server cannot have acted on it.
            raise DnsUnavailable(f"{self._settings.primary}: {error}", code=_word(error)) from None
        try:
            reply = self._receive(update)
        except dns.tsig.PeerError as error:
            raise DnsUnavailable(f"the key is refused: {error}", code=_word(error)) from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise OutcomeUnknown(f"{self._settings.primary}: {error}", code=_word(error)) from None
        rcode = reply.rcode()
        if rcode == dns.rcode.NOERROR:
            return True
        if rcode in _PREREQUISITE_FAILED:
            return False
        if rcode == dns.rcode.SERVFAIL:
            raise OutcomeUnknown("the server failed in the middle", code="SERVFAIL")
        raise _refusal(rcode, zone)

    def _send(self, message: dns.message.Message) -> None:
        dns.query.send_tcp(self._sock, message, expiration=self._until())

    def _receive(self, asked: dns.message.Message) -> Any:
        reply, _ = dns.query.receive_tcp(
            self._sock,
            expiration=self._until(),
            keyring={self._key.name: self._key},
            request_mac=asked.mac,
        )
        if not asked.is_response(reply):
            raise dns.query.BadResponse
        return reply

    def _until(self) -> float:
        return time.time() + self._settings.timeout


def _sets(found: list[dns.rrset.RRset]) -> list[RecordSet]:
    return sorted((wire.record_set(each.name, each) for each in found), key=lambda each: each.type)


def _wire_form(wanted: RecordSet | None) -> dns.rrset.RRset | None:
    try:
        return wire.rrset_of(wanted) if wanted is not None else None
    except ValueError as error:
        raise InvalidRecord(str(error), problems={"value": "wire"}) from None


def _refusal(rcode: dns.rcode.Rcode, what: str) -> DnsError:
    code = dns.rcode.to_text(rcode)
    if rcode in (dns.rcode.NOTAUTH, dns.rcode.NOTZONE):
        return ZoneMissing(f"the server does not answer for {what}", code=code)
    if rcode == dns.rcode.REFUSED:
        return AccessDenied(f"the server refuses {what}", code=code)
    if rcode == dns.rcode.SERVFAIL:
        return DnsUnavailable(f"the server cannot answer for {what}", code=code)
    return DnsError(f"the server refuses {what}", code=code)


def _word(error: BaseException) -> str:
    return type(error).__name__
