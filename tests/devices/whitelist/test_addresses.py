"""One strict reading of MAC and IP addresses (MAC-06): every usual spelling, and no trap of a spreadsheet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from devices.whitelist.addresses import AddressRefused, is_local, is_virtual, parse_ip, parse_mac

MAC = "00:1b:a9:3c:4d:5e"


@pytest.mark.parametrize(
    "written",
    [
        "00:1b:a9:3c:4d:5e",
        "00:1B:A9:3C:4D:5E",
        "00-1B-A9-3C-4D-5E",
        "001b.a93c.4d5e",
        "001B-A93C-4D5E",
        "001ba93c4d5e",
        "001BA9-3C4D5E",
        "00 1B A9 3C 4D 5E",
        "00-1b:a9.3c 4d-5e",
        " 00 - 1B - A9 - 3C - 4D - 5E　",
        "００：１Ｂ：Ａ９：３Ｃ：４Ｄ：５Ｅ",
        "００－１Ｂ－Ａ９－３Ｃ－４Ｄ－５Ｅ",
        "００ー１Ｂーａ９ー３ｃー４ｄー５ｅ",
        "00‐1B‑A9–3C—4D−5E",
        "00ｰ1Bｰa9ｰ3cｰ4dｰ5e",
        "００１ｂ．ａ９３ｃ．４ｄ５ｅ",
        "００１ＢＡ９３Ｃ４Ｄ５Ｅ",
        "00・1B・A9・3C・4D・5E",
    ],
)
def test_every_usual_spelling_is_stored_in_one_form(written: str) -> None:
    assert parse_mac(written) == MAC


WRONG: list[tuple[Any, str]] = [
    ("", "empty"),
    (None, "empty"),
    ("　 ", "empty"),
    (112233445566, "number"),
    (1.12233e11, "number"),
    (True, "boolean"),
    (dt.date(2026, 12, 1), "date"),
    (dt.datetime(2026, 12, 1, 9, 0, tzinfo=dt.UTC), "date"),
    (dt.time(9, 30), "date"),
    (["00:1b:a9:3c:4d:5e"], "not_text"),
    ("1.12233E+11", "exponent"),
    ("１．１２２３３Ｅ＋１１", "exponent"),
    ("112233445566.0", "length"),
    ("1122334455", "lost_zeros"),
    ("00:1b:a9:3c:4d", "length"),
    ("00:1b:a9:3c:4d:5e:6f", "length"),
    ("00:1b:a9:ff:fe:3c:4d:5e", "eui64"),
    ("0:1b:a9:3c:4d:5e0", "grouping"),
    ("0-1b-a9-3c-4d-5e", "length"),
    ("001-ba9-3c4-d5e", "grouping"),
    ("00:1b:a93c:4d:5e", "grouping"),
    ("00::1b:a9:3c:4d:5e", "grouping"),
    (":00:1b:a9:3c:4d:5e", "grouping"),
    ("OO:1b:a9:3c:4d:5e", "strange"),
    ("00:1b:a9:3c:4d:5g", "strange"),
    ("'001ba93c4d5e", "strange"),
    ("MAC 001ba93c4d5e", "strange"),
    ("00:1b:a9:3c:4d:5e、00:1b:a9:3c:4d:5f", "strange"),
    ("零零:1b:a9:3c:4d:5e", "strange"),
    ("00:00:00:00:00:00", "zero"),
    ("FF-FF-FF-FF-FF-FF", "broadcast"),
    ("01:00:5e:00:00:fb", "multicast"),
    ("33:33:00:00:00:01", "multicast"),
]


@pytest.mark.parametrize(("value", "code"), WRONG)
def test_what_is_not_surely_an_address_is_refused_in_words_of_the_office(value: Any, code: str) -> None:
    with translation.override("ja"), pytest.raises(AddressRefused) as refused:
        parse_mac(value)

    assert refused.value.code == code
    assert any("ぁ" <= character <= "ん" for character in refused.value.reason)


@pytest.mark.parametrize("written", ["102233445566", "001122334455", "5e1122334455"])
def test_twelve_digits_as_text_are_an_address_even_without_a_letter(written: str) -> None:
    assert parse_mac(written).replace(":", "") == written


@given(
    number=st.integers(1, 2**47 - 1),
    separator=st.sampled_from(["", ":", "-", " ", "ー", "：", "．"]),
    upper=st.booleans(),
)
def test_an_address_survives_being_written_and_read(number: int, separator: str, upper: bool) -> None:
    digits = f"{(number >> 40 << 41) | (number & (2**40 - 1)):012x}"  # never multicast
    pairs = [digits[at : at + 2] for at in range(0, 12, 2)]
    stored, written = ":".join(pairs), separator.join(pairs)

    assert parse_mac(written.upper() if upper else written) == stored
    assert parse_mac(stored) == stored
    assert is_local(stored) == bool(int(pairs[0], 16) & 2)


@given(st.text(max_size=30))
def test_any_text_is_an_address_in_the_stored_form_or_refused(text: str) -> None:
    try:
        read = parse_mac(text)
    except AddressRefused:
        return
    assert parse_mac(read) == read
    assert len(read) == 17


def test_local_and_virtual_addresses_are_told_apart() -> None:
    assert is_local("02:00:00:00:00:01")
    assert is_local("da:a1:19:00:00:01")
    assert not is_local(MAC)
    assert is_virtual("00:50:56:01:02:03")
    assert not is_virtual(MAC)


@pytest.mark.parametrize("written", ["10.13.20.5", "１０．１３．２０．５", " 10.13.20.5 ", "10・13・20・5"])
def test_ip_addresses_are_read_in_full_width_too(written: str) -> None:
    assert parse_ip(written) == "10.13.20.5"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"),
        (10.132, "number"),
        (101320, "number"),
        (False, "boolean"),
        (dt.date(2026, 10, 13), "date"),
        ("10.13.20", "not_ip"),
        ("10.13.20.5.6", "not_ip"),
        ("10,13,20,5", "not_ip"),
        ("fe80::1", "not_ip"),
        ("10.13.20.256", "out_of_range"),
        ("10.013.020.005", "leading_zero"),
        ("10.13.20.0/24", "network"),
        ("10.13.20.5:443", "not_ip"),
        ("kk13-pc01", "not_ip"),
    ],
)
def test_ip_addresses_are_read_as_strictly(value: Any, code: str) -> None:
    with translation.override("ja"), pytest.raises(AddressRefused) as refused:
        parse_ip(value)

    assert refused.value.code == code
