"""What a new demo domain holds: the heads that every AD has, the administrator, and with `organisations` the OUs."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from portal.embedded.directory import names
from portal.embedded.directory.domain import REVERSE_ZONE, Domain, make_domain_policy
from portal.embedded.directory.layout import organisational_units
from portal.embedded.directory.policy import NEVER, hash_password, now_ticks
from portal.embedded.directory.schema import CLASS_CATEGORIES, CLASS_CHAINS
from portal.embedded.directory.store import Entry

_NEVER_EXPIRES = 0x10200


def seed_domain(domain: Domain, *, administrator_password: str) -> None:
    """The domain head, its containers, Administrator and Domain Admins. Does nothing when they exist."""
    base = domain.base_dn
    if domain.store.by_dn(base) is not None:
        return
    _put(domain, base, "domaindns", make_domain_policy())
    for container in ("Users", "Computers", "System", "Deleted Objects"):
        _put(domain, f"CN={container},{base}", "container")
    _put(domain, domain.password_settings_dn, "container")
    administrator = _put_account(
        domain, f"CN=Administrator,CN=Users,{base}", administrator_password, {"adminCount": "1"}
    )
    admins = {"sAMAccountName": "Domain Admins", "groupType": "-2147483646", "adminCount": "1"}
    group = _entry(domain, f"CN=Domain Admins,CN=Users,{base}", "group", admins)
    group.values["member"] = [str(administrator.guid).encode()]
    domain.store.put(group)


def seed_service_account(domain: Domain, dn: str, password: str) -> None:
    """The account with which the portal signs in; its rights end at the root OU."""
    if domain.store.by_dn(domain.services_ou) is None:
        _put(domain, domain.services_ou, "organizationalunit")
    if domain.store.by_dn(dn) is None:
        _put_account(domain, dn, password, {})


def seed_controller(domain: Domain) -> None:
    """The object of this server, with an invocationId of its own for as long as the database lives."""
    if domain.store.by_dn(domain.controller_dn) is None:
        entry = _entry(domain, domain.controller_dn, "container", {})
        entry.values["invocationid"] = [uuid4().bytes_le]
        domain.store.put(entry)


def seed_zones(domain: Domain, address: str) -> None:
    """The DNS zones: the domain's own and the one of all addresses 10.*, each with its beginning, and this server's name."""
    if domain.store.by_dn(domain.zones_dn) is not None:
        return
    container = f"CN=MicrosoftDNS,{domain.zones_dn}"
    _put(domain, domain.zones_dn, "domaindns")
    _put(domain, container, "container")
    server, person = (f"{label}.{domain.dns_name}" for label in ("dc1", "hostmaster"))
    start = b"".join(number.to_bytes(4, "big") for number in (1, 900, 600, 86400, 900))
    start += _counted(server) + _counted(person)
    for zone in (domain.dns_name, REVERSE_ZONE):
        _put(domain, f"DC={zone},{container}", "dnszone")
        _put_node(domain, f"DC=@,DC={zone},{container}", _record(6, start), _record(2, _counted(server)))
    octets = bytes(int(part) for part in address.split("."))
    _put_node(domain, f"DC=dc1,DC={domain.dns_name},{container}", _record(1, octets))


def _put_node(domain: Domain, dn: str, *blobs: bytes) -> None:
    entry = _entry(domain, dn, "dnsnode", {})
    entry.values["dnsrecord"] = list(blobs)
    domain.store.put(entry)


def _record(number: int, data: bytes) -> bytes:
    """A dnsRecord value: length, type, version 5, rank, flags, serial; the TTL alone is big endian."""
    head = len(data).to_bytes(2, "little") + number.to_bytes(2, "little") + bytes([5, 0xF0, 0, 0, 1, 0, 0, 0])
    return head + (900).to_bytes(4, "big") + bytes(8) + data


def _counted(name: str) -> bytes:
    labels = name.split(".")
    wire = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return bytes([len(wire), len(labels)]) + wire


def seed_organisations(domain: Domain) -> None:
    for dn in organisational_units(domain.root_ou):
        if domain.store.by_dn(dn) is None:
            _put(domain, dn, "organizationalunit")


def _put(domain: Domain, dn: str, object_class: str, attributes: Mapping[str, str] | None = None) -> Entry:
    entry = _entry(domain, dn, object_class, attributes or {})
    domain.store.put(entry)
    return entry


def _put_account(domain: Domain, dn: str, password: str, attributes: Mapping[str, str]) -> Entry:
    name = names.parse_rdn(names.first(dn))[1]
    entry = _entry(
        domain,
        dn,
        "user",
        {
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@{domain.dns_name}",
            "userAccountControl": str(_NEVER_EXPIRES),
            "pwdLastSet": str(now_ticks()),
            "accountExpires": str(NEVER),
            **attributes,
        },
    )
    entry = Entry(entry.guid, entry.dn, entry.values, (hash_password(password),))
    domain.store.put(entry)
    return entry


def _entry(domain: Domain, dn: str, object_class: str, attributes: Mapping[str, str]) -> Entry:
    rdn_attribute, name = names.parse_rdn(names.first(dn))
    category = CLASS_CATEGORIES[object_class]
    values = {attribute.lower(): [value.encode()] for attribute, value in attributes.items()}
    values[rdn_attribute.lower()] = [name.encode()]
    values["objectclass"] = [value.encode() for value in CLASS_CHAINS[object_class]]
    values["objectcategory"] = [f"CN={category},CN=Schema,CN=Configuration,{domain.base_dn}".encode()]
    return Entry(uuid4(), dn, values)
