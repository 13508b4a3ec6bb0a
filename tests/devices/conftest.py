"""What every test of this folder stands on."""

from __future__ import annotations

import pytest

from tests.devices.world import Cast


@pytest.fixture
def cast() -> Cast:
    """The people of federation 13."""
    return Cast()
