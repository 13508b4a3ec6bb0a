"""Which records may be asked for (REQ-05): names, values, TTL, and the names that AD owns."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.gateways.dns import (
    Answer,
    Change,
    InvalidRecord,
    Record,
    RecordSet,
    Said,
    Zone,
    conflicting_types,
    mark_behind,
    reverse_address,
    reverse_name,
    zone_of,
)
from portal.gateways.dns_rules import (
    REASON_TEXTS,
    Reason,
    make_record,
    name_problem,
    owned_by_directory,
    text_bytes,
    text_strings,
    text_value,
    value_problem,
)

ZONE, REVERSE = "kokuho.pr", "13.10.in-addr.arpa"


def make(name: str = "pc1.kokuho.pr", kind: str = "A", ttl: int = 3600, value: str = "10.13.82.5") -> Record:
    return make_record(REVERSE if kind == "PTR" else ZONE, name, kind, ttl, value)


@pytest.mark.parametrize(
    ("name", "kind", "value", "expected_name", "expected_value"),
    [
        ("PC1.Kokuho.PR.", "A", "10.13.82.5", "pc1.kokuho.pr", "10.13.82.5"),
        ("pc1.kokuho.pr", "AAAA", "2001:0DB8:0::5", "pc1.kokuho.pr", "2001:db8::5"),
        ("www.kokuho.pr", "CNAME", "PC1.kokuho.pr.", "www.kokuho.pr", "pc1.kokuho.pr"),
        ("5.82.13.10.in-addr.arpa", "PTR", "pc1.kokuho.pr", "5.82.13.10.in-addr.arpa", "pc1.kokuho.pr"),
        ("_dmarc.kokuho.pr", "TXT", 'v=DMARC1; p="none"', "_dmarc.kokuho.pr", 'v=DMARC1; p="none"'),
        ("txt.kokuho.pr", "TXT", "\\092\\065", "txt.kokuho.pr", "\\092A"),
        (
            "_sip._tcp.kokuho.pr",
            "SRV",
            "010  0 5060 SIP1.kokuho.pr.",
            "_sip._tcp.kokuho.pr",
            "10 0 5060 sip1.kokuho.pr",
        ),
    ],
)
def test_req_05_a_good_record_gets_its_canonical_form(
    name: str, kind: str, value: str, expected_name: str, expected_value: str
) -> None:
    made = make(name, kind, value=value)

    assert (made.name, made.value) == (expected_name, expected_value)
    assert make(made.name, kind, value=made.value) == made


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("", "A", Reason.EMPTY),
        ("ｐｃ１.kokuho.pr", "A", Reason.NOT_ASCII),
        ("端末.kokuho.pr", "A", Reason.INTERNATIONAL),
        ("xn--eckwd4c7c.kokuho.pr", "A", Reason.INTERNATIONAL),
        ("pc 1.kokuho.pr", "A", Reason.CHARACTER),
        ("pc1/.kokuho.pr", "A", Reason.CHARACTER),
        ("_pc1.kokuho.pr", "A", Reason.UNDERSCORE),
        ("pc_1.kokuho.pr", "CNAME", Reason.UNDERSCORE),
        ("pc_1.kokuho.pr", "TXT", Reason.UNDERSCORE),
        ("-pc1.kokuho.pr", "A", Reason.HYPHEN),
        ("pc1-.kokuho.pr", "A", Reason.HYPHEN),
        ("pc1..kokuho.pr", "A", Reason.EMPTY_LABEL),
        (".pc1.kokuho.pr", "A", Reason.EMPTY_LABEL),
        (f"{'a' * 64}.kokuho.pr", "A", Reason.LABEL_TOO_LONG),
        (".".join(["a" * 61] * 4) + ".kokuho.pr", "A", Reason.NAME_TOO_LONG),
        ("pc1", "A", Reason.ONE_LABEL),
        ("web.*.kokuho.pr", "A", Reason.WILDCARD),
        ("*.*.kokuho.pr", "A", Reason.WILDCARD),
        ("*web.kokuho.pr", "A", Reason.CHARACTER),
        ("*", "A", Reason.WILDCARD),
        ("*.82.13.10.in-addr.arpa", "PTR", Reason.NOT_REVERSE),
        ("*._tcp.kokuho.pr", "SRV", Reason.SERVICE_NAME),
        ("10.13.82.5", "A", Reason.ADDRESS_AS_NAME),
        ("pc1.example.jp", "A", Reason.OUTSIDE_ZONE),
        ("pc1xkokuho.pr", "A", Reason.OUTSIDE_ZONE),
        ("kokuho.pr", "A", Reason.APEX),
        ("82.13.10.in-addr.arpa", "PTR", Reason.NOT_REVERSE),
        ("300.82.13.10.in-addr.arpa", "PTR", Reason.NOT_REVERSE),
        ("05.82.13.10.in-addr.arpa", "PTR", Reason.NOT_REVERSE),
        ("sip.kokuho.pr", "SRV", Reason.SERVICE_NAME),
        ("_sip.kokuho.pr", "SRV", Reason.SERVICE_NAME),
    ],
)
def test_req_05_a_bad_name_is_refused_with_its_reason(name: str, kind: str, reason: Reason) -> None:
    values = {"PTR": "pc1.kokuho.pr", "SRV": "0 0 1 a.kokuho.pr", "CNAME": "a.kokuho.pr"}

    with pytest.raises(InvalidRecord) as refused:
        make(name, kind, value=values.get(kind, "10.13.82.5"))

    assert refused.value.problems == {"name": reason}


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("A", "", Reason.EMPTY),
        ("A", "10.13.82.256", Reason.NOT_IPV4),
        ("A", "10.13.082.5", Reason.NOT_IPV4),
        ("A", "１０.13.82.5", Reason.NOT_IPV4),
        ("A", "2001:db8::5", Reason.NOT_IPV4),
        ("A", "127.0.0.1", Reason.ADDRESS_UNUSABLE),
        ("A", "0.1.2.3", Reason.ADDRESS_UNUSABLE),
        ("A", "224.0.0.1", Reason.ADDRESS_UNUSABLE),
        ("A", "169.254.1.1", Reason.ADDRESS_UNUSABLE),
        ("A", "255.255.255.255", Reason.ADDRESS_UNUSABLE),
        ("AAAA", "10.13.82.5", Reason.NOT_IPV6),
        ("AAAA", "2001:db8::5%eth0", Reason.NOT_IPV6),
        ("AAAA", "::1", Reason.ADDRESS_UNUSABLE),
        ("AAAA", "::ffff:10.13.82.5", Reason.ADDRESS_UNUSABLE),
        ("CNAME", "10.13.82.5", Reason.ADDRESS_AS_NAME),
        ("CNAME", "pc_1.kokuho.pr", Reason.UNDERSCORE),
        ("TXT", "", Reason.EMPTY),
        ("TXT", "説明", Reason.NOT_ASCII),
        ("TXT", "a\nb", Reason.NOT_ASCII),
        ("TXT", "a\\b", Reason.TEXT_ESCAPE),
        ("TXT", "\\256", Reason.TEXT_ESCAPE),
        ("TXT", "a" * 2001, Reason.TEXT_TOO_LONG),
        ("SRV", "10 0 5060", Reason.SERVICE_VALUE),
        ("SRV", "10 0 70000 a.kokuho.pr", Reason.SERVICE_VALUE),
        ("SRV", "10 0 0 a.kokuho.pr", Reason.SERVICE_VALUE),
        ("SRV", "10 0 5060 10.1.2.3", Reason.ADDRESS_AS_NAME),
    ],
)
def test_req_05_a_bad_value_is_refused_with_its_reason(kind: str, value: str, reason: Reason) -> None:
    assert value_problem(kind, value) is reason


@pytest.mark.parametrize("ttl", [59, 604_801, -1, 0])
def test_req_05_a_ttl_outside_its_limits_is_refused(ttl: int) -> None:
    with pytest.raises(InvalidRecord) as refused:
        make(ttl=ttl)

    assert refused.value.problems == {"ttl": Reason.TTL}


def test_req_05_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidRecord) as refused:
        make("端末", "A", 1, "x")

    assert set(refused.value.problems) == {"name", "ttl", "value"}


def test_req_05_unwritable_types_and_records_at_themselves_are_refused() -> None:
    for kind, value, problem in (
        ("NS", "a.kokuho.pr", {"type": Reason.TYPE}),
        ("CNAME", "pc1.kokuho.pr", {"value": Reason.SELF}),
    ):
        with pytest.raises(InvalidRecord) as refused:
            make(kind=kind, value=value)
        assert refused.value.problems == problem
    with pytest.raises(InvalidRecord) as refused:
        make_record(REVERSE, "5.82.13.10.in-addr.arpa", "A", 3600, "10.13.82.5")
    assert refused.value.problems == {"name": Reason.REVERSE}


def test_every_reason_has_a_text() -> None:
    assert set(REASON_TEXTS) == set(Reason)


@given(st.text(max_size=300))
def test_whatever_is_typed_as_a_name_is_refused_or_one_that_every_tool_takes(text: str) -> None:
    if name_problem(text) is None:
        name = text.removesuffix(".").lower()
        assert len(name) <= 253
        assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in name.split("."))


@given(
    st.from_regex(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,20}[a-z0-9])?){1,6}", fullmatch=True
    )
)
def test_every_ordinary_name_is_taken(name: str) -> None:
    assume("xn--" not in name)
    assert name_problem(name) is None
    assert name_problem(name.upper() + ".") is None


@given(st.binary(max_size=700))
def test_text_and_bytes_are_each_others_inverse(data: bytes) -> None:
    value = text_value(data)

    assert text_bytes(value) == data == b"".join(text_strings(value))
    assert all(" " <= char <= "~" for char in value)
    assert all(len(piece) <= 255 for piece in text_strings(value))


@given(st.ip_addresses())
def test_reverse_names_lead_back_to_the_address(address: ipaddress.IPv4Address) -> None:
    assert reverse_address(reverse_name(str(address))) == str(address)


def test_only_whole_reverse_names_stand_for_an_address() -> None:
    for name in (
        "82.13.10.in-addr.arpa",
        "x.82.13.10.in-addr.arpa",
        "0/25.82.13.10.in-addr.arpa",
        "a.b.c.d.e.f",
    ):
        assert reverse_address(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "kokuho.pr",
        "_ldap._tcp.kokuho.pr",
        "_kerberos._udp.kokuho.pr",
        "_gc._tcp.Default-First-Site-Name._sites.kokuho.pr",
        "_kpasswd._tcp.kokuho.pr",
        "gc._msdcs.kokuho.pr",
        "_msdcs.kokuho.pr",
        "DomainDnsZones.kokuho.pr",
        "_ldap._tcp.domaindnszones.kokuho.pr",
        "forestdnszones.kokuho.pr",
        "DC1.kokuho.pr.",
    ],
)
def test_names_that_ad_keeps_up_itself_are_recognised(name: str) -> None:
    assert owned_by_directory(name, domain="kokuho.pr", controllers=["dc1.kokuho.pr"])


@pytest.mark.parametrize(
    "name",
    ["pc1.kokuho.pr", "_sip._tcp.kokuho.pr", "dc11.kokuho.pr", "ldap.kokuho.pr", "5.82.13.10.in-addr.arpa"],
)
def test_other_names_are_free(name: str) -> None:
    assert not owned_by_directory(name, domain="kokuho.pr", controllers=["dc1.kokuho.pr"])


def test_a_change_is_about_one_set_and_can_be_taken_back() -> None:
    before = RecordSet("a.kokuho.pr", "A", 300, ("10.0.0.2", "10.0.0.1", "10.0.0.1"))
    after = before.with_record(Record("a.kokuho.pr", "A", 600, "10.0.0.3"))

    change = Change.between("kokuho.pr", before, after)

    assert before.values == ("10.0.0.1", "10.0.0.2")
    assert (after.ttl, after.values) == (600, ("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    assert (change.inverse.before, change.inverse.after) == (after, before)
    assert change.inverse.inverse == change
    single = RecordSet("a.kokuho.pr", "A", 300, ("10.0.0.2",))
    assert single.without("10.0.0.2") is None
    for wrong in (
        ("kokuho.pr", before, before),
        ("kokuho.pr", None, None),
        ("example.jp", None, before),
        ("kokuho.pr", before, RecordSet("b.kokuho.pr", "A", 300, ("10.0.0.1",))),
        ("kokuho.pr", None, RecordSet("a.kokuho.pr", "NS", 300, ("b.kokuho.pr",))),
    ):
        with pytest.raises(ValueError):
            Change.between(*wrong)


def test_a_cname_stands_alone() -> None:
    address = RecordSet("a.kokuho.pr", "A", 300, ("10.0.0.1",))
    text = RecordSet("a.kokuho.pr", "TXT", 300, ("x",))
    alias = RecordSet("a.kokuho.pr", "CNAME", 300, ("b.kokuho.pr",))

    assert conflicting_types(Change.between("kokuho.pr", None, alias), [address, text]) == ("A", "TXT")
    assert conflicting_types(Change.between("kokuho.pr", None, address), [alias]) == ("CNAME",)
    assert conflicting_types(Change.between("kokuho.pr", None, address), [text]) == ()
    assert conflicting_types(Change.between("kokuho.pr", alias, None), [alias]) == ()


def test_the_longest_zone_that_fits_holds_a_name() -> None:
    zones = ["kokuho.pr", "13.kokuho.pr", "10.in-addr.arpa"]

    assert zone_of("pc1.13.kokuho.pr", zones) == "13.kokuho.pr"
    assert zone_of("pc1.113.kokuho.pr", zones) == "kokuho.pr"
    assert zone_of("example.jp", zones) is None
    assert Zone(name="10.in-addr.arpa").is_reverse
    assert not Zone(name="kokuho.pr").is_reverse


def test_an_older_serial_is_behind_also_after_it_wrapped() -> None:
    def behind(*serials: int | None) -> list[bool]:
        answers = [
            Answer(server=str(n), said=Said.NO_DATA, serial=serial) for n, serial in enumerate(serials)
        ]
        return [answer.behind for answer in mark_behind(answers)]

    assert behind(5, 4) == [False, True]
    assert behind(5, None) == [False, False]
    assert behind(2**32 - 1, 1) == [True, False]
    assert behind(7, 7) == [False, False]
