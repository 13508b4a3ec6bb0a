"""The page of an account offers what can be applied for, and the form of a change opens with what the account has now (ACC-02)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.orgs.permissions import Role
from portal.workflow.models import Application, Status
from tests import factories, journeys
from tests.accounts.life import approved, employ
from tests.accounts.test_changing import wanted
from tests.accounts.test_views import client_for
from tests.accounts.world import PostOffice, attempt
from tests.fakes import FakeDirectory, users_ou
from tests.journeys import Cast

pytestmark = pytest.mark.django_db

State = DirectoryAccount.State


@pytest.fixture
def account(directory: FakeDirectory) -> DirectoryAccount:
    return employ(directory)


def offered(client: Client, account: DirectoryAccount) -> list[str]:
    """The kinds whose buttons stand on the page."""
    page = client.get(reverse("account_detail", args=[account.object_guid]))
    text = page.content.decode()
    assert all(reverse("application_create", args=[a.kind]) in text for a in page.context["actions"])
    return [action.kind for action in page.context["actions"]]


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        (State.ENABLED, ["accounts.change", "accounts.delete"]),
        (State.DISABLED, ["accounts.change", "accounts.delete"]),
        (State.DELETED, ["accounts.restore"]),
        (State.REMOVED, []),
    ],
)
def test_the_page_offers_what_fits_the_state(account: DirectoryAccount, state: str, kinds: list[str]) -> None:
    DirectoryAccount.system.filter(pk=account.pk).update(state=state)

    assert offered(client_for(Role.APPLICANT), account) == kinds
    assert offered(client_for(Role.AUDITOR), account) == []


def test_a_deleted_account_shows_until_when_it_can_be_restored(account: DirectoryAccount) -> None:
    DirectoryAccount.system.filter(pk=account.pk).update(
        state=State.DELETED, deleted_at=timezone.now(), remove_on=dt.date(2099, 3, 31)
    )

    page = client_for(Role.APPLICANT).get(reverse("account_detail", args=[account.object_guid]))

    assert "2099年3月31日" in page.content.decode() or "令和81年3月31日" in page.content.decode()


def test_the_button_leads_to_a_form_with_what_the_account_has_now(account: DirectoryAccount) -> None:
    client = client_for(Role.APPLICANT)
    address = reverse("application_create", args=["accounts.change"])

    client.post(address, {"organisation": "13", "line-login_name": "tk0412-suzuki"})
    draft = Application.system.get(kind="accounts.change")
    page = client.get(reverse("application_edit", args=[draft.number])).content.decode()

    for value in ("鈴木", "美咲", "スズキ", "審査第二課"):
        assert f'value="{value}"' in page
    assert 'value="審査" id="id_lines-0-groups_1" checked' in page or 'value="審査"' in page


def test_an_approved_application_says_that_it_waits_for_its_date(
    directory: FakeDirectory, account: DirectoryAccount
) -> None:
    cast = Cast()
    application = approved(cast, "accounts.change", **wanted(department="審査第一課"))
    Application.system.filter(pk=application.pk).update(desired_on=dt.date(2099, 4, 1))
    client = Client()
    client.force_login(cast.applicant)
    address = reverse("application_detail", args=[application.number])

    waiting = client.get(address)
    Application.system.filter(pk=application.pk).update(desired_on=timezone.localdate())
    due = client.get(address)

    assert waiting.context["waits_until"] == dt.date(2099, 4, 1)
    assert due.context["waits_until"] is None


def test_a_name_taken_before_the_effective_date_comes_back_with_a_free_one(
    directory: FakeDirectory,
) -> None:  # fault case 11
    cast = Cast()
    application = journeys.approved(cast)
    name = application.lines.get().payload["login_name"]
    directory.add(name)

    stopped = attempt(journeys.operations(application)[0])

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "name_taken")
    proposal = stopped.error_message.rpartition(" ")[2]
    assert proposal
    assert proposal != name
    assert directory.find_by_login_name(proposal) is None
    application.refresh_from_db()
    assert application.status == Status.NEEDS_ATTENTION


def test_after_a_rename_the_page_still_lists_what_was_applied_for_under_the_old_name(
    directory: FakeDirectory, post: PostOffice
) -> None:
    cast = Cast()
    directory.containers.append(users_ou("13"))
    registered = journeys.approved(cast)
    operation = attempt(journeys.operations(registered)[0])
    assert operation.status == OperationStatus.DONE, operation.error_message
    account = DirectoryAccount.system.get()
    line = wanted(login_name=account.login_name, new_login_name="tk0412-sato", container="Users", groups=[])
    renamed = approved(cast, "accounts.change", **line)
    operation = attempt(journeys.operations(renamed)[0])
    assert operation.status == OperationStatus.DONE, operation.error_message

    page = client_for(Role.AUDITOR).get(reverse("account_detail", args=[account.object_guid]))

    assert page.context["account"].login_name == "tk0412-sato"
    assert list(page.context["applications"]) == [renamed, registered]


def test_another_federations_account_page_is_unknown(account: DirectoryAccount) -> None:  # ORG-02
    client = Client()
    client.force_login(factories.applicant("27"))

    assert client.get(reverse("account_detail", args=[account.object_guid])).status_code == 404
