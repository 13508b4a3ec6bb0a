from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.two_factor.world import Counterpart, use_exchange


@pytest.fixture
def other_side(tmp_path: Path, settings: Any) -> Counterpart:
    """An exchange folder in use."""
    return use_exchange(settings, tmp_path / "exchange")
