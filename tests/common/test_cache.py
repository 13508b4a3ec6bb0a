"""The cache may be missing: pages and logins go on (nothing that the portal needs is kept there)."""

from __future__ import annotations

import pytest

from portal.common.cache import ForgivingRedisCache
from portal.embedded.valkey import EmbeddedValkey


@pytest.fixture
def broken() -> ForgivingRedisCache:
    """A cache at an address where nobody listens."""
    return ForgivingRedisCache("redis://127.0.0.1:1/1", {"OPTIONS": {"socket_connect_timeout": 1}})


def test_missing_cache_finds_nothing_and_breaks_nothing(broken: ForgivingRedisCache) -> None:
    broken.set("a", 1)

    assert broken.get("a", "default") == "default"
    assert broken.add("a", 1) is True
    assert broken.get_many(["a"]) == {}
    assert broken.set_many({"a": 1}) == ["a"]
    assert "a" not in broken
    assert broken.count("a", 60) == (0, 0)
    assert broken.delete("a") is False
    assert broken.touch("a") is False
    broken.clear()
    broken.delete_many(["a"])


def test_present_cache_works_as_usual(valkey: EmbeddedValkey) -> None:
    cache = ForgivingRedisCache(valkey.cache_url, {})

    assert cache.add("once", 1) is True
    assert cache.add("once", 2) is False
    assert cache.get("once") == 1
    assert cache.set_many({"b": 2}) == []
    assert cache.get_many(["once", "b"]) == {"once": 1, "b": 2}
    assert cache.delete("once") is True


def test_counting_has_an_end_and_goes_on_until_then(valkey: EmbeddedValkey) -> None:
    cache = ForgivingRedisCache(valkey.cache_url, {})
    cache.set("endless", 7, timeout=None)

    assert cache.count("often", 60) == (1, 60)
    assert cache.count("often", 60)[0] == 2
    assert 58 <= cache.count("often", 60)[1] <= 60
    assert cache.count("endless", 60)[0] == 8
    assert 0 < cache.count("endless", 60)[1] <= 60  # whatever happened, nobody is shut out for good
