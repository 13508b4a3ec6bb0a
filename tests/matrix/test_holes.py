"""The classes of holes that portals of this kind had in real life, one named test for each that applies here.

Proven elsewhere: 3, 4 and 11 in tests/api/test_applications.py; 7, 14 and 17 in test_hostile.py; 10, 12, 13, 19 and 21 by the
matrix itself (screens and REST, anonymous people, files, job lists, every page looks for federation 13's canaries);
20 in tests/accounts; 22 in tests/orgs. Without subject here: 15 and 16, shown by reading the source below.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from portal.orgs import tokens
from tests import factories
from tests.matrix.routes import every_route
from tests.matrix.test_matrix import send
from tests.matrix.world import CANARY_LOGIN, CANARY_NAME, World
from tests.roles import client_of

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent.parent
STRANGERS = ("27:APPLICANT", "27:SECURITY_MANAGER", "27:AUDITOR", "maintenance:AUDITOR")
SEARCHES = [
    ("application_list", "q"),
    ("application_export", "q"),
    ("account_list", "q"),
    ("account_export", "q"),
    ("api_applications", "q"),
    ("api_accounts", "q"),
    ("trail_list", "person"),
    ("trail_export", "person"),
]


@pytest.mark.parametrize(("name", "parameter"), SEARCHES)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_01_a_search_for_another_federations_words_finds_nothing(
    name: str, parameter: str, stranger: str, world: World
) -> None:
    for words in (CANARY_LOGIN, CANARY_NAME, world.waiting.number):
        found = send(world.browsers[stranger], "GET", reverse(name), data={parameter: words})
        nothing = send(world.browsers[stranger], "GET", reverse(name), data={parameter: "no-such-words"})

        # The box shows what was typed; beyond that the words occur nowhere, and nothing is counted.
        assert unquote(found.text_read).count(words) == nothing.text_read.count("no-such-words")
        assert _counts(found.text_read) == _counts(nothing.text_read)


def test_02_own_accounts_are_complete_when_those_of_others_are_many(world: World) -> None:
    shown = send(world.browsers["13:AUDITOR"], "GET", reverse("api_accounts"), data={"limit": 1})

    assert shown.json()["results"][0]["login_name"] == world.account.login_name


def test_05_counts_are_those_of_the_own_federation(world: World) -> None:
    for name in ("home", "application_list", "organisation_list", "notice_list"):
        pages = [
            send(world.browsers[f"{code}:AUDITOR"], "GET", reverse(name)) for code in ("27", "maintenance")
        ]

        assert [page.status_code for page in pages] == [200, 200], name
        assert all(world.waiting.number not in page.text_read for page in pages)


def test_06_a_recipient_of_another_federation_is_as_unknown_as_none(world: World) -> None:
    stranger = world.browsers["27:APPLICANT"]
    foreign, nonexistent = world.recipient.pk, 999_999

    answers = [_submission_with(stranger, recipient_id) for recipient_id in (foreign, nonexistent)]

    assert answers[0] == answers[1]
    assert any(error["path"] == "lines/0/recipient_id" for error in answers[0])


def test_08_an_action_on_another_federations_object_is_unknown(world: World) -> None:
    for name in ("deputy_end", "recipient_end", "recipient_resend", "membership_end"):
        key = {"deputy_end": world.deputy, "membership_end": world.membership}.get(name, world.recipient).pk
        response = send(world.browsers["27:SECURITY_MANAGER"], "POST", reverse(name, kwargs={"pk": key}))

        assert response.status_code == 404


def test_09_creating_never_touches_what_exists(world: World) -> None:
    body = {
        "kind": "accounts.register",
        "organisation": "13",
        "number": world.draft.number,
        "id": world.draft.pk,
    }

    response = send(
        world.browsers["13:APPLICANT"],
        "POST",
        reverse("api_applications"),
        data=body,
        content_type="application/json",
    )

    assert {error["path"] for error in response.json()["errors"]} == {"number", "id"}


def test_15_no_page_is_made_from_a_template_that_somebody_wrote_into_the_portal() -> None:
    assert not _in_source(r"Template\(|Engine\(|\bfrom_string\(|mark_safe|\|\s*safe\b|autoescape off")


def test_16_the_portal_fetches_no_address_that_somebody_gave_it() -> None:
    # The addresses of the two-factor system and of the time-stamp authority stand in the settings; nobody types them
    # (docs/adr/0014, 0047).
    allowed = {"portal/gateways/two_factor_scim.py", "portal/documents/signing.py", "portal/settings/base.py"}
    assert set(_in_source(r"urllib\.request|urlopen|httpx|http\.client|import aiohttp")) <= allowed


def test_18_a_deactivated_person_is_out_with_session_and_token() -> None:
    person = factories.applicant()
    _token, value = tokens.create_token(
        actor=person, name="x", scope="EVERYTHING", days=1, second_factor=True, now=timezone.now()
    )
    browser, program = client_of(person), client_of(factories.user())
    program.logout()
    headers = {"Authorization": f"Token {value}"}
    assert program.get(reverse("api_me"), headers=headers).status_code == 200

    type(person).objects.filter(pk=person.pk).update(is_active=False)

    assert program.get(reverse("api_me"), headers=headers).status_code == 401
    assert browser.get(reverse("api_me")).status_code == 401
    assert browser.get(reverse("home")).status_code == 302


def test_10_every_application_step_of_the_screens_exists_over_rest() -> None:
    steps = {"submit", "approve", "reject", "return", "pull_back", "withdraw"}
    names = {route.name for route in every_route()}

    assert {f"application_{step}" for step in steps} <= names
    assert {f"api_application_{step.replace('_', '-')}" for step in steps} <= names


def _submission_with(browser: Any, recipient_id: int) -> Any:
    """The errors of a submission by federation 27 that names this recipient."""
    line = {
        "family_name": "高橋",
        "given_name": "健",
        "family_kana": "タカハシ",
        "given_kana": "ケン",
        "login_name": "hg27-takahashi",
        "department": "総務課",
        "recipient_id": recipient_id,
    }
    body = {"kind": "accounts.register", "organisation": "27", "reason": "着任", "lines": [line]}
    made = browser.post(reverse("api_applications"), body, content_type="application/json")
    number = made.json()["number"]
    address = reverse("api_application_submit", kwargs={"number": number})
    sent = browser.post(address, {}, content_type="application/json", headers={"If-Match": made["ETag"]})
    return sent.json()["errors"]


def _counts(page: str) -> list[str]:
    """Every “n 件” of a page."""
    return re.findall(r"[\d,]+\s*件", strip_tags(page))


def _in_source(pattern: str) -> list[str]:
    """Where our own modules and templates hold the pattern; the demo servers and this table of tests aside."""
    found = []
    for folder in ("portal", "accounts", "devices", "requests", "audit", "templates"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in {".py", ".html"} or "embedded" in path.parts:
                continue
            if re.search(pattern, path.read_text(encoding="utf-8")):
                found.append(str(path.relative_to(ROOT)))
    return found
