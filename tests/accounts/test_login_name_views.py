"""The button that proposes a login name, with and without a script, and the page of the naming rule (ACC-06)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import NameReservation, NamingRule
from portal.orgs.permissions import Role
from portal.workflow.models import Application
from tests import factories, journeys
from tests.fakes import FakeDirectory
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(directory: FakeDirectory) -> journeys.Cast:
    return journeys.Cast()


def draft(cast: journeys.Cast, *lines: dict[str, Any]) -> Application:
    return journeys.draft(cast, *lines)


def sent(application: Application, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    values = {f"lines-{n}-{name}": value for n, line in enumerate(lines) for name, value in line.items()}
    return {"version": application.version, "lines-count": len(lines), "reason": "着任", **values, **more}


def test_form_has_the_button(cast: journeys.Cast) -> None:
    application = draft(cast)

    page = (
        client_of(cast.applicant).get(reverse("application_edit", args=[application.number])).content.decode()
    )

    assert reverse("login_name_propose", args=[application.number]) in page


def test_button_without_a_script_saves_what_was_typed_and_fills_the_name_in(cast: journeys.Cast) -> None:
    application = draft(cast, journeys.registration_line(cast.recipient, login_name=""))
    line = journeys.registration_line(cast.recipient, login_name="", given_name="花子", given_kana="はなこ")
    address = reverse("login_name_propose", args=[application.number])

    answer = client_of(cast.applicant).post(address, sent(application, line, propose="0"))

    assert answer.status_code == 302
    payload = application.lines.get().payload
    assert payload["login_name"] == "k13-suzuki-h"
    assert payload["given_name"] == "花子"
    assert NameReservation.system.get().application == application


def test_two_lines_of_one_application_never_get_the_same_name(cast: journeys.Cast) -> None:
    lines = [journeys.registration_line(cast.recipient, login_name="") for _ in range(2)]
    application = draft(cast, *lines)
    client, address = client_of(cast.applicant), reverse("login_name_propose", args=[application.number])

    for position in ("0", "1"):
        application.refresh_from_db()
        stored = [line.payload for line in application.lines.all()]
        client.post(address, sent(application, *stored, propose=position))

    application.refresh_from_db()
    names = [line.payload["login_name"] for line in application.lines.all()]
    assert names == ["k13-suzuki-m", "k13-suzuki-m2"]


def htmx(client: Client, application: Application, line: dict[str, Any], **more: Any) -> Any:
    address = reverse("login_name_propose", args=[application.number])
    return client.post(address, sent(application, line, propose="0", **more), headers={"HX-Request": "true"})


def test_htmx_gets_the_box_alone_and_leaves_the_draft_to_the_autosave(cast: journeys.Cast) -> None:
    application = draft(cast, journeys.registration_line(cast.recipient, login_name=""))
    client = client_of(cast.applicant)

    answer = htmx(client, application, journeys.registration_line(cast.recipient, login_name=""), typing="1")

    assert 'value="k13-suzuki-m"' in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert application.lines.get().payload.get("login_name", "") == ""


def test_name_written_by_hand_is_not_replaced_while_the_reading_is_typed(cast: journeys.Cast) -> None:
    application = draft(cast)
    client = client_of(cast.applicant)
    by_hand = journeys.registration_line(cast.recipient, login_name="my-own-name")

    assert htmx(client, application, by_hand, typing="1").status_code == 204
    assert "k13-suzuki-m" in htmx(client, application, by_hand).content.decode()
    # A proposed one follows the reading.
    proposed = {**by_hand, "login_name": "k13-suzuki-m", "given_kana": "ハナコ"}
    assert "k13-suzuki-h" in htmx(client, application, proposed, typing="1").content.decode()


def test_without_a_reading_the_page_says_what_to_do(cast: journeys.Cast) -> None:
    application = draft(cast)
    line = journeys.registration_line(cast.recipient, login_name="", family_kana="", given_kana="")
    client = client_of(cast.applicant)
    address = reverse("login_name_propose", args=[application.number])

    answer = client.post(address, sent(application, line, propose="0"), follow=True)

    assert "フリガナ" in answer.content.decode()


@pytest.mark.parametrize("position", ["", "7", "-1", "x", "²"])
def test_unknown_line_is_not_found(cast: journeys.Cast, position: str) -> None:
    application = draft(cast)
    address = reverse("login_name_propose", args=[application.number])
    line = journeys.registration_line(cast.recipient)

    answer = client_of(cast.applicant).post(
        address, sent(application, line, propose=position), headers={"HX-Request": "true"}
    )

    assert answer.status_code == 404


def test_rule_is_shown_with_three_people_and_saved_after_a_preview(cast: journeys.Cast) -> None:
    client = client_for(Role.SECURITY_MANAGER)
    address = reverse("naming_rule", args=["13"])
    values = {
        "pattern": "{prefix}{number:4}-{family}",
        "prefix": "tk",
        "suffix": "{n}",
        "short_vowels": "on",
        "version": "0",
    }

    assert "k13-sasaki-y" in client.get(address).content.decode()
    previewed = client.post(address, {**values, "action": "preview"})
    assert "tk0001-sasaki" in previewed.content.decode()
    assert not NamingRule.system.exists()
    assert client.post(address, {**values, "action": "save"}).status_code == 302
    assert NamingRule.system.get().pattern == "{prefix}{number:4}-{family}"
    # Somebody with the old page open is told.
    assert client.post(address, {**values, "action": "save"}).status_code == 422


def test_wrong_pattern_is_named_at_its_field() -> None:
    client = client_for(Role.SECURITY_MANAGER)

    for action in ("preview", "save"):
        values = {"pattern": "{nanashi}", "suffix": "{n}", "version": "0", "action": action}
        answer = client.post(reverse("naming_rule", args=["13"]), values)
        assert answer.status_code == 422
        assert "{nanashi}" in answer.content.decode()


def test_rule_of_another_federation_is_unknown() -> None:  # ORG-02
    assert client_for(Role.SECURITY_MANAGER).get(reverse("naming_rule", args=["27"])).status_code == 404
    assert factories.organisation("27") is not None
