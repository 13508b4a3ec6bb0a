"""What the tests of the engine share. The tests of its pages and of REST bring their own."""

from __future__ import annotations

import pytest

from tests.workflow import cards


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> cards.World:
    """The card kind, registered for this test, and the target behind it."""
    return cards.use_kind(monkeypatch)


@pytest.fixture
def office(world: cards.World, db: None) -> cards.Office:
    """A federation with one applicant and one approver, and one operator."""
    return cards.Office()
