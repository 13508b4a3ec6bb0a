"""What is particular to zones in a directory: tombstones, values of other programs, races without a server's judgement (REQ-05)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from portal.gateways.dns import (
    AccessDenied,
    Change,
    ChangedMeanwhile,
    DnsUnavailable,
    InvalidRecord,
    NoEffect,
    Record,
    RecordSet,
    ZoneMissing,
)
from tests.contract.dns_places import REVERSE, ZONE, AdPlace, _before, blob_of, host
from tests.contract.proxy import CuttingProxy, Mode


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def ad(request: pytest.FixtureRequest) -> Iterator[AdPlace]:
    found: AdPlace = request.getfixturevalue(f"_{request.param}_place")
    yield found
    found.close()


def address(name: str, *values: str) -> RecordSet:
    return RecordSet(name, "A", 600, values)


def types_in(blobs: list[bytes]) -> list[int]:
    return sorted(int.from_bytes(blob[2:4], "little") for blob in blobs)


def test_req_05_a_name_without_records_becomes_a_tombstone_and_is_revived(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    first, second = address(name, "10.13.82.5"), address(name, "10.13.82.6")
    dns.replace(Change.between(ZONE, None, first))
    assert not ad.is_tombstoned(name)

    dns.replace(Change.between(ZONE, first, None))

    assert ad.is_tombstoned(name)
    assert types_in(ad.blobs(name)) == [0]
    assert dns.read(ZONE, name) == []
    assert ad.asked(name, "A") is None

    dns.replace(Change.between(ZONE, None, second))

    assert not ad.is_tombstoned(name)
    assert types_in(ad.blobs(name)) == [1]
    assert ad.asked(name, "A") == second


def test_req_05_a_tombstoned_name_has_no_records_whatever_remains_in_it(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    ad.put(Record(name, "A", 600, "10.13.82.5"))
    ad.entomb(name)

    assert dns.read(ZONE, name) == []
    dns.replace(Change.between(ZONE, None, RecordSet(name, "CNAME", 600, ("b.kokuho.pr",))))

    assert types_in(ad.blobs(name)) == [5]
    assert ad.asked(name, "CNAME") is not None


def test_req_05_the_last_record_of_a_type_leaves_the_others_alive(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    ad.put(Record(name, "A", 600, "10.13.82.5"), Record(name, "TXT", 600, "stays"))

    dns.replace(Change.between(ZONE, address(name, "10.13.82.5"), None))

    assert not ad.is_tombstoned(name)
    assert types_in(ad.blobs(name)) == [16]


@pytest.mark.parametrize(
    "comes",
    [[("A", "10.13.82.7")], [("TXT", "other")], []],
    ids=["changed", "of another type", "nothing left"],
)
def test_req_05_what_comes_between_reading_and_writing_stops_the_change(
    ad: AdPlace, comes: list[tuple[str, str]]
) -> None:
    name, dns = host(), ad.connect()
    ad.put(Record(name, "A", 600, "10.13.82.5"))
    left = [Record(name, kind, 600, value) for kind, value in comes]
    _before(dns, "_written", lambda: ad.write(name, [blob_of(record) for record in left]))

    with pytest.raises(ChangedMeanwhile) as stale:
        dns.replace(Change.between(ZONE, address(name, "10.13.82.5"), address(name, "10.13.82.6")))

    assert stale.value.found == next((RecordSet.of(record) for record in left if record.type == "A"), None)
    assert ad.blobs(name) == [blob_of(record) for record in left]


def test_req_05_a_name_that_appears_in_between_stops_the_change(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    there = Record(name, "A", 600, "10.13.82.7")
    _before(dns, "_written", lambda: ad.put(there) if not ad.blobs(name) else None)

    with pytest.raises(ChangedMeanwhile):
        dns.replace(Change.between(ZONE, None, address(name, "10.13.82.6")))

    assert ad.asked(name, "A") == RecordSet.of(there)


def test_req_05_of_two_workers_one_succeeds_also_where_the_name_holds_other_records(ad: AdPlace) -> None:
    name, slow, quick = host(), ad.connect(), ad.connect()
    ad.put(Record(name, "TXT", 600, "beside"))
    ran: list[bool] = []

    def quick_one() -> None:
        if not ran:
            ran.append(True)
            quick.replace(Change.between(ZONE, None, address(name, "10.13.82.5")))

    _before(slow, "_written", quick_one)

    with pytest.raises(ChangedMeanwhile):
        slow.replace(Change.between(ZONE, None, address(name, "10.13.82.6")))

    assert ad.asked(name, "A") == address(name, "10.13.82.5")
    assert types_in(ad.blobs(name)) == [1, 16]


def test_req_05_a_value_that_another_program_adds_in_between_is_found_by_reading_back(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    ad.put(Record(name, "A", 600, "10.13.82.5"))
    other = blob_of(Record(name, "A", 600, "10.13.82.9"))
    _before(dns, "_written", lambda: ad.write(name, [*ad.blobs(name), other]))

    with pytest.raises(NoEffect) as found:
        dns.replace(Change.between(ZONE, address(name, "10.13.82.5"), address(name, "10.13.82.6")))

    assert found.value.found == address(name, "10.13.82.6", "10.13.82.9")


def test_when_a_machine_registered_itself_stays_with_its_record(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    aging = blob_of(Record(name, "A", 1200, "10.13.82.5"), timestamp=3_700_000)
    ad.write(name, [aging])

    dns.replace(Change.between(ZONE, None, RecordSet(name, "TXT", 600, ("beside",))))

    kept = next(blob for blob in ad.blobs(name) if blob[2] == 1)
    assert struct.unpack_from("<I", kept, 20) == (3_700_000,)
    assert kept[24:] == aging[24:]
    # Every write numbers its values anew, and higher.
    assert struct.unpack_from("<I", kept, 8) > struct.unpack_from("<I", aging, 8)


def test_what_cannot_be_understood_is_shown_and_kept(ad: AdPlace) -> None:
    name, dns = host(), ad.connect()
    unknown = struct.pack("<HHBBHI", 3, 65280, 5, 0xF0, 0, 1) + struct.pack(">I", 600) + bytes(8) + b"abc"
    ad.write(name, [unknown, blob_of(Record(name, "A", 600, "10.13.82.5"))])

    shown = dns.read(ZONE, name)
    assert [(found.type, found.values) for found in shown] == [
        ("A", ("10.13.82.5",)),
        ("TYPE65280", ("\\# 3 616263",)),
    ]
    dns.replace(Change.between(ZONE, address(name, "10.13.82.5"), address(name, "10.13.82.6")))

    assert types_in(ad.blobs(name)) == [1, 65280]
    assert ad.asked(name, "A") == address(name, "10.13.82.6")


def test_the_zone_is_read_with_what_the_servers_need_for_themselves(ad: AdPlace) -> None:
    apex = {found.type: found for found in ad.connect().read(ZONE, ZONE)}

    assert apex["NS"].values == ("dc1.kokuho.pr",)
    assert apex["SOA"].values[0].startswith("dc1.kokuho.pr hostmaster.kokuho.pr ")
    assert not apex["SOA"].writable


def test_a_name_on_which_the_account_has_no_rights_is_denied(ad: AdPlace) -> None:
    with ad.other_zone("elsewhere.example"):
        dns = ad.connect()
        held = dns.read("elsewhere.example", "a.elsewhere.example")

        with pytest.raises(AccessDenied):
            dns.replace(Change.between("elsewhere.example", held[0], None))

        assert dns.read("elsewhere.example", "a.elsewhere.example") == held


def test_only_the_zones_of_the_settings_are_known(ad: AdPlace) -> None:
    limited = ad.connect(zones=[REVERSE])

    assert {ZONE, REVERSE} <= {found.name for found in ad.connect().zones()}
    assert [found.name for found in limited.zones()] == [REVERSE]
    with pytest.raises(ZoneMissing):
        limited.replace(Change.between(ZONE, None, address(host(), "10.13.82.5")))


def test_a_zone_where_windows_2000_kept_it_is_read(ad: AdPlace) -> None:
    with ad.other_zone("legacy.example", legacy=True):
        dns = ad.connect()

        assert "legacy.example" in {found.name for found in dns.zones()}
        assert dns.read("legacy.example", "a.legacy.example") == [address("a.legacy.example", "10.13.82.5")]


def test_a_zone_that_goes_away_is_missing(ad: AdPlace) -> None:
    dns = ad.connect()
    with ad.other_zone("passing.example"):
        assert dns.read("passing.example", "a.passing.example")

    for act in (
        lambda: dns.read("passing.example", "a.passing.example"),
        lambda: list(dns.read_zone("passing.example")),
    ):
        with pytest.raises(ZoneMissing):
            act()


def test_a_value_that_the_directory_cannot_hold_is_refused_before_it_is_sent(ad: AdPlace) -> None:
    name = host()

    for kind, value in (("A", "x"), ("CNAME", "a..b"), ("SRV", "1 2 3")):
        with pytest.raises(InvalidRecord):
            ad.connect().replace(Change.between(ZONE, None, RecordSet(name, kind, 600, (value,))))

    assert ad.blobs(name) == []


def test_names_with_signs_of_their_own_meaning_in_ldap_are_names(ad: AdPlace) -> None:
    dns = ad.connect()
    for label in ("a*", "b(c)", "d\\044e", "f+g", "#h"):
        name = f"{label}.{host()}"
        assert dns.read(ZONE, name) == []


def test_the_directory_s_own_names_are_those_of_its_controllers(ad: AdPlace) -> None:
    dns = ad.connect(protected=["server2.kokuho.pr"])

    assert dns.owned_by_directory(ad.env["AD_TLS_SERVER_NAME"])
    assert dns.owned_by_directory("SERVER2.kokuho.pr.")
    assert not dns.owned_by_directory("server3.kokuho.pr")


def test_an_unreachable_directory_is_unavailable(ad: AdPlace) -> None:
    dns = ad.connect(urls=["ldaps://127.0.0.1:1"])
    change = Change.between(ZONE, None, address(host(), "10.13.82.5"))

    for act in (
        dns.ping,
        dns.zones,
        lambda: dns.read(ZONE, host()),
        lambda: list(dns.read_zone(ZONE)),
        lambda: dns.replace(change),
        lambda: dns.owned_by_directory(f"pc1.{ZONE}"),
    ):
        with pytest.raises(DnsUnavailable):
            act()


def test_a_directory_that_falls_silent_in_a_zone_is_unavailable(ad: AdPlace) -> None:
    with CuttingProxy.before(ad.env["AD_LDAP_URLS"]) as proxy:
        dns = ad.connect(urls=[proxy.url], receive_timeout=1)
        dns.ping()
        proxy.mode = Mode.LOSE_REPLIES

        with pytest.raises(DnsUnavailable):
            list(dns.read_zone(ZONE))
