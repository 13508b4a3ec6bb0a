"""The register of longer password lifetimes, its pages and files, the list of accounts, and what operations see (REQ-03)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.gateways.directory_policies import WantedSettings
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application
from requests.password_settings import selectors, services, telling
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import EXTEND, START
from tests import factories
from tests.api.client import Api
from tests.fake_policies import DOMAIN_RULES
from tests.fakes import FakeDirectory, users_ou
from tests.journeys import Cast
from tests.requests import pso_world as world
from tests.requests.pso_world import account, group, line
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


def due(row: PasswordLifetime) -> PasswordLifetime:
    """Its last day is near."""
    row.until = world.day(5)
    row.save()
    return row


def text_of(answer: object) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return body.decode("utf-8-sig")


def test_req_03_the_register_as_list_file_print_and_over_rest(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    account(directory, "tk14-ueda", code="14")
    row = world.in_force(cast, line("tk13-ito"))
    world.in_force(Cast("14"), line("tk14-ueda"))
    browser = client_of(cast.applicant)

    for name, query in (("list", ""), ("print", ""), ("export", "?format=csv"), ("export", "?format=xlsx")):
        answer = browser.get(reverse(f"password_lifetime_{name}") + query)
        assert answer.status_code == 200, name
        if query != "?format=xlsx":
            text = text_of(answer)
            assert "PSO-13-shinsa" in text
            assert "90 → 180" in text
            assert "PSO-14-shinsa" not in text
    assert "PSO-13-shinsa" not in text_of(browser.get(reverse("password_lifetime_list") + "?state=ENDED"))
    found = browser.get("/api/v1/password-lifetimes/?q=ito&state=IN_FORCE").json()["results"]
    assert [(each["name"], each["lifetime_days"], each["affected"]) for each in found] == [(row.name, 180, 1)]
    assert browser.get("/api/v1/password-lifetimes/?organisation=14").status_code == 400
    assert selectors.lifetimes(cast.operator).count() == 2
    assert selectors.lifetimes(factories.user(Role.USER)).count() == 0


def test_org_02_pages_of_another_federation_do_not_exist(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    row = due(world.in_force(cast, line("tk13-ito")))
    stranger = client_of(factories.applicant("14"))
    page = reverse("password_lifetime", args=[row.pk])
    people = reverse("password_lifetime_people", args=[row.line.application.number])

    assert [
        stranger.get(page).status_code,
        stranger.post(page).status_code,
        stranger.get(people).status_code,
    ] == [404] * 3
    assert client_of(cast.operator).post(page).status_code == 403
    draft = stranger.post(reverse("application_create", args=[EXTEND]), {"organisation": "14"})
    assert row.name not in stranger.get(draft["Location"]).content.decode()


def test_org_02_who_went_to_another_federation_is_counted_and_not_named(
    cast: Cast, directory: FakeDirectory
) -> None:
    moved = account(directory, "tk13-ito")
    account(directory, "tk13-abe")
    row = due(world.in_force(cast, line("tk13-ito", "tk13-abe")))
    directory.move(moved.guid, users_ou("14"))
    directory.put(directory.entries[moved.guid], login_name="tk14-ito", display_name="伊藤 改姓")
    browser = client_of(cast.applicant)

    for address in (
        reverse("password_lifetime", args=[row.pk]),
        reverse("password_lifetime_people", args=[row.line.application.number]),
        reverse("password_lifetime_people", args=[row.line.application.number]) + "?format=csv",
    ):
        shown = text_of(browser.get(address))
        assert "tk13-abe" in shown
        assert "tk14-ito" not in shown
        assert "改姓" not in shown
    values = {"name": row.name, "until": world.day(90).isoformat(), "lifetime_days": 0}
    with pytest.raises(InvalidApplication, match="1"):
        world.submitted(cast, values, EXTEND)


def test_req_03_the_list_costs_the_same_for_many(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-n0")
    first = world.in_force(cast, line("tk13-n0"))
    browser, address = client_of(cast.applicant), reverse("password_lifetime_list")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        return len(queries)

    browser.get(address)
    one = cost()
    for number in range(29):
        copy = PasswordLifetime.system.get(pk=first.pk)
        copy.pk, copy.name, copy.object_guid = None, f"PSO-13-n{number}", f"{number:032x}"
        copy.line = factories.line()
        copy.save()
    assert cost() == one


def test_req_03_the_whole_list_of_accounts_on_screen_and_as_files(
    cast: Cast, directory: FakeDirectory
) -> None:
    crowd = [account(directory, f"tk13-n{number:03}") for number in range(120)]
    group(directory, "g13-crowd", *crowd)
    application = world.submitted(cast, line(group="g13-crowd"))
    browser = client_of(cast.approver)
    address = reverse("password_lifetime_people", args=[application.number])

    page, second = (browser.get(address + query).content.decode() for query in ("", "?page=2"))
    csv = text_of(browser.get(address + "?format=csv"))
    excel = browser.get(address + "?format=xlsx")
    detail = browser.get(reverse("application_detail", args=[application.number])).content.decode()

    assert "tk13-n000" in page
    assert "tk13-n119" not in page
    assert "tk13-n119" in second
    assert csv.count("\r\ntk13-n") == 120
    assert excel.status_code == 200
    assert address in detail
    assert "ほか100名" in detail
    application.lines.update(payload={"until": "2020/1/1", "lifetime_days": "x", "name": "a"})
    Application.system.filter(pk=application.pk).update(status="RETURNED")
    assert "比較できる内容がありません" in browser.get(address).content.decode()
    Application.system.filter(pk=application.pk).update(status="IN_REVIEW")
    application.lines.update(
        payload=application.lines.get().payload | line(group="g13-crowd", full_name="PSO-13-x")
    )
    directory.faults["policy_survey"] = [DirectoryUnavailable] * 2
    assert "照会できませんでした" in browser.get(address).content.decode()


def test_req_03_the_review_extends_or_lets_it_end(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito", days_ago=100)
    row = due(world.in_force(cast, line("tk13-ito")))
    services.ask_for_reviews(now=timezone.now())
    browser, page = client_of(cast.applicant), reverse("password_lifetime", args=[row.pk])

    home = browser.get(reverse("home")).content.decode()
    shown = browser.get(page).content.decode()
    extension = f"{reverse('application_create', args=[EXTEND])}?organisation=13&name={row.name}"
    prefilled = browser.get(extension).content.decode()

    assert "?due=review" in home
    assert "期限切れになります" in shown
    assert extension.replace("&", "&amp;") in shown
    assert f'value="{row.name}"' in prefilled
    made = browser.post(
        reverse("application_create", args=[EXTEND]), {"organisation": "13", "line-name": row.name}
    )
    assert row.name in browser.get(made["Location"]).content.decode()
    assert browser.post(page).status_code == 302
    row.refresh_from_db()
    assert row.reviewed_by == cast.applicant
    assert "終了日に終了してよい" not in browser.get(page).content.decode()
    assert not telling.to_review(cast.approver).exists()
    assert browser.post(page, follow=True).status_code == 200  # a second click changes nothing
    mail = messages.build(Notice.system.filter(template=services.REVIEW).first(), now=timezone.now())
    assert page in mail.get_content()
    assert "期限切れになるアカウント：1名" in mail.get_content()


def test_req_12_the_page_of_the_ticket_shows_what_was_read_back(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    browser = client_of(cast.applicant)

    page = browser.get(reverse("application_detail", args=[row.line.application.number])).content.decode()

    assert "Active Directoryから読み取って確認したアカウント" in page
    assert reverse("password_lifetime", args=[row.pk]) in page
    assert row.distinguished_name in page
    assert Application.system.get(pk=row.line.application_id).status == "COMPLETED"


def test_req_03_operations_see_what_the_portal_does_not_know(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    account(directory, "tk13-abe")
    row = world.in_force(cast, line("tk13-ito"))
    lost = world.in_force(cast, line("tk13-abe", name="lost"))
    del directory.settings[lost.object_guid]
    for name, marker in (("by-hand", ""), ("left-behind", "op-7")):
        directory.put_settings(WantedSettings(name=name, precedence=7, rules=DOMAIN_RULES, marker=marker))
    browser, address = client_of(cast.operator), reverse("password_settings_in_directory")

    page = browser.get(address).content.decode()

    assert "台帳になし（手作業で作成）" in page
    assert "ポータルが作成（台帳では適用中でない）" in page
    assert page.count("重複") == 2
    assert row.name in page
    assert f"{lost.name} は台帳では適用中ですが" in page
    assert client_of(cast.applicant).get(address).status_code == 403
    directory.faults["policy_survey"] = [DirectoryUnavailable]
    assert "照会できませんでした" in browser.get(address).content.decode()


def test_req_03_what_is_over_and_still_there_is_said(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    PasswordLifetime.system.filter(pk=row.pk).update(until=world.day(0) - timedelta(days=2))
    browser = client_of(cast.applicant)

    assert (
        "終了日経過（解除中）"
        in browser.get(reverse("password_lifetime_list") + "?due=overdue").content.decode()
    )
    assert (
        "まだActive Directoryにあります"
        in browser.get(reverse("password_lifetime", args=[row.pk])).content.decode()
    )


def test_req_03_a_ticket_over_rest_names_accounts_as_a_list(cast: Cast, directory: FakeDirectory) -> None:
    account(directory, "tk13-ito")
    api = Api(cast.applicant)
    values = line("tk13-ito") | {"name": "rest"}

    body = {"kind": START, "organisation": "13", "reason": "繁忙期のため。", "lines": [values]}
    made = api.post("applications/", body, check=201)
    submitted = api.post(f"applications/{made['number']}/submit/", check=200, If_Match=f'"{made["version"]}"')

    assert submitted["status"] == "IN_REVIEW"
    assert submitted["lines"][0]["payload"]["login_names"] == ["tk13-ito"]
    assert submitted["lines"][0]["payload"]["full_name"] == "PSO-13-rest"
