"""What must be true before an account is unlocked, and what the approver sees (REQ-04)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.errors import ContentChanged, InvalidApplication, NotAllowed
from portal.workflow.models import Application
from portal.workflow.plans import Plan
from tests import journeys
from tests.fakes import FakeDirectory, administrators_ou, deleted_ou
from tests.journeys import Crew
from tests.requests.unlock import world

pytestmark = pytest.mark.django_db


def plan_of(application: Application, position: int = 0) -> Plan:
    data = application.lines.get(position=position).plan
    assert data is not None
    return Plan.from_json(data)


def codes(plan: Plan) -> dict[str, str]:
    return {check.code: check.level for check in plan.checks}


def values(plan: Plan, code: str) -> dict[str, str]:
    return next(check.values for check in plan.checks if check.code == code)


def test_req_04_the_plan_shows_since_when_how_often_until_when_and_from_where(
    crew: Crew, directory: FakeDirectory
) -> None:
    windows = world.account(directory)
    admin = world.account(directory, "kanri-0412", container_dn=administrators_ou("13"))
    owner = world.person(admin, Role.APPROVER)
    directory.domain_rules = replace(directory.domain_rules, lockout_duration=None)
    TrailEntry.objects.create(
        at=timezone.now(),
        ip="10.13.64.7",
        action="login.refused",
        object_type="orgs.user",
        object_id=str(owner.pk),
    )
    directory.calls.clear()

    application = world.submitted(crew, windows.login_name, "ＫＡＮＲＩ-0412")

    plan, second = plan_of(application), plan_of(application, 1)
    assert [change.before for change in plan.changes] == [(values(plan, "locked")["since"],)]
    assert values(plan, "attempts")["count"] == "5"
    assert "no_end" in codes(plan)
    assert codes(plan)["vouched"] == "warning"
    assert "places_unknown" in codes(plan)
    assert "10.13.64.7" in values(second, "places")["places"]
    assert directory.calls.count("find_by_guids") == 1, "read together, whatever the number of accounts"
    assert directory.calls.count("policy_survey") <= 2


def test_req_04_the_end_of_the_lock_comes_from_the_resulting_policy(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)

    plan = plan_of(world.submitted(crew, entry.login_name))

    since = directory.locks[entry.guid]
    expected = (since + dt.timedelta(minutes=30)).astimezone(dt.timezone(dt.timedelta(hours=9)))
    assert values(plan, "ends")["end"] == f"{expected:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"enabled": False}, "無効"),
        ({"account_expires": dt.date(2020, 3, 31)}, "最終利用日"),
        ({"privileged": True}, "保護"),
        ({"enabled": False, "container_dn": deleted_ou("13")}, "復元"),
        ({"code": "27"}, "ありません"),  # ORG-02: another federation's is as unknown as none
    ],
)
def test_req_04_what_unlocking_does_not_help_is_refused_with_the_way_on(
    crew: Crew, directory: FakeDirectory, how: dict[str, Any], words: str
) -> None:
    entry = world.account(directory, **how)

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(crew, entry.login_name)

    assert words in " ".join(refused.value.errors["lines.0.login_name"])


def test_req_04_an_account_that_is_not_locked_is_said_so_and_may_be_applied_for(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory, is_locked=False)

    plan = plan_of(world.submitted(crew, entry.login_name))

    assert (plan.changes, codes(plan)["not_locked"]) == ((), "warning")


def test_req_04_disabled_after_the_submission_is_refused_under_the_lock_of_the_decision(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    application = world.submitted(crew, entry.login_name)
    directory.put(directory.entries[entry.guid], enabled=False)

    with pytest.raises((InvalidApplication, ContentChanged)):
        journeys.approve(application, crew.approver)


def test_req_04_one_account_is_asked_for_once(crew: Crew, directory: FakeDirectory) -> None:
    entry = world.account(directory)
    world.submitted(crew, entry.login_name)
    world.account(directory, "tk13-0002")

    for names in ([entry.login_name], ["tk13-0002", "TK13-0002"]):
        with pytest.raises(InvalidApplication):
            world.submitted(crew, *names)


def test_org_04_the_user_of_the_account_does_not_vouch_for_it(crew: Crew, directory: FakeDirectory) -> None:
    entry = world.account(directory, "kanri-0412", container_dn=administrators_ou("13"))
    owner = world.person(entry, Role.APPROVER)
    application = world.submitted(crew, entry.login_name)

    with pytest.raises(NotAllowed):
        journeys.approve(application, owner)


def test_acc_12_while_ad_is_down_the_register_names_the_account_and_the_application_runs_on(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    world.person(entry)
    directory.faults["find_by_login_names"] = [DirectoryUnavailable("", code="timeout")] * 9

    application = world.submitted(crew, entry.login_name)

    assert plan_of(application).unavailable == "timeout"


def test_req_04_several_unlocks_in_short_time_are_marked(
    crew: Crew, directory: FakeDirectory, settings: Any
) -> None:
    settings.UNLOCK = {"repeat_count": 3, "repeat_days": 7}
    entry = world.account(directory)
    for days in (1, 6, 8):
        world.earlier(entry, days)

    plan = plan_of(world.submitted(crew, entry.login_name))

    assert values(plan, "repeated") == {"count": "2", "days": "7"}
    settings.UNLOCK = {"repeat_count": 4, "repeat_days": 7}
    other = world.account(directory, "tk13-0002")
    assert "repeated" not in codes(plan_of(world.submitted(crew, other.login_name)))
