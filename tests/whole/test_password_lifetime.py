"""A longer lifetime over real LDAP: lifetime 90 → 180 days for a group, and back by the job when its day has come (REQ-03).

The computed expiry is read from the server itself before, during and after. The server's clock cannot be moved; the
portal's is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment.models import OperationStatus
from portal.gateways import clock
from portal.gateways.directory import DirectoryEntry
from portal.gateways.directory_factory import get_directory, reset_directory
from portal.schedule import JOBS
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import TAKE_BACK
from tests.contract.conftest import Server, _demo_server, _samba_server, expect_ok, unique_name
from tests.contract.policy_places import RealHouse
from tests.journeys import Cast
from tests.lab import use_directory
from tests.requests import pso_world as world

__all__ = ["_demo_server", "_samba_server"]  # fixtures
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class Federation(RealHouse):
    """A unit of federation 13 in a real directory."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.unit = f"OU={unique_name()},OU=13,{server.root_ou}"
        expect_ok(self._admin.add(self.unit, ["top", "organizationalUnit"]))

    def close(self) -> None:
        """Also settings that a test left behind, so that the next one finds the domain as it was."""
        for found in self._admin.search(self._container, "(cn=PSO-13-*)", attributes=["cn"])[2]:
            self._admin.delete(found["dn"])
        super().close()


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def federation(request: pytest.FixtureRequest, settings: Any) -> Iterator[Federation]:
    """The portal asks this directory."""
    server: Server = request.getfixturevalue(f"_{request.param}_server")
    use_directory(settings, dict(server.env))
    settings.DIRECTORY = settings.DIRECTORY | {"receive_timeout": 30}
    reset_directory()
    made = Federation(server)
    yield made
    made.close()
    server.close()
    get_directory().close()
    reset_directory()


def test_req_03_lifetime_90_to_180_days_for_a_group_and_back_by_the_job(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [federation.account(), federation.account()]
    outside = federation.account()
    group = federation.group(*people)
    cast = Cast()

    def expiries() -> list[timedelta | None]:
        """What the server says of each, counted from when the password was set."""
        found = {
            each.guid: each for each in federation.directory.account_policies(list(map(_guid, everybody)))
        }
        return [_span(found[each.guid].password_expires_at, each) for each in everybody]

    everybody = [*people, outside]
    assert expiries() == [90 * DAY] * 3

    application = world.approved(cast, world.line(group=group, name=unique_name()))
    operation = world.carry_out(application)

    assert (operation.status, operation.error_message) == (OperationStatus.DONE, "")
    row = PasswordLifetime.system.get()
    assert operation.evidence["affected"] == 2
    assert {each["settings"] for each in operation.evidence["read_back"]} == {row.distinguished_name}
    assert expiries() == [180 * DAY, 180 * DAY, 90 * DAY]

    moment = timezone.now() + (world.UNTIL + 1) * DAY
    monkeypatch.setattr(clock, "now", lambda: moment)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    (job,) = [job for job in JOBS if job.name == "end_password_lifetimes"]
    assert job.run(now=moment) == 1
    taken_back = world.carry_out(application, moment)

    assert (taken_back.step, taken_back.status, taken_back.error_message) == (
        TAKE_BACK,
        OperationStatus.DONE,
        "",
    )
    assert (taken_back.evidence["affected"], taken_back.evidence["read_back_count"]) == (2, 2)
    assert {each["settings"] for each in taken_back.evidence["read_back"]} == {""}
    row.refresh_from_db()
    assert row.state == PasswordLifetime.State.ENDED
    assert expiries() == [90 * DAY] * 3
    assert federation.directory.find_password_settings(row.object_guid) is None


def _guid(entry: DirectoryEntry) -> Any:
    return entry.guid


def _span(expires: datetime | None, entry: DirectoryEntry) -> timedelta | None:
    assert entry.password_last_set is not None
    return expires - entry.password_last_set if expires else None
