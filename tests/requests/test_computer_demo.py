"""The demonstration of computer objects is made by the portal's own services."""

from __future__ import annotations

import pytest

from portal.orgs.permissions import Role
from portal.workflow.models import Application, Status
from requests.computers.models import ComputerObject
from requests.demo import computers as story
from tests import factories, fakes
from tests.requests.computers import Cast

pytestmark = pytest.mark.django_db


def test_the_story_of_computer_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.use_directory(monkeypatch)
    Cast()
    factories.user(Role.SECURITY_MANAGER)

    assert story.tell(federations=1) == 1
    assert story.tell(federations=1) == 0  # what is there stays

    assert sorted(Application.system.values_list("status", flat=True)) == [
        Status.COMPLETED,
        Status.COMPLETED,
        Status.IN_REVIEW,
    ]
    states = ComputerObject.system.order_by("name").values_list("name", "state")
    assert list(states) == [("KK13-PC01", "ENABLED"), ("KK13-PC02", "ENABLED"), ("KK13-PC03", "DELETED")]
