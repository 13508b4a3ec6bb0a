"""DNS servers in memory for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation

from portal.gateways import dns_factory
from tests.fake_dns import FakeDns
from tests.fakes import FakeDirectory, use_directory
from tests.requests import world


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> FakeDns:
    """Both servers; the zones of names and of 10.13.82.*."""
    made = FakeDns()
    monkeypatch.setattr(dns_factory, "get_dns", lambda: made)
    return made


@pytest.fixture(autouse=True)
def japanese() -> Iterator[None]:
    with translation.override("ja"):
        yield


@pytest.fixture
def cast(db: None) -> world.Cast:
    """The people of federation 13, its zones and its segment."""
    world.country()
    return world.Cast()


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """An empty directory that the portal uses instead of a real one."""
    return use_directory(monkeypatch)
