"""A reset of an administrator account's password never gives the applicant a second voice (ACC-02, ACC-08, ORG-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import corrections
from accounts.administrators.kinds import DELETE
from accounts.delivery.models import DeliveryChoice, DeliveryMode, InitialPassword
from accounts.kinds import PASSWORD_RESET
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.errors import AddressRefused
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.errors import InvalidApplication
from tests import factories
from tests.accounts.administrators.world import LINE, Office, attempt
from tests.accounts.world import PostOffice
from tests.fakes import FakeDirectory
from tests.roles import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("registered")]


def test_the_recipient_gets_a_new_password(
    office: Office, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    paper = office.approved({"login_name": "KANRI-0412", "recipient_id": office.recipient.pk}, PASSWORD_RESET)

    assert attempt(paper).status == OperationStatus.DONE

    (entry,) = directory.entries.values()
    assert post.delivered[-1] == (office.recipient.email, directory.passwords[entry.guid])
    assert entry.must_change_password


def test_the_applicant_does_not_get_it(office: Office, person: User, directory: FakeDirectory) -> None:
    own = factories.recipient(email=office.applicant.email)
    windows = directory.add("tk0412-user", container_dn="OU=Users,OU=13,OU=Federations,DC=kokuho,DC=pr")

    with pytest.raises(InvalidApplication) as error:
        office.submit({"login_name": LINE["login_name"], "recipient_id": own.pk}, PASSWORD_RESET)

    assert list(error.value.errors) == ["lines.0.recipient_id"]
    # The account of somebody who decides nothing here may be reset that way; the approver is told.
    office.submit({"login_name": windows.login_name, "recipient_id": own.pk}, PASSWORD_RESET)


def test_a_deleted_account_is_not_reset(office: Office, person: User) -> None:
    office.carried_out({"login_name": LINE["login_name"]}, DELETE)

    with pytest.raises(InvalidApplication) as error:
        office.submit({"login_name": LINE["login_name"], "recipient_id": office.recipient.pk}, PASSWORD_RESET)

    assert "lines.0.login_name" in error.value.errors


def stopped(office: Office, post: PostOffice) -> Operation:
    """A reset whose approved recipient the mail server refused."""
    paper = office.approved(
        {"login_name": LINE["login_name"], "recipient_id": office.recipient.pk}, PASSWORD_RESET
    )
    post.errors = [AddressRefused("550")]
    operation = attempt(paper)
    assert operation.status == OperationStatus.ATTENTION
    return operation


def moved(person: User) -> str:
    """Give somebody another address; the one they had."""
    old, person.email = person.email, "moved.away@kokuho13.example.jp"
    person.save()
    return old


@pytest.mark.parametrize(
    "own",
    [
        lambda applicant: {"email": applicant.email.upper()},
        lambda applicant: {"email": moved(applicant)},
        lambda applicant: {"name": applicant.display_name.replace(" ", "\u3000")},
    ],
    ids=["present address", "address before", "name"],
)
def test_operations_cannot_send_it_to_the_applicant_either(  # ORG-04
    office: Office, person: User, post: PostOffice, own: Any
) -> None:
    operation, client = stopped(office, post), client_of(office.operator)
    recipient = factories.recipient(**own(office.applicant))
    address, delivered = reverse("operation_recipient", args=[operation.pk]), len(post.delivered)

    with pytest.raises(corrections.RecipientNotUsable):
        corrections.change_recipient(
            operation_id=operation.pk, recipient_id=recipient.pk, actor=office.operator, now=timezone.now()
        )
    page, answer = client.get(address), client.post(address, {"recipient_id": recipient.pk})

    assert f'<option value="{recipient.pk}" disabled>' in page.content.decode()
    assert [each for each, _reason in page.context["form"].not_selectable] == [recipient]
    assert answer.status_code == 422
    assert "申請者" in str(answer.context["form"].errors["recipient_id"])
    assert len(post.delivered) == delivered
    with pytest.raises(InvalidApplication):  # and nobody writes it into an application
        office.submit(office.line(login_name="kanri-0500", email="a.b@example.jp", recipient_id=recipient.pk))


def test_a_recipient_who_turns_out_to_be_the_applicant_gets_nothing_and_another_one_does(
    office: Office, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    paper = office.approved(
        {"login_name": LINE["login_name"], "recipient_id": office.recipient.pk}, PASSWORD_RESET
    )
    passwords, delivered = dict(directory.passwords), list(post.delivered)
    office.applicant.email = office.recipient.email
    office.applicant.save()

    operation = attempt(paper)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient")
    assert (directory.passwords, post.delivered) == (passwords, delivered)
    other = factories.recipient()
    corrections.change_recipient(
        operation_id=operation.pk, recipient_id=other.pk, actor=office.operator, now=timezone.now()
    )
    assert attempt(paper).status == OperationStatus.DONE
    assert post.delivered[-1][0] == other.email


def test_the_applicant_who_comes_by_the_address_later_picks_nothing_up(
    office: Office, person: User, post: PostOffice
) -> None:
    reader = factories.user(Role.PASSWORD_RECIPIENT, email=office.recipient.email)
    DeliveryChoice.system.create(
        organisation=reader.organisation, mode=DeliveryMode.PICKUP, made_at=timezone.now(), made_by=reader
    )
    line = {"login_name": LINE["login_name"], "recipient_id": office.recipient.pk}
    assert attempt(office.approved(line, PASSWORD_RESET)).status == OperationStatus.DONE
    row, code = InitialPassword.system.get(mode=DeliveryMode.PICKUP), post.codes[-1][1]
    office.applicant.email = moved(reader)
    office.applicant.save()

    answer = client_of(office.applicant).post(reverse("pickup", args=[row.pk]), {"code": code, "draw": 0})

    assert answer.status_code == 409
    assert InitialPassword.system.get(pk=row.pk).draws == 0
