"""The user of a locked account applies without login: proven, straight to operations, one answer for everybody (REQ-04, T 2-15 no. 3)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.reminder import services as reminders
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Status
from requests.unlock.models import AccountUnlock, UnlockProof
from requests.unlock.payloads import OWN_KIND
from tests import factories, journeys
from tests.fakes import FakeDirectory, administrators_ou
from tests.journeys import Crew
from tests.orgs.test_second_factor import give_app, now_code
from tests.requests.unlock import world
from tests.roles import client_of

pytestmark = pytest.mark.django_db

ASK, CODE, FACTOR = (f"/identity/unlock/{part}" for part in ("", "code/", "factor/"))
APPLY = "/unlocks/apply/"


@pytest.fixture
def person(directory: FakeDirectory) -> User:
    """An auditor of federation 13: nobody who may apply for anything else."""
    entry = world.account(directory, "kanri-0412", container_dn=administrators_ou("13"))
    return world.person(entry, Role.AUDITOR)


def mailed_code() -> str:
    """What a worker does, and the code that its mail carries."""
    reminders.answer_open(now=timezone.now())
    notice = Notice.system.filter(template="identity_code").latest("pk")
    text = str(messages.build(notice, now=timezone.now()).get_content())
    assert "ロック解除" in text
    found = re.search(r"\d{4} \d{4}", text)
    assert found is not None
    return found.group()


def proven(client: Client, person: User) -> Client:
    """As far as the application."""
    secret = give_app(person)
    assert client.post(ASK, {"login_name": person.login_name})["Location"] == CODE
    assert client.post(CODE, {"code": mailed_code()})["Location"] == FACTOR
    assert client.post(FACTOR, {"code": now_code(secret)})["Location"] == APPLY
    return client


def test_req_04_proven_it_goes_to_operations_at_once_and_the_user_is_told(
    client: Client, person: User, crew: Crew, directory: FakeDirectory
) -> None:
    browser = proven(client, person)
    assert "ロックの日時" in browser.get(APPLY).content.decode()

    done = browser.post(APPLY, {"reason": "朝から入れません。"})

    application = Application.system.get(kind=OWN_KIND)
    assert application.number in done.content.decode()
    assert (application.applicant, application.status) == (person, Status.IN_REVIEW)
    stages = [(stage.role, stage.organisation.code) for stage in application.stages.all()]
    assert stages == [(Role.OPERATOR, "operations")]
    plan = application.lines.get().plan
    assert plan is not None
    assert "proven" in [check["code"] for check in plan["checks"]]

    journeys.approve(application, crew.operator)
    world.carry_out(application)

    assert application.status == Status.COMPLETED
    assert not directory.find_by_login_name(person.login_name).locked  # type: ignore[union-attr]
    assert AccountUnlock.system.get().way == AccountUnlock.Way.PROVEN
    assert Notice.system.get(template="account_unlocked").to_user == person
    actions = set(TrailEntry.objects.values_list("action", flat=True))
    assert {"identity.ask", "identity.code", "identity.factor", "identity.done"} <= actions


def test_req_04_a_proof_is_good_once_and_for_nothing_else(client: Client, person: User, crew: Crew) -> None:
    browser = proven(client, person)
    kept = browser.session["unlock_reminder"]
    browser.post(APPLY, {})

    again = Client()
    session = again.session
    session["unlock_reminder"] = session["password_reminder"] = kept
    session.save()

    assert again.post(APPLY, {})["Location"] == ASK
    assert again.get("/password/forgotten/new/")["Location"] == "/password/forgotten/"
    assert Application.system.filter(kind=OWN_KIND).count() == 1


def test_req_04_a_proof_of_a_forgotten_password_does_not_unlock_and_the_other_way_round(
    client: Client, person: User, crew: Crew
) -> None:
    browser = proven(client, person)
    session = browser.session
    session["password_reminder"] = session.pop("unlock_reminder")
    session.save()

    assert browser.get("/password/forgotten/new/")["Location"] == "/password/forgotten/"
    assert browser.post(APPLY, {})["Location"] == ASK


def test_req_04_nobody_applies_so_without_the_proof(
    person: User, crew: Crew, directory: FakeDirectory
) -> None:
    for applicant in (person, crew.applicant):
        draft = services.create_draft(
            kind=OWN_KIND,
            organisation_id=applicant.organisation_id,
            actor=applicant,
            content=Content(reason="x", lines=({"login_name": person.login_name},)),
            now=timezone.now(),
        )
        with pytest.raises(InvalidApplication) as refused:
            services.submit(application_id=draft.pk, actor=applicant, version=None, now=timezone.now())
        assert "ログイン画面" in str(refused.value)
    assert not UnlockProof.objects.exists()
    offered = client_of(crew.applicant).get(reverse("application_new")).content.decode()
    assert "requests.unlock/" in offered
    assert OWN_KIND not in offered


@pytest.mark.parametrize(
    ("how", "words"),
    [({"enabled": False}, "無効"), ({"locked": False}, "ロックされていません"), ({}, "すでに申請")],
)
def test_req_04_after_the_proof_the_page_says_why_applying_is_of_no_use(
    client: Client, person: User, crew: Crew, directory: FakeDirectory, how: dict[str, Any], words: str
) -> None:
    browser = proven(client, person)
    directory.put(directory.entries[person.directory_guid], **how)  # type: ignore[index]
    if not how:
        world.submitted(crew, person.login_name)

    shown, sent = browser.get(APPLY), browser.post(APPLY, {})

    assert (shown.status_code, sent.status_code) == (200, 422)
    assert words in shown.content.decode()
    assert not Application.system.filter(kind=OWN_KIND, status=Status.IN_REVIEW).exists()


def test_req_04_every_name_gets_the_same_answer_by_the_same_statements(
    person: User, directory: FakeDirectory
) -> None:
    pages, statements = set(), set()
    for name in (person.login_name, "nobody-here", "tk13-9999"):
        browser = Client()
        with CaptureQueriesContext(connection) as captured:
            answer = browser.post(ASK, {"login_name": name})
        statements.add(tuple(re.sub(r"'[^']*'|\d+", "?", q["sql"])[:60] for q in captured))
        page = re.sub(r'(value=|X-CSRFToken": )"[^"]*"', "", browser.get(CODE).content.decode())
        pages.add((answer.status_code, answer["Location"], page))

    assert (len(pages), len(statements)) == (1, 1)
    assert directory.calls == [], "asked afterwards, by a worker"


def test_req_04_without_a_second_factor_a_mail_says_who_applies_instead(client: Client, person: User) -> None:
    client.post(ASK, {"login_name": person.login_name})
    reminders.answer_open(now=timezone.now())

    notice = Notice.system.get(template="identity_no_factor")
    assert "申請者" in str(messages.build(notice, now=timezone.now()).get_content())


def test_req_04_the_throttle_of_the_forgotten_password_counts_here_too(client: Client, person: User) -> None:
    for _ in range(3):
        client.post(ASK, {"login_name": person.login_name})

    assert client.post(ASK, {"login_name": person.login_name}).status_code == 429
    assert client.post("/password/forgotten/", {"login_name": person.login_name}).status_code == 429
    assert client.get("/identity/no-such-purpose/").status_code == 404


def test_org_04_an_operator_does_not_accept_their_own(client: Client, directory: FakeDirectory) -> None:
    name = factories.organisation("operations").ou_name
    entry = world.account(directory, "unyo-0001", container_dn=administrators_ou(name))
    owner = world.person(entry, Role.OPERATOR, code="operations")
    browser = proven(client, owner)

    alone = browser.post(APPLY, {})
    assert "運用担当者がいません" in alone.content.decode()
    assert Application.system.get(kind=OWN_KIND).status == Status.WITHDRAWN
