"""Mappings of files: what all rooms share."""

from __future__ import annotations

import pytest

from portal.fulfilment.mappings import seen_of


@pytest.mark.parametrize(
    ("posted", "seen"),
    [("7", 7), ("", None), ("x", None), ("-1", None), ("9" * 18, int("9" * 18)), ("9" * 5000, None)],
)
def test_which_mapping_a_page_showed_is_a_number_or_none(posted: str, seen: int | None) -> None:
    assert seen_of(posted) == seen
