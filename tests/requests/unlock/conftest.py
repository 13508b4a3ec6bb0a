"""Active Directory in memory, and the people of federation 13."""

from __future__ import annotations

import pytest

from tests import journeys
from tests.fakes import FakeDirectory, use_directory
from tests.journeys import Crew


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """The directory that the portal talks to."""
    return use_directory(monkeypatch)


@pytest.fixture
def crew(db: None) -> Crew:
    """An applicant and an approver of federation 13, and somebody of operations."""
    return journeys.Crew()
