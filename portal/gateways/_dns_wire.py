"""Records as dnspython holds them and as the port does, and questions to one server. Private to the DNS adapters."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from portal.gateways.dns import Answer, RecordSet, RecordType, Said, mark_behind
from portal.gateways.dns_rules import canonical_name, text_bytes, text_value

_TRIES = 2

Question = tuple[str, str]
"""Name and type."""


def absolute(name: str) -> dns.name.Name:
    """A name of the port as dnspython's. Raises ValueError when the wire cannot carry it."""
    try:
        return dns.name.from_text(f"{name}.")
    except dns.exception.DNSException as error:
        raise ValueError(f"{name}: {error}") from None


def plain(name: dns.name.Name) -> str:
    """dnspython's name as the port's."""
    return canonical_name(name.to_text()) or "."


def value_of(rdata: Any) -> str:
    """The port's canonical value; for types that the portal does not write, the text of zone files."""
    kind = dns.rdatatype.to_text(rdata.rdtype)
    if kind in (RecordType.A, RecordType.AAAA):
        return str(ipaddress.ip_address(rdata.address))
    if kind in (RecordType.CNAME, RecordType.PTR):
        return plain(rdata.target)
    if kind == RecordType.TXT:
        return text_value(b"".join(rdata.strings))
    if kind == RecordType.SRV:
        return f"{rdata.priority} {rdata.weight} {rdata.port} {plain(rdata.target)}"
    return str(rdata.to_text())


def rdata_of(record_type: str, value: str) -> dns.rdata.Rdata:
    """The inverse for the types that the portal writes. Raises ValueError when the wire cannot carry the value."""
    text = value
    if record_type in (RecordType.CNAME, RecordType.PTR):
        text = f"{value}."
    elif record_type == RecordType.SRV:
        text = value if value.endswith(".") else f"{value}."
    elif record_type == RecordType.TXT:
        data = text_bytes(value)
        strings = [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]
        text = " ".join(f'"{_quoted(each)}"' for each in strings)
    try:
        return dns.rdata.from_text("IN", record_type, text)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{record_type} {value}: {error}") from None


def _quoted(data: bytes) -> str:
    return "".join(f"\\{byte:03d}" for byte in data)


def record_set(name: dns.name.Name, rdataset: Any) -> RecordSet:
    """The port's set of an RRset or rdataset."""
    kind = dns.rdatatype.to_text(rdataset.rdtype)
    return RecordSet(plain(name), kind, rdataset.ttl, tuple(value_of(rdata) for rdata in rdataset))


def rrset_of(wanted: RecordSet) -> dns.rrset.RRset:
    """The inverse. Raises ValueError when the wire cannot carry it."""
    rdatas = [rdata_of(wanted.type, value) for value in wanted.values]
    return dns.rrset.from_rdata_list(absolute(wanted.name), wanted.ttl, rdatas)


def split_server(server: str) -> tuple[str, int]:
    """Address and port of "10.0.0.1", "10.0.0.1:5353" or "[2001:db8::1]:5353"."""
    text = server.strip()
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), 53
    except ValueError:
        host, _, port = text.rpartition(":")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise ValueError(f"{server!r} is not an IP address with or without a port") from None


def query_all(
    servers: Sequence[str], zone: str, questions: Collection[Question], *, timeout: float, copies: bool
) -> dict[Question, list[Answer]]:
    """`Dns.query_many`. `copies`: the servers copy the zone from each other, so that its serial tells who is behind."""
    told = [_query(server, zone, questions, timeout) for server in servers]
    answers = {question: [said[question] for said in told] for question in questions}
    return {question: mark_behind(found) for question, found in answers.items()} if copies else answers


def _query(server: str, zone: str, questions: Collection[Question], timeout: float) -> dict[Question, Answer]:
    """What one server says. Once it is silent it is not asked on."""
    answers: dict[Question, Answer] = {}
    silence: Answer | None = None
    serial: int | None = None
    for name, record_type in questions:
        try:
            if silence is None:
                reply = ask(server, absolute(name), dns.rdatatype.from_text(record_type), timeout)
                # Many servers tell the start of authority with each answer; the others are asked once.
                serial = serial or _serial_in(reply, zone) or _serial(server, zone, timeout)
            answers[name, record_type] = silence or _told(server, name, record_type, serial, reply)
        except (dns.exception.Timeout, OSError) as error:
            silence = Answer(server=server, said=Said.SILENT, message=f"{type(error).__name__}: {error}")
            answers[name, record_type] = silence
        except (dns.exception.DNSException, ValueError) as error:
            answers[name, record_type] = Answer(server=server, said=Said.REFUSED, message=str(error))
    return answers


def _told(server: str, name: str, record_type: str, serial: int | None, reply: Any) -> Answer:
    said, found = _read(reply, absolute(name), dns.rdatatype.from_text(record_type))
    if said is Said.REFUSED:
        return Answer(server=server, said=said, message=dns.rcode.to_text(reply.rcode()))
    return Answer(server=server, said=said, found=found, serial=serial)


def ask(server: str, name: dns.name.Name, kind: dns.rdatatype.RdataType, timeout: float) -> Any:
    """One question without recursion; asked again once, since UDP may lose it. Raises Timeout, OSError, DNSException."""
    host, port = split_server(server)
    query = dns.message.make_query(name, kind, flags=0)
    for left in reversed(range(_TRIES)):
        try:
            reply, _ = dns.query.udp_with_fallback(query, host, timeout, port, ignore_unexpected=True)
        except dns.exception.Timeout:
            if not left:
                raise
        else:
            return reply
    raise AssertionError


def _serial_in(reply: Any, zone: str) -> int | None:
    """The zone's serial as it stands beside an answer out of the zone itself; None when it does not."""
    if not reply.flags & dns.flags.AA:
        return None
    found = reply.get_rrset(reply.authority, absolute(zone), dns.rdataclass.IN, dns.rdatatype.SOA)
    return int(found[0].serial) if found else None


def _serial(server: str, zone: str, timeout: float) -> int:
    """The zone's serial on this server. Raises ValueError when it does not answer for the zone."""
    reply = ask(server, absolute(zone), dns.rdatatype.SOA, timeout)
    found = reply.get_rrset(reply.answer, absolute(zone), dns.rdataclass.IN, dns.rdatatype.SOA)
    if found is None or reply.rcode() != dns.rcode.NOERROR:
        raise ValueError(f"{dns.rcode.to_text(reply.rcode())}: does not answer for {zone}")
    return int(found[0].serial)


def _read(reply: Any, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[Said, RecordSet | None]:
    """Only what stands at the name itself: an alias is not followed."""
    rcode = reply.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Said.REFUSED, None
    found = reply.get_rrset(reply.answer, name, dns.rdataclass.IN, kind)
    if found is not None:
        return Said.ANSWER, record_set(name, found)
    # NXDOMAIN with an alias in the answer is about the alias's target.
    gone = rcode == dns.rcode.NXDOMAIN and not reply.answer
    return (Said.NO_NAME if gone else Said.NO_DATA), None
