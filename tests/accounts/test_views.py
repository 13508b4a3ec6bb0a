"""The account screens: who sees which accounts, what they show, and what stays correct on wrong input (ORG-02, SEC-02)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import DirectoryAccount
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus
from portal.gateways.directory import DirectoryUnavailable
from portal.notices.secrets import AddressRefused
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.accounts.world import PostOffice, attempt, registration
from tests.fakes import FakeDirectory, users_ou
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


def test_people_without_login_are_led_to_it(client: Client) -> None:
    account = factories.directory_account()

    for address in (reverse("account_list"), reverse("account_detail", args=[account.object_guid])):
        assert client.get(address).status_code == 302


def test_a_mere_user_may_not_read_accounts() -> None:
    client = client_for(Role.USER)

    assert client.get(reverse("account_list")).status_code == 403
    assert client.get(reverse("account_export")).status_code == 403


def test_a_federation_finds_its_own_accounts_only() -> None:  # ORG-02
    factories.directory_account(login_name="own-account")
    other = factories.directory_account(code="27", login_name="other-account")
    client = client_for(Role.APPLICANT)

    page = client.get(reverse("account_list"), {"q": "account"}).content.decode()
    export = b"".join(client.get(reverse("account_export")).streaming_content).decode()  # type: ignore[attr-defined]

    assert "own-account" in page
    assert "other-account" not in page
    assert "own-account" in export
    assert "other-account" not in export
    assert (
        client.get(reverse("account_list"), {"organisation": "27"}).content.decode().count("other-account")
        == 0
    )
    assert client.get(reverse("account_detail", args=[other.object_guid])).status_code == 404
    assert client.get(reverse("account_detail", args=[uuid.uuid4()])).status_code == 404


def test_being_a_mere_user_elsewhere_opens_nothing_there() -> None:
    factories.directory_account(code="27", login_name="other-account")
    person = factories.applicant("13")
    factories.membership(person, Role.USER, code="27")

    factories.directory_account(code="13", login_name="own-account")
    page = client_of(person).get(reverse("account_list")).content.decode()

    assert "own-account" in page
    assert "other-account" not in page


@pytest.mark.parametrize("code", ["central", "operations"])
def test_being_a_mere_user_of_who_sees_everything_opens_nothing(code: str) -> None:  # ORG-02
    factories.directory_account(code="27", login_name="other-account")
    person = factories.applicant("13")
    factories.membership(person, Role.USER, code=code)

    factories.directory_account(code="13", login_name="own-account")
    page = client_of(person).get(reverse("account_list")).content.decode()

    assert "own-account" in page
    assert "other-account" not in page


@pytest.mark.parametrize(("role", "code"), [(Role.OPERATOR, "operations"), (Role.AUDIT_REVIEWER, "central")])
def test_operations_and_the_central_association_find_all(role: str, code: str) -> None:
    factories.directory_account(code="27", login_name="other-account")

    assert "other-account" in client_for(role, code=code).get(reverse("account_list")).content.decode()


@pytest.mark.parametrize("query", ["すずき", "ｽｽﾞｷ", "鈴木美咲", "鈴木 美咲", "SUZUKI", "審査第二課"])
def test_accounts_are_found_however_the_name_is_typed(
    directory: FakeDirectory, post: PostOffice, query: str
) -> None:
    attempt(registration())
    factories.directory_account(login_name="somebody-else")

    page = client_for(Role.APPLICANT).get(reverse("account_list"), {"q": query}).content.decode()

    assert "tk0412-suzuki" in page
    assert "somebody-else" not in page


@pytest.mark.parametrize(
    "query", [{"q": "%"}, {"q": "\x00"}, {"cursor": "x" * 500}, {"state": "?"}, {"organisation": "' OR 1=1"}]
)
def test_hostile_queries_are_harmless(query: dict[str, str]) -> None:
    factories.directory_account()

    assert client_for(Role.APPLICANT).get(reverse("account_list"), query).status_code in (200, 400)


def test_the_list_costs_the_same_at_1_and_at_30_rows(
    django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    line = factories.line()
    factories.directory_account(last_line=line)
    client = client_for(Role.APPLICANT)
    client.get(reverse("account_list"))
    with django_assert_max_num_queries(20) as first:
        client.get(reverse("account_list"))

    for _ in range(29):
        factories.directory_account(last_line=line)

    with django_assert_num_queries(len(first)):
        client.get(reverse("account_list"))


def test_reading_an_account_leaves_a_trace(directory: FakeDirectory) -> None:  # SEC-02
    account = factories.directory_account()
    client = client_for(Role.APPLICANT)

    client.get(reverse("account_detail", args=[account.object_guid]))

    entry = TrailEntry.objects.get(action="account.view")
    assert entry.object_id == str(account.object_guid)
    assert entry.object_organisation == account.organisation
    assert entry.actor == client.user  # type: ignore[attr-defined]


def test_an_account_shows_how_active_directory_holds_it_now(directory: FakeDirectory) -> None:
    entry = directory.add("tk0412-suzuki", container_dn=users_ou("13"), locked=True)
    account = factories.directory_account(object_guid=entry.guid, login_name="tk0412-suzuki")

    response = client_for(Role.APPLICANT).get(reverse("account_detail", args=[account.object_guid]))

    assert response.context["live"].entry == entry
    assert f"login_name={account.login_name}" in response.content.decode()


@pytest.mark.parametrize("unavailable", [False, True], ids=["gone", "unreachable"])
def test_an_account_is_shown_without_active_directory(directory: FakeDirectory, unavailable: bool) -> None:
    directory.faults["find_by_guid"] = [DirectoryUnavailable(code="down")] if unavailable else []
    account = factories.directory_account()

    response = client_for(Role.AUDITOR).get(reverse("account_detail", args=[account.object_guid]))

    assert response.status_code == 200
    assert response.context["live"].entry is None
    assert response.context["live"].unavailable == unavailable


def test_only_applicants_are_offered_a_reset(directory: FakeDirectory) -> None:
    account = factories.directory_account()
    address = reverse("account_detail", args=[account.object_guid])

    offered = {
        role: client_for(role).get(address).context["may_reset"] for role in (Role.APPLICANT, Role.AUDITOR)
    }

    assert offered == {Role.APPLICANT: True, Role.AUDITOR: False}


def stopped(post: PostOffice) -> Operation:
    """A registration whose recipient the mail server refused."""
    operation = registration()
    post.errors = [AddressRefused("550")]
    return attempt(operation)


def choose(client: Client, operation: Operation, recipient_id: Any) -> Any:
    return client.post(reverse("operation_recipient", args=[operation.pk]), {"recipient_id": recipient_id})


def test_operations_choose_another_recipient_and_the_password_arrives(  # ACC-08
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation, other = stopped(post), factories.recipient()
    client = client_for(Role.OPERATOR, code="operations")
    assert client.get(reverse("operation_recipient", args=[operation.pk])).status_code == 200

    response = choose(client, operation, other.pk)
    operation = attempt(operation)

    assert response.status_code == 302
    assert operation.status == OperationStatus.DONE
    assert post.delivered == [(other.email, *directory.passwords.values())]
    assert OperationEvent.system.filter(operation=operation, verb="corrected").exists()
    assert TrailEntry.objects.filter(action="operation.change_recipient").exists()
    assert DirectoryAccount.system.count() == 1


def test_the_page_of_the_stopped_operation_leads_there(directory: FakeDirectory, post: PostOffice) -> None:
    operation = stopped(post)
    client = client_for(Role.OPERATOR, code="operations")

    page = client.get(reverse("operation_detail", args=[operation.pk])).content.decode()

    assert reverse("operation_recipient", args=[operation.pk]) in page


@pytest.mark.parametrize(
    "fields",
    [{"code": "27"}, {"is_active": False}, {"confirmed_at": None}],
    ids=["foreign", "left", "unconfirmed"],
)
def test_only_usable_recipients_of_the_same_organisation_can_be_chosen(
    directory: FakeDirectory, post: PostOffice, fields: dict[str, Any]
) -> None:
    operation, other = stopped(post), factories.recipient(**fields)

    response = choose(client_for(Role.OPERATOR, code="operations"), operation, other.pk)

    assert response.status_code == 422
    operation.refresh_from_db()
    assert operation.status == OperationStatus.ATTENTION


def test_a_recipient_cannot_be_changed_after_the_mail(directory: FakeDirectory, post: PostOffice) -> None:
    operation, other = attempt(registration()), factories.recipient()

    assert choose(client_for(Role.OPERATOR, code="operations"), operation, other.pk).status_code == 409


def test_a_recipient_who_can_receive_is_not_replaced(directory: FakeDirectory, post: PostOffice) -> None:
    # Approved was this recipient (ACC-08): one operator alone, with a paused target, must not send it elsewhere.
    operation, other = registration(), factories.recipient()

    assert choose(client_for(Role.OPERATOR, code="operations"), operation, other.pk).status_code == 409
    operation.refresh_from_db()
    assert operation.progress == {}


def test_nobody_sends_a_password_to_a_recipient_of_their_own_making(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation, client = stopped(post), client_for(Role.OPERATOR, code="operations")
    own = factories.recipient(registered_by=client.user)  # type: ignore[attr-defined]

    assert choose(client, operation, own.pk).status_code == 422
    assert choose(client_for(Role.OPERATOR, code="operations"), operation, own.pk).status_code == 302


def test_nobody_of_operations_chooses_themself(directory: FakeDirectory, post: PostOffice) -> None:  # ORG-04
    operation, client = stopped(post), client_for(Role.OPERATOR, code="operations")
    own = factories.recipient(email=client.user.email)  # type: ignore[attr-defined]

    assert choose(client, operation, own.pk).status_code == 422
    # Nor by an address that they come by between choosing and writing.
    later = factories.recipient()
    assert choose(client, operation, later.pk).status_code == 302
    client.user.email = later.email  # type: ignore[attr-defined]
    client.user.save()  # type: ignore[attr-defined]
    assert attempt(operation).status == OperationStatus.ATTENTION
    assert post.delivered == []


@pytest.mark.parametrize(("role", "code"), [(Role.APPROVER, "13"), (Role.AUDITOR, "operations")])
def test_others_do_not_change_recipients(
    directory: FakeDirectory, post: PostOffice, role: str, code: str
) -> None:
    operation, other = stopped(post), factories.recipient()

    assert choose(client_for(role, code=code), operation, other.pk).status_code == 404
