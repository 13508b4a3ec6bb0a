"""The DNS servers under contract, and how a test looks at them from outside of the portal."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import urlsplit

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import ldap3

from portal.embedded.bind import EmbeddedBind
from portal.gateways.directory_factory import directory_settings
from portal.gateways.dns import Dns, OutcomeUnknown, Record, RecordSet, RecordType, reverse_name
from portal.gateways.dns_factory import make_dns
from tests.contract.proxy import CuttingProxy, Mode
from tests.fake_dns import FakeDns

ZONE, REVERSE = "kokuho.pr", "10.in-addr.arpa"
DIRECTORY = {
    "urls": ["ldaps://127.0.0.1:1"],
    "tls_server_name": "",
    "ca_file": "",
    "base_dn": "DC=kokuho,DC=pr",
    "domain": "kokuho.pr",
    "bind_dn": "",
    "bind_password": "",
    "root_ou": "",
}


class Place(Protocol):
    """Servers with a zone for names and one for addresses (10.*)."""

    name: str
    page: str
    """The module attribute that says how much one page of a zone holds."""

    def connect(self, **overrides: Any) -> Dns:
        """The adapter under test, with short timeouts."""
        ...

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        """What clients are told now: a query that does not go through the portal's code."""
        ...

    def put(self, *records: Record) -> None:
        """What somebody else does, not through the portal's adapter. The set at each name is replaced."""
        ...

    def losing_replies(self) -> AbstractContextManager[Dns]:
        """The adapter on a way on which its changes arrive and the answers do not."""
        ...

    def close(self) -> None: ...


class FakePlace:
    """The stand-in itself has to keep the contract."""

    name = "fake"
    page = "tests.fake_dns._PAGE"

    def __init__(self) -> None:
        self.dns = FakeDns(zone_names=(ZONE, REVERSE))

    def connect(self, **overrides: Any) -> Dns:
        return self.dns

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        zone = ZONE if name.endswith(ZONE) else REVERSE
        return self.dns.query(zone, name, record_type)[0].found

    def put(self, *records: Record) -> None:
        for record in records:
            self.dns.sets.pop((record.name, record.type), None)
        self.dns.put(*records)

    def losing_replies(self) -> AbstractContextManager[Dns]:
        self.dns.after["replace"] = [OutcomeUnknown("lost")]
        return nullcontext(self.dns)

    def close(self) -> None: ...


def options(env: Mapping[str, str], **overrides: Any) -> dict[str, Any]:
    """Like `settings.DNS` for servers that tell their settings as environment."""
    return {
        "backend": env["DNS_BACKEND"],
        "servers": env["DNS_SERVERS"].split(","),
        "zones": [name for name in env.get("DNS_ZONES", "").split(",") if name],
        "protected": env.get("DNS_PROTECTED_NAMES", "").split(","),
        "timeout": 2,
        "bind_dn": "",
        "bind_password": "",
        "update_server": "",
        "key_name": env.get("DNS_TSIG_NAME", ""),
        "key_secret": env.get("DNS_TSIG_SECRET", ""),
        "key_algorithm": "hmac-sha256",
        **overrides,
    }


class BindPlace:
    """Two bind9 servers, of which the second stays behind until it is told to look."""

    name = "bind9"
    page = "portal.gateways.dns_rfc2136._PAGE"

    def __init__(self, server: EmbeddedBind) -> None:
        self.server = server

    def connect(self, **overrides: Any) -> Dns:
        env = self.server.env | {"DNS_PROTECTED_NAMES": f"dc1.{ZONE}"}
        return make_dns(options(env, **overrides), directory_settings(DIRECTORY))

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        return ask("127.0.0.1", self.server.port("primary"), name, record_type)

    def put(self, *records: Record) -> None:
        for record in records:
            reply = self.update(record.name, [("delete", record.type)])
            assert reply.rcode() == dns.rcode.NOERROR
        for record in records:
            reply = self.update(record.name, [("add", record.ttl, record.type, _text(record))])
            assert reply.rcode() == dns.rcode.NOERROR

    def update(self, name: str, actions: list[tuple[Any, ...]]) -> dns.message.Message:
        """An update by hand, without conditions."""
        env = self.server.env
        ring = dns.tsigkeyring.from_text({env["DNS_TSIG_NAME"]: env["DNS_TSIG_SECRET"]})
        message = dns.update.UpdateMessage(f"{ZONE if name.endswith(ZONE) else REVERSE}.", keyring=ring)
        for what, *values in actions:
            getattr(message, what)(f"{name}.", *values)
        return dns.query.tcp(message, "127.0.0.1", port=self.server.port("primary"), timeout=5)

    @contextmanager
    def losing_replies(self) -> Iterator[Dns]:
        with CuttingProxy("127.0.0.1", self.server.port("primary")) as proxy:
            made = self.connect(update_server=f"127.0.0.1:{proxy.port}", timeout=0.3)
            _before(made, "_update", lambda: setattr(proxy, "mode", Mode.LOSE_REPLIES))
            yield made

    def close(self) -> None: ...


class AdPlace:
    """A directory with its zones, and the DNS server that answers from them."""

    page = "portal.gateways._ldap3_scanning.PAGE_SIZE"

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self.name, self.env = name, env
        self._open: list[Dns] = []
        self._administrator: ldap3.Connection | None = None

    def connect(self, **overrides: Any) -> Dns:
        own = {key: overrides.pop(key) for key in ("urls", "receive_timeout") if key in overrides}
        directory = {
            "urls": [self.env["AD_LDAP_URLS"]],
            "tls_server_name": self.env["AD_TLS_SERVER_NAME"],
            "ca_file": self.env["AD_CA_FILE"],
            "base_dn": self.env["AD_BASE_DN"],
            "domain": self.env["AD_DOMAIN"],
            "bind_dn": self.env["AD_BIND_DN"],
            "bind_password": self.env["AD_BIND_PASSWORD"],
            "root_ou": self.env["AD_ROOT_OU"],
            **own,
        }
        made = make_dns(
            options({**self.env, "DNS_PROTECTED_NAMES": f"dc1.{ZONE}"}, **overrides),
            directory_settings(directory),
        )
        self._open.append(made)
        return made

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        host, _, port = self.env["DNS_SERVERS"].split(",")[0].rpartition(":")
        return ask(host, int(port), name, record_type)

    def put(self, *records: Record) -> None:
        for name in {record.name for record in records}:
            own = [record for record in records if record.name == name]
            types = {_number(record.type) for record in own}
            kept = [
                blob for blob in self.blobs(name) if int.from_bytes(blob[2:4], "little") not in types | {0}
            ]
            self.write(name, [*kept, *map(blob_of, own)])

    def node_dn(self, name: str) -> str:
        """Where the directory keeps a name."""
        zone = ZONE if name.endswith(ZONE) else REVERSE
        base = self.env["AD_BASE_DN"]
        own = "@" if name == zone else name.removesuffix(f".{zone}")
        return f"DC={own},DC={zone},CN=MicrosoftDNS,DC=DomainDnsZones,{base}"

    def blobs(self, name: str) -> list[bytes]:
        """The values that the directory holds."""
        return [bytes(blob) for blob in self._attributes(name).get("dnsRecord", [])]

    def is_tombstoned(self, name: str) -> bool:
        return self._attributes(name).get("dNSTombstoned") == [b"TRUE"]

    def write(self, name: str, blobs: list[bytes]) -> None:
        """Make these the values of the name's object, as the domain's administrator."""
        values = {"dnsRecord": blobs}
        if self._attributes(name):
            changes = {"dnsRecord": [(ldap3.MODIFY_REPLACE, blobs)]}
            answer = self._raw().modify(self.node_dn(name), changes)
        else:
            answer = self._raw().add(self.node_dn(name), ["top", "dnsNode"], values)
        assert answer[1]["result"] == 0, answer[1]

    def entomb(self, name: str) -> None:
        """Mark the name as deleted and leave its values, as some tools do."""
        changes = {"dNSTombstoned": [(ldap3.MODIFY_REPLACE, ["TRUE"])]}
        answer = self._raw().modify(self.node_dn(name), changes)
        assert answer[1]["result"] == 0, answer[1]

    @contextmanager
    def other_zone(self, zone: str, *, legacy: bool = False) -> Iterator[None]:
        """A zone for a while, without rights of the portal, and with the name "a" in it."""
        partition = "CN=System" if legacy else "DC=DomainDnsZones"
        container = f"CN=MicrosoftDNS,{partition},{self.env['AD_BASE_DN']}"
        top = f"DC={zone},{container}"
        blob = blob_of(Record(f"a.{zone}", "A", 600, "10.13.82.5"))
        self._raw().add(container, ["top", "container"])
        for dn in (f"DC=a,{top}", top):  # of a run that was broken off
            self._raw().delete(dn)
        assert self._raw().add(top, ["top", "dnsZone"])[0]
        assert self._raw().add(f"DC=a,{top}", ["top", "dnsNode"], {"dnsRecord": blob})[0]
        try:
            yield
        finally:
            for dn in (f"DC=a,{top}", top):
                assert self._raw().delete(dn)[0]

    def _attributes(self, name: str) -> dict[str, list[bytes]]:
        answer = self._raw().search(
            self.node_dn(name), "(objectClass=dnsNode)", ldap3.BASE, attributes=["dnsRecord", "dNSTombstoned"]
        )
        found = [item["raw_attributes"] for item in answer[2] if item["type"] == "searchResEntry"]
        return found[0] if found else {}

    def _raw(self) -> ldap3.Connection:
        if self._administrator is None:
            parts = urlsplit(self.env["AD_LDAP_URLS"])
            tls = ldap3.Tls(
                validate=2, ca_certs_file=self.env["AD_CA_FILE"], valid_names=[self.env["AD_TLS_SERVER_NAME"]]
            )
            server = ldap3.Server(parts.hostname, parts.port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
            self._administrator = ldap3.Connection(
                server,
                user=self.env["AD_ADMIN_DN"],
                password=self.env["AD_ADMIN_PASSWORD"],
                client_strategy=ldap3.SAFE_SYNC,
                check_names=False,
                auto_bind=True,
            )
        return self._administrator

    @contextmanager
    def losing_replies(self) -> Iterator[Dns]:
        with CuttingProxy.before(self.env["AD_LDAP_URLS"]) as proxy:
            made = self.connect(urls=[proxy.url], receive_timeout=1)
            _before(made, "_written", lambda: setattr(proxy, "mode", Mode.LOSE_REPLIES))
            yield made

    def close(self) -> None:
        for each in self._open:
            each.close()
        self._open.clear()
        # A server ends what says nothing for a while: fifteen minutes between two tests are possible.
        if self._administrator is not None:
            self._administrator.unbind()
            self._administrator = None


def _before(adapter: Any, method: str, happens: Any) -> None:
    """Let something happen right before the adapter sends a change."""
    real = getattr(adapter, method)

    def first(*args: Any) -> Any:
        happens()
        return real(*args)

    setattr(adapter, method, first)


def ask(host: str, port: int, name: str, record_type: str) -> RecordSet | None:
    """A plain query, as any client sends it."""
    query = dns.message.make_query(f"{name}.", record_type)
    reply, _ = dns.query.udp_with_fallback(query, host, timeout=5, port=port)
    assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    found = reply.get_rrset(
        reply.answer, query.question[0].name, dns.rdataclass.IN, dns.rdatatype.from_text(record_type)
    )
    if found is None:
        return None
    return RecordSet(name, record_type, found.ttl, tuple(_value(record_type, rdata) for rdata in found))


def _value(record_type: str, rdata: Any) -> str:
    """Written once more, so that a mistake of the adapter's own reading is seen."""
    match record_type:
        case RecordType.TXT:
            data = b"".join(rdata.strings)
            plain = (chr(b) if 32 <= b < 127 and b != 92 else f"\\{b:03d}" for b in data)
            return "".join(plain)
        case RecordType.A | RecordType.AAAA:
            return str(rdata.address)
        case _:
            return str(rdata.to_text()).rstrip(".").lower()


def _number(record_type: str) -> int:
    return int(dns.rdatatype.from_text(record_type))


def blob_of(record: Record, *, serial: int = 1, timestamp: int = 0) -> bytes:
    """A dnsRecord value, written once more after [MS-DNSP]."""
    rdata = dns.rdata.from_text("IN", record.type, _text(record))
    match record.type:
        case RecordType.CNAME | RecordType.PTR:
            data = _counted(rdata.target)
        case RecordType.SRV:
            data = struct.pack(">HHH", rdata.priority, rdata.weight, rdata.port) + _counted(rdata.target)
        case _:
            data = rdata.to_wire()
    head = struct.pack("<HHBBHI", len(data), _number(record.type), 5, 0xF0, 0, serial)
    return head + struct.pack(">I", record.ttl) + struct.pack("<II", 0, timestamp) + data


def _counted(name: dns.name.Name) -> bytes:
    wire = name.to_wire()
    return bytes([len(wire), len(name.labels) - 1]) + wire


def _text(record: Record) -> str:
    if record.type == RecordType.TXT:
        return '"' + record.value.replace('"', '\\"') + '"'
    dot = "." if record.type in (RecordType.CNAME, RecordType.PTR, RecordType.SRV) else ""
    return record.value + dot


def host() -> str:
    """A name that nobody has used."""
    return f"t{token_hex(6)}.{ZONE}"


_addresses = count()


def unused_reverse_name() -> str:
    """The reverse name of an address that no other test of this run has used."""
    number = next(_addresses)
    return reverse_name(f"10.14.{number // 250}.{number % 250 + 1}")
