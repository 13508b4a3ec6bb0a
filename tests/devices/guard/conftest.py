"""A guard in the place of those of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.guard import factory
from tests.devices.guard.world import FakeGuard


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGuard:
    """The only guard of the installation."""
    made = FakeGuard(path=tmp_path / "authorized")
    monkeypatch.setattr(factory, "guards", lambda: [made])
    return made
