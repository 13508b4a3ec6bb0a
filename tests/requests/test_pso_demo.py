"""The demonstration has a longer lifetime near its end and a ticket that waits, made by the portal's own services."""

from __future__ import annotations

import pytest

from portal.workflow.models import Application, Status
from requests.demo import password_settings as story
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import START
from tests import factories
from tests.fakes import FakeDirectory
from tests.journeys import Cast
from tests.requests import pso_world as world

pytestmark = pytest.mark.django_db


def test_the_demonstration_tells_of_longer_lifetimes(directory: FakeDirectory) -> None:
    Cast()
    factories.user("SECURITY_MANAGER")
    for number in range(5):
        entry = world.account(directory, f"tk13-n{number}")
        assert entry.password_last_set is not None
        directory.put(entry, password_expires_at=entry.password_last_set)

    assert story.tell(federations=1) == 1
    assert story.tell(federations=1) == 0  # what is there stays

    states = sorted(Application.system.filter(kind=START).values_list("status", flat=True))
    assert states == [Status.COMPLETED, Status.IN_REVIEW]
    assert PasswordLifetime.system.get().is_to_be_reviewed(14)
