"""An account locked by wrong passwords, unlocked through an application, on directories with a server (REQ-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from portal.fulfilment.models import OperationStatus
from portal.gateways import directory_factory
from portal.gateways.directory import BindResult
from portal.gateways.directory_names import parent_dn
from portal.orgs.models import Organisation
from portal.workflow.models import Status
from requests.unlock.models import AccountUnlock
from requests.unlock.payloads import KIND
from tests import journeys
from tests.contract.conftest import OWN_PASSWORD, Server
from tests.contract.policy_places import RealHouse, real_house
from tests.requests.unlock import world

pytestmark = pytest.mark.django_db
__all__ = ["real_house"]  # a fixture


def test_req_04_locked_by_wrong_passwords_unlocked_by_application_the_bind_works_again(
    server: Server, real_house: RealHouse, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    directory = server.connect(dc_urls=[server.url])  # the address that answers here, not the name in DNS
    monkeypatch.setattr(directory_factory, "get_directory", lambda: directory)
    settings.DIRECTORY = {**settings.DIRECTORY, "root_ou": server.root_ou}
    unit = real_house.unit.removesuffix(f",{parent_dn(real_house.unit)}").removeprefix("OU=")
    Organisation.objects.filter(code="13").update(ou_name=unit)
    person = real_house.account()
    real_house.lock(person)
    assert directory.authenticate(person.login_name, OWN_PASSWORD) is BindResult.LOCKED

    with translation.override("ja"):
        crew = journeys.Crew()
        application = world.accepted(crew, person.login_name.upper())
        operation = world.carry_out(application)

    plan = application.lines.get().plan
    assert plan is not None
    shown = {check["code"]: check["values"] for check in plan["checks"]}
    assert int(shown["attempts"]["count"]) >= 5
    assert {"locked", "ends"} <= shown.keys()
    assert (application.kind, application.status) == (KIND, Status.COMPLETED)
    assert operation.status == OperationStatus.DONE
    assert AccountUnlock.system.get().locked_since is not None
    assert not directory.lock_state(person.guid).locked
    assert directory.authenticate(person.login_name, OWN_PASSWORD) is BindResult.OK
