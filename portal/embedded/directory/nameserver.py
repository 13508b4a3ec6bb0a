"""The demo directory's DNS: two servers that answer from its zones, as domain controllers do.

Records are turned into their wire form here, without the portal's own code for dnsRecord values: a server that shared one
with the client would share its mistakes.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from portal.embedded.directory.domain import Domain
from portal.embedded.directory.faults import Faults
from portal.embedded.directory.store import Entry

_HEADER = 24
_LONGEST_UDP = 1232
_MOST_ALIASES = 8
_TRIES = 20
_COUNTED = frozenset({dns.rdatatype.NS, dns.rdatatype.CNAME, dns.rdatatype.PTR})


class NameServer:
    """Both transports of one server. `number` names it in faults: "dns1", "dns2"."""

    def __init__(self, host: str, number: int, domain: Domain, faults: Faults) -> None:
        self._servers = _listening(host)
        self.address = f"{host}:{self._servers[0].server_address[1]}"
        for server in self._servers:
            server.domain, server.faults, server.fault_name = domain, faults, f"dns{number}"
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.1}, name=f"dns{number}", daemon=True
            ).start()

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    domain: Domain
    faults: Faults
    fault_name: str


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    domain: Domain
    faults: Faults
    fault_name: str


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _Tcp
    timeout = 10

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while len(size := self.rfile.read(2)) == 2:
                reply = _reply(self.server, self.rfile.read(int.from_bytes(size, "big")))
                if reply is None:
                    return
                wire = reply.to_wire()
                self.wfile.write(len(wire).to_bytes(2, "big") + wire)


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _Udp

    def handle(self) -> None:
        data, sock = self.request
        reply = _reply(self.server, data)
        if reply is None:
            return
        limit = min(max(reply.request_payload, 512), _LONGEST_UDP)
        try:
            wire = reply.to_wire(max_size=limit)
        except dns.exception.TooBig:
            reply.flags |= dns.flags.TC
            reply.answer.clear()
            reply.authority.clear()
            wire = reply.to_wire()
        with contextlib.suppress(OSError):
            sock.sendto(wire, self.client_address)


def _listening(host: str) -> tuple[_Tcp, _Udp]:
    """Both transports on one free port."""
    for _ in range(_TRIES):
        tcp = _Tcp((host, 0), _TcpHandler)
        try:
            return tcp, _Udp((host, tcp.server_address[1]), _UdpHandler)
        except OSError:  # free for TCP only
            tcp.server_close()
    raise OSError("no port is free for TCP and UDP")


def _reply(server: _Tcp | _Udp, data: bytes) -> Any:
    """The answer to one message; None for silence."""
    fault = server.faults.take(server.fault_name)
    if fault is not None and fault.action == "delay":
        time.sleep(fault.seconds)
    elif fault is not None and fault.action != "refuse":
        return None
    try:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
    except dns.exception.DNSException:
        return None
    if fault is not None and fault.action == "refuse":
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        reply.set_rcode(dns.rcode.NOTIMP)
    else:
        with server.domain.lock:
            _answer(server.domain, query.question[0].name, query.question[0].rdtype, reply)
    return reply


def _answer(domain: Domain, name: dns.name.Name, kind: dns.rdatatype.RdataType, reply: Any) -> None:
    for _ in range(_MOST_ALIASES):
        zone = _zone_of(domain, name)
        if zone is None:
            # An alias that leads out of our zones is for the client to follow.
            reply.set_rcode(dns.rcode.NOERROR if reply.answer else dns.rcode.REFUSED)
            return
        reply.flags |= dns.flags.AA
        sets = _sets(domain, zone, name) or _from_wildcard(domain, zone, name)
        wanted = sets.get(kind)
        if wanted is None and dns.rdatatype.CNAME in sets:
            reply.answer.append(sets[dns.rdatatype.CNAME])
            name = sets[dns.rdatatype.CNAME][0].target
            continue
        if wanted is not None:
            reply.answer.append(wanted)
            return
        if not sets and not _has_names_below(domain, zone, name):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        start = _sets(domain, zone, dns.name.from_text(_zone_name(zone))).get(dns.rdatatype.SOA)
        if start is not None:
            reply.authority.append(start)
        return


def _zone_of(domain: Domain, name: dns.name.Name) -> Entry | None:
    """The zone with the longest name that holds this one."""
    zones = {
        dns.name.from_text(_zone_name(entry)): entry
        for entry in domain.store.children(f"CN=MicrosoftDNS,{domain.zones_dn}")
        if entry.is_a("dnszone") and not entry.deleted
    }
    for depth in range(len(name)):
        found = zones.get(dns.name.Name(name.labels[depth:]))
        if found is not None:
            return found
    return None


def _zone_name(zone: Entry) -> str:
    return f"{zone.text('dc')}."


def _relative(zone: Entry, name: dns.name.Name) -> str:
    return name.relativize(dns.name.from_text(_zone_name(zone))).to_text().lower()


def _from_wildcard(
    domain: Domain, zone: Entry, name: dns.name.Name
) -> dict[dns.rdatatype.RdataType, dns.rrset.RRset]:
    """What a wildcard says for a name that is not there (RFC 4592): the one below the closest name that is."""
    top = dns.name.from_text(_zone_name(zone))
    parent = name
    while parent != top and not _exists(domain, zone, parent):
        parent = parent.parent()
    if parent == name:
        return {}
    found = _sets(domain, zone, dns.name.Name((b"*", *parent.labels)))
    for rrset in found.values():
        rrset.name = name
    return found


def _exists(domain: Domain, zone: Entry, name: dns.name.Name) -> bool:
    return bool(_sets(domain, zone, name)) or _has_names_below(domain, zone, name)


def _sets(domain: Domain, zone: Entry, name: dns.name.Name) -> dict[dns.rdatatype.RdataType, dns.rrset.RRset]:
    """What stands at a name, by type."""
    node = domain.store.by_dn(f"DC={_relative(zone, name)},{zone.dn}")
    found: dict[dns.rdatatype.RdataType, dns.rrset.RRset] = {}
    if node is None or node.deleted or node.first("dnstombstoned") == b"TRUE":
        return found
    for blob in node.values.get("dnsrecord", []):
        kind = dns.rdatatype.RdataType.make(int.from_bytes(blob[2:4], "little"))
        with contextlib.suppress(dns.exception.DNSException, ValueError, IndexError):
            wire = _wire(kind, blob[_HEADER:])
            rdata = dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire))
            ttl = int.from_bytes(blob[12:16], "big")
            if kind not in found:
                found[kind] = dns.rrset.RRset(name, dns.rdataclass.IN, kind)
            found[kind].add(rdata, ttl)
    return found


def _has_names_below(domain: Domain, zone: Entry, name: dns.name.Name) -> bool:
    tail = f".{_relative(zone, name)}"
    return any(node.text("dc").lower().endswith(tail) for node in domain.store.children(zone.dn))


def _wire(kind: dns.rdatatype.RdataType, data: bytes) -> bytes:
    """Names are counted twice in a dnsRecord: two bytes before the name as DNS has it; and a SOA has its numbers first."""
    if kind in _COUNTED:
        return data[2:]
    if kind == dns.rdatatype.SRV:
        return data[:6] + data[8:]
    if kind == dns.rdatatype.MX:
        return data[:2] + data[4:]
    if kind == dns.rdatatype.SOA:
        names, first = data[20:], 2 + data[20]
        return names[2:first] + names[first + 2 :] + data[:20]
    return data
