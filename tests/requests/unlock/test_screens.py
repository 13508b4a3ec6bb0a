"""What operations see and click, the register, files and REST (REQ-04, ORG-02)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from portal.fulfilment.models import Operation
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.permissions import Role
from portal.workflow.models import Application, Status
from tests import factories
from tests.api.client import Api
from tests.fakes import FakeDirectory
from tests.journeys import Crew
from tests.requests.unlock import world
from tests.roles import client_of

pytestmark = pytest.mark.django_db

WAITING = "/unlocks/waiting/"


def form_of(page: str, application: Application) -> dict[str, str]:
    """The hidden fields of the button of one application."""
    part = page.split(f"{WAITING}{application.number}/", 1)[1].split("</form>", 1)[0]
    return dict(re.findall(r'name="(stage_id|content_hash|plan_digest)" value="([^"]*)"', part))


def click(browser: Client, application: Application, **more: str) -> Any:
    """Look, then click."""
    page = browser.get(WAITING).content.decode()
    return browser.post(f"{WAITING}{application.number}/", form_of(page, application) | more)


def test_req_04_one_click_accepts_and_unlocks_what_the_list_shows(
    crew: Crew, directory: FakeDirectory
) -> None:
    first, second = world.account(directory), world.account(directory, "tk13-0002")
    for days in (1, 2):
        world.earlier(first, days)
    application = world.vouched(crew, first.login_name, second.login_name)
    browser = client_of(crew.operator)

    page = browser.get(WAITING).content.decode()
    assert escape(first.display_name) in page
    assert page.count("短期間の繰返し") >= 1
    assert "2件のロックを解除" in page
    done = click(browser, application)
    again = browser.post(f"{WAITING}{application.number}/", form_of(page, application), follow=True)
    world.carry_out(application)

    assert done["Location"] == WAITING
    assert "先に別の人" in again.content.decode()
    assert Operation.system.filter(application_number=application.number).count() == 2
    assert application.status == Status.COMPLETED
    assert not directory.find_by_login_name(first.login_name).locked  # type: ignore[union-attr]
    after = browser.get(WAITING).content.decode()
    assert "ロック解除待ちのアカウントはありません" in after
    assert application.number in after, "among what was unlocked last"


def test_req_04_a_lock_that_changed_since_the_list_is_shown_first(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    application = world.vouched(crew, entry.login_name)
    browser = client_of(crew.operator)
    page = browser.get(WAITING).content.decode()
    directory.lock(entry.guid, count=9)

    late = browser.post(f"{WAITING}{application.number}/", form_of(page, application))

    assert late.status_code == 409
    assert not Operation.system.filter(application_number=application.number).exists()


def test_req_04_what_is_disabled_meanwhile_has_no_button_and_is_refused(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    application = world.vouched(crew, entry.login_name)
    browser = client_of(crew.operator)
    page = browser.get(WAITING).content.decode()
    directory.put(directory.entries[entry.guid], enabled=False)

    assert f"{WAITING}{application.number}/" not in browser.get(WAITING).content.decode()
    browser.post(f"{WAITING}{application.number}/", form_of(page, application))
    application.refresh_from_db()
    assert application.status == Status.IN_REVIEW


def test_acc_12_the_list_stands_while_ad_is_down_and_the_click_waits(
    crew: Crew, directory: FakeDirectory
) -> None:
    application = world.vouched(crew, world.account(directory).login_name)
    directory.faults["find_by_guids"] = [DirectoryUnavailable("", code="timeout")] * 5
    browser = client_of(crew.operator)

    assert "応答がありません" in browser.get(WAITING).content.decode()
    click(browser, application)

    application.refresh_from_db()
    assert application.status == Status.FULFILLING


def test_req_04_bad_input_other_kinds_and_other_people_are_refused(
    crew: Crew, directory: FakeDirectory
) -> None:
    application = world.vouched(crew, world.account(directory).login_name)
    other = factories.application()
    operator, approver = client_of(crew.operator), client_of(crew.approver)

    tampered = operator.post(f"{WAITING}{application.number}/", {"stage_id": "x"})
    assert tampered.status_code == 422
    assert "もう一度" in tampered.content.decode()
    assert application.number in tampered.content.decode()
    assert operator.post(f"{WAITING}{other.number}/", {}).status_code == 404
    assert operator.get(f"{WAITING}{application.number}/").status_code == 405
    assert approver.get(WAITING).status_code == 403
    page = operator.get(WAITING).content.decode()
    assert approver.post(f"{WAITING}{application.number}/", form_of(page, application)).status_code == 403


def test_org_02_the_register_and_its_files_hold_the_own_federation_alone(
    crew: Crew, directory: FakeDirectory
) -> None:
    mine = world.earlier(world.account(directory), 1)
    world.earlier(world.account(directory, "os27-0001", code="27"), 1, code="27")
    browser = client_of(crew.applicant)

    listed = browser.get(reverse("unlock_list")).content.decode()
    csv = b"".join(browser.get(reverse("unlock_export"), {"format": "csv"})).decode("utf-8-sig")
    rows = Api(crew.approver).get("unlocks/")["results"]
    everybody = Api(crew.operator).get("unlocks/?repeated=1")["results"]

    assert mine.application_number in listed
    assert "os27" not in listed + csv + browser.get(reverse("unlock_print")).content.decode()
    assert [row["login_name"] for row in rows] == [mine.login_name]
    assert everybody == []
    assert client_of(factories.user(Role.USER)).get(reverse("unlock_list")).status_code == 403
    found = browser.get(reverse("unlock_list"), {"q": "nobody", "way": "PROVEN"}).content.decode()
    assert "該当するロック解除がありません" in found


def test_req_04_rest_says_what_waits_with_the_marks(crew: Crew, directory: FakeDirectory) -> None:
    entry = world.account(directory)
    for days in (1, 2):
        world.earlier(entry, days)
    application = world.vouched(crew, entry.login_name)

    (row,) = Api(crew.operator).get("unlocks/waiting/")

    assert row["application_number"] == application.number
    (account,) = row["accounts"]
    assert (account["attempts"], account["recent_unlocks"], account["is_repeated"]) == (5, 2, True)
    assert account["locked_since"] is not None
    assert account["ends_at"] is not None


def test_the_lists_cost_the_same_for_one_row_and_for_thirty(crew: Crew, directory: FakeDirectory) -> None:
    browser = client_of(crew.operator)
    counts: dict[str, list[int]] = {WAITING: [], reverse("unlock_list"): []}
    browser.get(WAITING)  # the first page of a session costs more
    asked = []
    for names in ([1], range(2, 13)):
        for number in names:
            entry = world.account(directory, f"tk13-{number:04}")
            world.earlier(entry, 1)
            world.vouched(crew, entry.login_name)
        for url, found in counts.items():
            directory.calls.clear()
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(url).status_code == 200
            found.append(len(captured))
            asked.append(directory.calls.count("find_by_guids"))

    assert all(first == second for first, second in counts.values()), counts
    assert asked == [1, 0, 1, 0], "once for all that waits; the register asks nothing"
