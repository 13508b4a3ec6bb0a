"""Login by name and password against the directory (SEC-01)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.gateways.directory import AccessDenied, BindResult, DirectoryUnavailable
from portal.orgs import backends
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD, with_account
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def try_login(client: Client, login_name: str, password: str = PASSWORD, next: str = "", **extra: Any) -> Any:
    data = {"login": login_name, "password": password} | ({"next": next} if next else {})
    return client.post(reverse("account_login"), data, **extra)


def is_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def test_right_password_logs_in_whatever_the_case_of_the_name(client: Client, person: User) -> None:
    response = try_login(client, "KANRI-0412")

    assert response.status_code == 302
    assert response["Location"] == reverse("home")
    assert is_in(client)


@pytest.mark.parametrize(
    "result", [BindResult.DISABLED, BindResult.LOCKED, BindResult.EXPIRED, BindResult.WRONG]
)
def test_every_refusal_says_the_same_on_the_screen_and_the_reason_in_the_trail(
    client: Client, person: User, directory: FakeDirectory, result: BindResult
) -> None:
    wrong = try_login(client, person.login_name, "not-it").context["form"].non_field_errors()
    directory.states[person.login_name] = result

    response = try_login(client, person.login_name)

    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == wrong
    assert not is_in(client)
    assert TrailEntry.objects.filter(
        action="login.refused", actor=person, detail={"reason": result.value}
    ).exists()


def test_name_that_no_person_has_says_the_same_with_the_same_work_and_is_tried_itself_never(
    client: Client, person: User, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.add("somebody-else", password=PASSWORD)
    tried: list[str] = []
    hashed: list[str] = []
    bind = directory.authenticate
    monkeypatch.setattr(
        directory, "authenticate", lambda name, password: tried.append(name) or bind(name, password)
    )
    monkeypatch.setattr(backends, "make_password", hashed.append)
    wrong = try_login(client, person.login_name, "not-it").context["form"].non_field_errors()
    known = directory.calls.copy()
    directory.calls.clear()

    response = try_login(client, "somebody-else")

    assert response.context["form"].non_field_errors() == wrong
    assert directory.calls == known == ["find_by_login_name", "authenticate"]
    assert len(hashed) == 2
    assert tried[0] == person.login_name
    assert tried[1] != "somebody-else"
    assert "somebody-else" not in str(list(TrailEntry.objects.values()))


def test_deactivated_person_cannot_log_in(client: Client, person: User) -> None:
    person.is_active = False
    person.save()

    try_login(client, person.login_name)

    assert not is_in(client)


def test_new_account_of_the_same_name_is_not_the_old_person(
    client: Client, person: User, directory: FakeDirectory
) -> None:
    assert person.directory_guid is not None
    directory.delete(person.directory_guid)
    directory.add(person.login_name, password=PASSWORD)

    try_login(client, person.login_name)

    assert not is_in(client)


def test_person_renamed_in_the_directory_logs_in_with_the_new_name(
    client: Client, person: User, directory: FakeDirectory
) -> None:
    assert person.directory_guid is not None
    directory.rename(person.directory_guid, "kanri-0999")

    try_login(client, "kanri-0999")

    assert is_in(client)
    person.refresh_from_db()
    assert person.login_name == "kanri-0999"


def test_login_takes_over_name_and_mail_address_from_the_directory(
    client: Client, person: User, directory: FakeDirectory
) -> None:
    guid = person.directory_guid
    assert guid is not None
    directory.entries[guid] = replace(
        directory.entries[guid], display_name="髙橋 﨑子", mail="takahashi@kokuho13.example.jp"
    )

    try_login(client, person.login_name)

    person.refresh_from_db()
    assert (person.display_name, person.email) == ("髙橋 﨑子", "takahashi@kokuho13.example.jp")


def test_mail_address_that_is_too_long_for_any_mail_stops_no_login(
    client: Client, person: User, directory: FakeDirectory
) -> None:
    entry = directory.entries[person.directory_guid]  # type: ignore[index]
    directory.entries[entry.guid] = replace(entry, mail=f"{'a' * 240}@kokuho13.example.jp")

    try_login(client, person.login_name)

    assert is_in(client)
    assert User.objects.get(pk=person.pk).email == person.email


def test_silent_directory_is_named_and_counts_against_nobody(
    client: Client, person: User, directory: FakeDirectory, settings: Any
) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 1
    directory.faults["find_by_login_name"] = [DirectoryUnavailable(), DirectoryUnavailable()]

    first, second = try_login(client, person.login_name), try_login(client, person.login_name)

    assert "Active Directory" in str(first.context["form"].non_field_errors())
    assert second.status_code == 200
    assert try_login(client, person.login_name).status_code == 302


def test_after_the_login_the_person_is_where_they_wanted_to_go(client: Client, person: User) -> None:
    wanted = reverse("token_list") + "?x=1"
    login = client.get(wanted)

    assert login["Location"] == f"{reverse('account_login')}?next=%2Fprofile%2Ftokens%2F%3Fx%3D1"
    assert try_login(client, person.login_name, next=wanted)["Location"] == wanted


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "http:///evil",
    ],
)
def test_redirect_to_elsewhere_is_refused(client: Client, person: User, target: str) -> None:
    response = try_login(client, person.login_name, next=target)

    assert response["Location"] == reverse("home")


def test_form_sent_after_the_session_ended_leads_back_to_its_page(client: Client) -> None:
    page = reverse("token_list")

    response = client.post(
        reverse("token_create"), {"name": "x"}, headers={"referer": f"http://testserver{page}"}
    )

    assert response["Location"] == f"{reverse('account_login')}?next=%2Fprofile%2Ftokens%2F"


def test_htmx_request_after_the_session_ended_sends_the_whole_page_to_the_login(client: Client) -> None:
    response = client.get(
        reverse("profile"), headers={"hx-request": "true", "hx-current-url": "http://evil.example/x"}
    )

    assert response.status_code == 401
    assert response["HX-Redirect"] == f"{reverse('account_login')}?next=%2F"


def test_running_session_ends_with_the_deactivation(person: User) -> None:
    client = client_of(person)
    assert is_in(client)

    User.objects.filter(pk=person.pk).update(is_active=False)

    assert not is_in(client)
    assert "_auth_user_id" not in client.session


def test_each_login_and_logout_is_recorded_with_its_address(client: Client, person: User) -> None:
    try_login(client, person.login_name, REMOTE_ADDR="192.0.2.7")
    client.post(reverse("account_logout"), REMOTE_ADDR="192.0.2.7")

    rows = TrailEntry.objects.filter(actor=person).order_by("id").values_list("action", "ip")
    assert list(rows) == [("login", "192.0.2.7"), ("logout", "192.0.2.7")]


def test_forwarded_address_is_believed_from_a_trusted_proxy_only(
    client: Client, person: User, settings: Any
) -> None:
    forwarded = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 192.0.2.7"}
    try_login(client, person.login_name, **forwarded)
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    try_login(Client(), person.login_name, **forwarded)

    rows = TrailEntry.objects.filter(action="login").order_by("id").values_list("ip", flat=True)
    assert list(rows) == ["10.0.0.1", "192.0.2.7"]


def test_the_fifth_wrong_password_locks_the_name_at_this_address(
    client: Client, person: User, settings: Any
) -> None:
    settings.AXES_ENABLED = True

    answers = [try_login(client, name, "wrong").status_code for name in ["kanri-0412", "KANRI-0412"] * 3]

    assert answers == [200, 200, 200, 200, 429, 429]
    assert try_login(client, person.login_name).status_code == 429
    assert try_login(Client(), person.login_name, REMOTE_ADDR="192.0.2.7").status_code == 302


@pytest.mark.parametrize("name", ["", "x" * 500, "a\x00b", "*)(uid=*", "<script>", "　", "名前"])
def test_strange_login_names_get_the_form_again(client: Client, directory: FakeDirectory, name: str) -> None:
    assert try_login(client, name).status_code == 200


@pytest.mark.parametrize("name", ["kanri\u0301-0412", "kanr\u0131-0412", "kanri-0412\u200b"])
def test_only_names_as_the_directory_holds_them_are_tried(
    client: Client, person: User, directory: FakeDirectory, name: str
) -> None:
    # AD compares without regard to width and accents: each spelling would be a new count of wrong passwords.
    try_login(client, name, "not-it")

    assert "find_by_login_name" not in directory.calls
    assert "authenticate" not in directory.calls


def test_full_width_letters_are_the_same_name(client: Client, person: User) -> None:
    assert try_login(client, "ｋａｎｒｉ－０４１２")["Location"] == reverse("home")


@pytest.mark.parametrize("name", ["find_by_login_name", "authenticate"])
def test_directory_that_refuses_to_answer_is_told_and_is_no_error(
    client: Client, person: User, directory: FakeDirectory, name: str
) -> None:
    directory.faults[name] = [AccessDenied("insufficient rights", code="50")]

    response = try_login(client, person.login_name)

    assert response.status_code == 200
    assert "Active Directory" in str(response.context["form"].non_field_errors())
    assert not is_in(client)


def test_nobody_can_sign_up_or_reset_a_password_by_mail(client: Client) -> None:
    for path in ("signup/", "password/reset/", "password/change/", "email/", "password/set/"):
        assert client.get(f"/auth/{path}").status_code == 404


def test_windows_account_that_is_no_person_of_the_portal_stays_out(
    client: Client, directory: FakeDirectory
) -> None:
    directory.add("tk0412-suzuki", password=PASSWORD)

    try_login(client, "tk0412-suzuki")

    assert not is_in(client)


def test_account_of_another_person_does_not_open_a_session(
    client: Client, directory: FakeDirectory, db: Any
) -> None:
    victim = with_account(directory, factories.operator(login_name="ops-1"), code="operations")
    with_account(directory, factories.applicant(login_name="kanri-0413"), password="Other-Pass-99")

    try_login(client, victim.login_name, "Other-Pass-99")

    assert not is_in(client)
