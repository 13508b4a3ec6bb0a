from __future__ import annotations

import pytest

from portal.common import bell


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was rung for, instead of a broker."""
    sent: list[str] = []
    monkeypatch.setattr(bell, "_send", lambda task, args: sent.append(task))
    bell.forget_failures()
    return sent
