"""The binary form of records in AD ([MS-DNSP] 2.3.2.2): our reading and writing, and what Samba wrote."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gateways import _dns_ad_records as records
from portal.gateways.dns_rules import text_value

LABELS = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=8).map(".".join).filter(lambda name: len(name) <= 253)
SHORT = st.integers(0, 0xFFFF)
VALUES = st.one_of(
    st.tuples(st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(st.sampled_from(["CNAME", "PTR"]), NAMES),
    st.tuples(st.just("TXT"), st.binary(max_size=1000).map(text_value)),
    st.tuples(st.just("SRV"), st.builds("{} {} {} {}".format, SHORT, SHORT, SHORT, NAMES)),
)


@given(VALUES, st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
def test_whatever_is_written_is_read_again(typed: tuple[str, str], ttl: int, serial: int) -> None:
    kind, value = typed
    made = records.make(kind, ttl, value, serial)

    found = records.decode(records.encode(made))

    assert found == made
    assert (found.type, found.value, found.ttl, found.serial) == (kind, value, ttl, serial)


@given(st.binary(max_size=120))
def test_no_bytes_break_the_reading(blob: bytes) -> None:
    found = records.decode(blob)

    assert found is None or isinstance(found.value, str)


@given(st.sampled_from(sorted(records.TYPE_NUMBERS.values())), st.binary(max_size=80))
def test_malformed_data_are_shown_as_they_are_and_kept(number: int, data: bytes) -> None:
    record = records.AdRecord(number=number, ttl=60, data=data)

    assert records.decode(records.encode(record)) == record
    assert record.value.isprintable()


@pytest.mark.parametrize(
    ("blob", "kind", "ttl", "value"),
    [
        # As Samba 4.17 provisions a domain.
        (
            "0400010005f00000010000000000038400000000000000007f00002e",
            "A",
            900,
            "127.0.0.46",
        ),
        (
            "1700210005f0000001000000000003840000000000000000000000640cc40f0303646331066b6f6b75686f02707200",
            "SRV",
            900,
            "0 100 3268 dc1.kokuho.pr",
        ),
        (
            "1100020005f00000010000000000038400000000000000000f0303646331066b6f6b75686f02707200",
            "NS",
            900,
            "dc1.kokuho.pr",
        ),
    ],
)
def test_what_samba_wrote(blob: str, kind: str, ttl: int, value: str) -> None:
    found = records.decode(bytes.fromhex(blob))

    assert found is not None
    assert (found.type, found.ttl, found.value, found.serial) == (kind, ttl, value, 1)
    if kind != "NS":  # which the portal does not write
        assert records.encode(records.make(kind, ttl, value, 1)).hex() == blob


def test_the_ttl_alone_is_big_endian() -> None:
    blob = records.encode(records.make("A", 1, "10.13.82.5", 2))

    assert blob[8:12] == b"\x02\0\0\0"
    assert blob[12:16] == b"\0\0\0\x01"


def test_a_tombstone_says_when() -> None:
    made = records.tombstone(datetime(2026, 11, 28, tzinfo=UTC), 7)

    assert made.is_tombstone
    assert records.decode(records.encode(made)) == made
    (ticks,) = struct.unpack("<Q", made.data)
    assert ticks // 10**7 - 11_644_473_600 == 1_795_824_000  # seconds of 1970, from those of 1601


def test_the_start_of_authority_tells_serial_and_negative_ttl() -> None:
    numbers = struct.pack(">IIIII", 42, 900, 600, 86400, 3600)
    names = records.encode_name("dc1.kokuho.pr") + records.encode_name("hostmaster.kokuho.pr")
    soa = records.AdRecord(number=6, ttl=1800, data=numbers + names)

    assert records.soa_numbers(soa) == (42, 1800)
    assert soa.value == "dc1.kokuho.pr hostmaster.kokuho.pr 42 900 600 86400 3600"
    with pytest.raises(ValueError):
        records.soa_numbers(records.make("A", 60, "10.13.82.5", 1))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("A", "10.13.82.256"),
        ("AAAA", "10.13.82.5"),
        ("CNAME", "a..b"),
        ("CNAME", "a" * 64),
        ("CNAME", ".".join(["a" * 60] * 5)),
        ("CNAME", "ｘ.kokuho.pr"),
        ("TXT", "a\\b"),
        ("SRV", "1 2 a.kokuho.pr"),
        ("SRV", "70000 0 1 a.kokuho.pr"),
        ("MX", "10 a.kokuho.pr"),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, value: str) -> None:
    with pytest.raises(ValueError):
        records.make(kind, 60, value, 1)
