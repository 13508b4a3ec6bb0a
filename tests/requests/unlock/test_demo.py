"""The demonstration has an account that was unlocked and one that waits, made by the portal's own services."""

from __future__ import annotations

import pytest

from portal.fulfilment.models import Operation
from portal.workflow.models import Application, Status
from requests.demo import unlocks
from requests.unlock.models import AccountUnlock
from tests import factories
from tests.fakes import FakeDirectory
from tests.journeys import Crew
from tests.requests.unlock import world

pytestmark = pytest.mark.django_db


def test_the_demonstration_tells_of_unlocks(crew: Crew, directory: FakeDirectory) -> None:
    for name in ("tk13-0001", "tk13-0002"):
        entry = world.account(directory, name)
        factories.directory_account(object_guid=entry.guid, login_name=name)
    before = Operation.system.count()

    assert unlocks.tell(federations=1) == 1
    assert unlocks.tell(federations=1) == 0  # what is there stays

    assert Operation.system.count() == before + 1
    assert AccountUnlock.system.get().login_name == "tk13-0001"
    made = Application.system.filter(kind="requests.unlock").order_by("pk")
    assert [each.status for each in made] == [Status.COMPLETED, Status.IN_REVIEW]
