"""NetBIOS names: what is corrected, what is refused, and that nothing else gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.common.computer_names import computer_name, name_problem


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("kk13-pc01", "KK13-PC01"),
        ("ＫＫ１３－ＰＣ０１", "KK13-PC01"),
        ("KK13ーPC01", "KK13-PC01"),  # the long-vowel mark
        ("KK13−PC01", "KK13-PC01"),
        (" KK13 -PC01 ", "KK13-PC01"),
    ],
)
def test_usual_spellings_become_one(typed: str, stored: str) -> None:
    assert computer_name(typed) == stored
    assert name_problem(stored) == ""


@pytest.mark.parametrize(
    "name",
    ["ABCDEFGHIJKLMNOP", "-PC01", "PC01-", "12345", "PC_01", "PC.01", "パソコン", "PC/01", "PC\x0001"],
)
def test_what_netbios_or_the_domain_cannot_hold_is_refused(name: str) -> None:
    assert name_problem(computer_name(name)) != ""


@given(st.text(max_size=20))
def test_whatever_is_typed_only_netbios_names_get_through(typed: str) -> None:
    name = computer_name(typed)

    accepted = bool(name) and name_problem(name) == ""

    allowed = re.fullmatch(r"[A-Z0-9](?:[A-Z0-9-]{0,13}[A-Z0-9])?", name) is not None
    assert accepted == (allowed and not name.isdigit())
    assert not accepted or computer_name(name) == name
