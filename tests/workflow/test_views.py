"""The page of an application: who sees it, what it shows, how a decision goes and what becomes of a late one."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext

from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.models import REPORTED, Application, Status
from portal.workflow.reports import making
from tests import factories, roles
from tests.fakes import FakeDirectory, use_directory
from tests.workflow import pages
from tests.workflow.pages import Desk, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(monkeypatch: Any) -> FakeDirectory:
    return use_directory(monkeypatch)


@pytest.fixture
def desk(directory: FakeDirectory) -> Desk:
    return Desk()


def url(application: Application, step: str = "") -> str:
    return f"/applications/{application.number}/{step}"


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


# --- who sees it (ORG-02) ----------------------------------------------------------------------------------------


def test_a_person_who_is_not_logged_in_is_led_to_the_login_and_back(desk: Desk) -> None:
    response = Client().get(url(desk.submitted()))

    assert response.status_code == 302
    assert "/auth/login/" in response["Location"]


def test_the_own_federation_and_operations_see_it(desk: Desk) -> None:
    application = desk.submitted()

    for person in (desk.applicant, desk.approver, desk.operator):
        assert browser(person).get(url(application)).status_code == 200


@pytest.mark.parametrize("role", [Role.APPLICANT, Role.APPROVER, Role.SECURITY_MANAGER])
def test_another_federation_does_not_find_it_by_any_address(desk: Desk, role: str) -> None:
    application = desk.submitted()
    client = roles.client_for(role, code="27")

    assert client.get(url(application)).status_code == 404
    for step in ("edit/", "confirm/"):
        assert client.get(url(application, step)).status_code == 404
    for step in (
        "decide/",
        "approve/",
        "return/",
        "reject/",
        "pull-back/",
        "withdraw/",
        "copy/",
        "submit/",
        "attachments/",
    ):
        assert client.post(url(application, step)).status_code == 404, step
    assert application.number not in text(client.get("/applications/"))
    assert application.number not in text(client.get("/applications/inbox/"))


def test_a_user_without_a_reading_role_sees_only_their_own(desk: Desk) -> None:
    application = desk.submitted()

    assert roles.client_for(Role.USER).get(url(application)).status_code == 404


def test_looking_leaves_one_trace_and_forbids_storing(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.approver).get(url(application))

    entry = TrailEntry.objects.get(action="application.view")  # SEC-02
    assert (entry.actor, entry.object_label) == (desk.approver, application.number)
    assert response["Cache-Control"] == "no-store, private"


# --- what it shows -------------------------------------------------------------------------------------------------


def test_the_approver_sees_content_plan_checks_and_the_decision(desk: Desk) -> None:
    page = text(browser(desk.approver).get(url(desk.submitted())))

    for shown in (
        "鈴木 美咲",
        "スズキ ミサキ",
        "tk0412-suzuki",
        "着任のため",
        "sAMAccountName",
        desk.recipient.email,
    ):
        assert shown in page
    assert 'name="plan_digest"' in page
    assert 'value="approve"' in page


def test_the_applicant_sees_no_decision_but_their_own_steps(desk: Desk) -> None:
    application = desk.submitted()

    page = text(browser(desk.applicant).get(url(application)))

    assert 'value="approve"' not in page
    assert url(application, "pull-back/") in page
    assert url(application, "withdraw/") in page


def test_what_a_person_writes_is_shown_as_text(desk: Desk) -> None:
    application = desk.submitted(desk.line(department="<script>alert(1)</script>"))

    page = browser(desk.approver).get(url(application)).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_directory_that_is_down_is_named_and_does_not_block_the_page(
    desk: Desk, directory: FakeDirectory
) -> None:
    application = desk.submitted()
    directory.faults["container_exists"] = [DirectoryUnavailable("no answer", code="down")] * 9

    response = browser(desk.approver).get(url(application))

    assert response.status_code == 200
    assert gettext("The target could not be asked just now") in text(response)
    assert "tk0412-suzuki" in text(response)
    assert 'value="approve"' in text(response)  # ACC-12: the decision goes on with the frozen plan


# --- deciding --------------------------------------------------------------------------------------------------------


def test_the_first_click_asks_once_more_and_decides_nothing(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.approver).post(
        url(application, "decide/"), desk.seen(application, decision="approve")
    )

    assert response.status_code == 200
    assert url(application, "approve/") in text(response)
    application.refresh_from_db()
    assert application.stages.filter(decided_by=None).count() == 2


def test_the_second_click_approves(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.approver).post(url(application, "approve/"), desk.seen(application))

    assert response.status_code == 302
    assert application.stages.get(position=1).decided_by == desk.approver


@pytest.mark.parametrize("how", ["return", "reject"])
def test_returning_and_rejecting_need_a_reason(desk: Desk, how: str) -> None:
    application = desk.submitted()
    client = browser(desk.approver)

    asked = client.post(url(application, "decide/"), desk.seen(application, decision=how, comment="  "))
    forced = client.post(url(application, f"{how}/"), desk.seen(application))

    assert (asked.status_code, forced.status_code) == (422, 422)
    assert 'aria-invalid="true"' in text(asked)
    application.refresh_from_db()
    assert application.status == Status.IN_REVIEW


@pytest.mark.parametrize(("how", "status"), [("return", Status.RETURNED), ("reject", Status.REJECTED)])
def test_with_a_reason_it_is_returned_or_rejected(desk: Desk, how: str, status: str) -> None:
    application = desk.submitted()

    browser(desk.approver).post(
        url(application, f"{how}/"), desk.seen(application, comment="所属が違います。")
    )

    application.refresh_from_db()
    assert application.status == status
    assert "所属が違います。" in text(browser(desk.applicant).get(url(application)))


def test_the_second_of_two_approvers_is_told_who_was_first_and_keeps_the_comment(desk: Desk) -> None:
    application = desk.submitted()
    second = factories.approver(desk.code)
    seen_by_second = desk.seen(application, second, comment="確認しました。")
    browser(desk.approver).post(url(application, "approve/"), desk.seen(application))

    response = browser(second).post(url(application, "approve/"), seen_by_second)

    assert response.status_code == 409
    assert desk.approver.display_name in text(response)
    assert "確認しました。" in text(response)


def test_a_double_click_is_answered_with_what_happened(desk: Desk) -> None:
    application = desk.submitted()
    client, seen = browser(desk.approver), desk.seen(application)

    first = client.post(url(application, "approve/"), seen)
    second = client.post(url(application, "approve/"), seen)

    assert (first.status_code, second.status_code) == (302, 409)
    assert application.stages.exclude(decided_by=None).count() == 1


def test_an_old_tab_is_told_on_its_confirmation_page_already(desk: Desk) -> None:
    application = desk.submitted()
    client, seen = browser(desk.approver), desk.seen(application, decision="approve")
    client.post(url(application, "approve/"), seen)

    assert client.post(url(application, "decide/"), seen).status_code == 409


def test_content_that_changed_since_it_was_shown_is_not_decided_and_the_comment_stays(desk: Desk) -> None:
    application = desk.submitted()
    seen = desk.seen(application, content_hash="0" * 64, comment="よい")

    response = browser(desk.approver).post(url(application, "approve/"), seen)

    assert response.status_code == 409
    assert "よい" in text(response)
    assert f'value="{application.content_hash}"' in text(response)
    application.refresh_from_db()
    assert application.stages.exclude(decided_by=None).count() == 0


@pytest.mark.parametrize(
    "broken", [{"stage_id": "x"}, {"stage_id": ""}, {"content_hash": ""}, {"comment": "あ" * 2001}]
)
def test_a_broken_decision_is_refused_in_words(desk: Desk, broken: dict[str, str]) -> None:
    application = desk.submitted()

    response = browser(desk.approver).post(url(application, "approve/"), desk.seen(application, **broken))

    assert response.status_code == 422


def test_the_applicant_cannot_decide_by_address(desk: Desk) -> None:
    factories.membership(desk.applicant, Role.APPROVER, code=desk.code)
    application = desk.submitted()

    response = browser(desk.applicant).post(url(application, "approve/"), desk.seen(application))

    assert response.status_code == 403  # ORG-04
    assert application.stages.exclude(decided_by=None).count() == 0


def test_a_person_without_the_role_of_the_stage_cannot_decide(desk: Desk) -> None:
    application = desk.submitted()
    auditor = factories.user(Role.AUDITOR, code=desk.code)

    seen = desk.seen(application, decision="approve")

    assert browser(auditor).post(url(application, "decide/"), seen).status_code == 403
    assert browser(auditor).post(url(application, "approve/"), seen).status_code == 403
    assert browser(desk.applicant).post(url(application, "decide/"), seen).status_code == 403


def test_a_decision_is_never_made_by_a_link(desk: Desk) -> None:
    application = desk.submitted()
    client = browser(desk.approver)

    for step in ("decide/", "approve/", "return/", "reject/", "pull-back/", "withdraw/", "copy/", "submit/"):
        response = client.get(url(application, step))
        assert response.status_code == 405
        assert url(application) in text(response)  # the way back to the page that holds the button


def test_the_next_one_to_decide_is_offered(desk: Desk) -> None:
    first, second = desk.submitted(), desk.submitted(desk.line("tk0413-sato"))

    assert url(second) in text(browser(desk.approver).get(url(first)))


# --- the applicant's own steps ---------------------------------------------------------------------------------------


def test_pulling_back_gives_it_to_the_applicant_until_somebody_decided(desk: Desk) -> None:
    application, late = desk.submitted(), desk.submitted(desk.line("tk0413-sato"))
    browser(desk.approver).post(url(late, "approve/"), desk.seen(late))
    client = browser(desk.applicant)

    assert client.post(url(application, "pull-back/")).status_code == 302
    assert client.post(url(late, "pull-back/")).status_code == 409
    application.refresh_from_db()
    assert application.status == Status.PULLED_BACK


def test_withdrawing_keeps_the_comment(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.applicant).post(
        url(application, "withdraw/"), {"withdraw-comment": "不要になりました。"}
    )

    assert response.status_code == 302
    assert "不要になりました。" in text(browser(desk.applicant).get(url(application)))


def test_copying_leads_to_a_new_draft(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.applicant).post(url(application, "copy/"))

    draft = Application.system.latest("pk")
    assert response["Location"] == url(draft, "edit/")
    assert draft.copied_from == application


def test_another_applicant_of_the_federation_cannot_take_the_applicants_steps(desk: Desk) -> None:
    application = desk.submitted()
    colleague = browser(factories.applicant(desk.code))

    assert colleague.post(url(application, "pull-back/")).status_code == 403
    application.refresh_from_db()
    assert application.status == Status.IN_REVIEW


def test_what_the_applicant_changed_is_shown_after_a_resubmission(desk: Desk) -> None:
    application = desk.submitted()
    browser(desk.approver).post(
        url(application, "return/"), desk.seen(application, comment="所属を直してください。")
    )
    application.refresh_from_db()
    data = pages.form_data(application, desk.line(department="審査第三課"), action="save")
    browser(desk.applicant).post(url(application, "edit/"), data)
    services.submit(application_id=application.pk, actor=desk.applicant, version=None, now=timezone.now())

    page = text(browser(desk.approver).get(url(application)))

    assert "<del>審査第二課</del>" in page
    assert "<ins>審査第三課</ins>" in page


def test_thirty_lines_cost_as_many_statements_as_one(desk: Desk) -> None:
    one = desk.submitted()
    many = desk.submitted(*(desk.line(f"tk{n:04}-sato") for n in range(30)))
    client = browser(desk.applicant)
    client.get(url(one))

    with CaptureQueriesContext(connection) as for_one:
        client.get(url(one))
    with CaptureQueriesContext(connection) as for_many:
        client.get(url(many))

    assert len(for_many) == len(for_one)


@pytest.mark.parametrize("status", list(Status))
def test_the_page_exists_in_every_status(desk: Desk, status: str) -> None:
    application = desk.draft() if status == Status.DRAFT else desk.submitted()
    application.status = status
    if status in REPORTED:
        making.issue(application, lines=[], notice=None, now=timezone.now())
    application.save()

    response = browser(desk.applicant).get(url(application))

    assert response.status_code == 200
    assert "c-chip" in text(response)


def test_a_draft_with_nothing_in_it_has_a_page(desk: Desk) -> None:
    draft = desk.draft({}, reason="")

    assert browser(desk.applicant).get(url(draft)).status_code == 200
    assert browser(desk.applicant).get(url(draft, "edit/")).status_code == 200
