from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from portal.common import bell
from portal.fulfilment import registry
from portal.fulfilment.models import Operation
from tests.fulfilment.support import KIND, TARGET, Clock, FakeHandler


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> FakeHandler:
    """The fake handler, registered for this test only."""
    fake = FakeHandler()
    monkeypatch.setitem(registry._handlers, (KIND, TARGET, ""), fake)
    return fake


@pytest.fixture
def together(handler: FakeHandler, monkeypatch: pytest.MonkeyPatch) -> FakeHandler:
    """The fake handler, at whose target a worker takes five operations at once."""
    monkeypatch.setitem(registry._at_once, TARGET, 5)
    return handler


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statuses that the engine above was told, instead of the real callbacks."""
    statuses: list[str] = []

    def note(operations: Sequence[Operation], now: dt.datetime) -> None:
        statuses.extend(operation.status for operation in operations)

    monkeypatch.setattr(registry, "_settled", [note])
    return statuses


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was rung for, instead of a broker."""
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(bell, "_send", lambda task, args: sent.append(args))
    bell.forget_failures()
    return sent
