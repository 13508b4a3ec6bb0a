"""Recipients of initial passwords (ACC-08, ACC-09): one person, one confirmed address of their own."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs import errors, people, recipients
from portal.orgs.models import PasswordRecipient, User
from portal.orgs.permissions import Role
from tests import factories
from tests.fakes import FakeDirectory
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(directory: FakeDirectory) -> User:
    return factories.user(Role.SECURITY_MANAGER)


def register(
    actor: User, email: str = "hanako.suzuki@kokuho13.example.jp", **values: Any
) -> PasswordRecipient:
    values = {"name": "鈴木 花子", "department": "情報管理課", "phone": "", "now": timezone.now()} | values
    return recipients.register(actor=actor, organisation_id=actor.organisation_id, email=email, **values)


def path_of(recipient: PasswordRecipient) -> str:
    return recipients.confirmation_url(recipient.pk).removeprefix("http://127.0.0.1:8000")


def test_address_counts_only_after_the_person_pressed_the_button(manager: User) -> None:
    recipient = register(manager)
    page = Client()

    for _visit in range(3):  # a mail scanner follows the link
        assert page.get(path_of(recipient)).status_code == 200
    recipient.refresh_from_db()
    assert not recipient.is_usable

    assert page.post(path_of(recipient)).status_code == 200
    recipient.refresh_from_db()
    assert recipient.is_usable


def test_link_works_once(manager: User) -> None:
    recipient = register(manager)
    Client().post(path_of(recipient))

    assert Client().get(path_of(recipient)).status_code == 404
    assert Client().post(path_of(recipient)).status_code == 404


def test_link_expires_after_seven_days(manager: User) -> None:
    now = timezone.now()
    recipient = register(manager, now=now)
    token = path_of(recipient).rstrip("/").rpartition("/")[2]

    assert recipients.find_by_token(token, now + dt.timedelta(days=6, hours=23)) == recipient
    assert recipients.find_by_token(token, now + dt.timedelta(days=7)) is None


def test_database_holds_neither_token_nor_link(manager: User) -> None:
    recipient = register(manager)
    token = path_of(recipient).rstrip("/").rpartition("/")[2]

    stored = str(list(PasswordRecipient.system.values())) + str(list(Notice.system.values()))
    assert token not in stored
    assert recipient.confirmation_digest == hashlib.sha256(token.encode()).hexdigest()


def test_mail_names_the_link_that_works(manager: User) -> None:
    recipient = register(manager)
    notice = Notice.system.get(template="recipient_confirmation")

    mail = messages.build(notice, now=timezone.now())

    assert notice.to_address == recipient.email
    assert recipients.confirmation_url(recipient.pk) in mail.get_content()


def test_new_link_ends_the_old_one(manager: User) -> None:
    recipient = register(manager)
    old = path_of(recipient)

    recipients.resend(recipient_id=recipient.pk, actor=manager, now=timezone.now() + dt.timedelta(minutes=2))

    assert Client().get(old).status_code == 404
    assert Client().get(path_of(recipient)).status_code == 200


def test_link_is_not_sent_twice_within_a_minute(manager: User) -> None:
    recipient = register(manager)

    with pytest.raises(errors.Refused):
        recipients.resend(recipient_id=recipient.pk, actor=manager, now=timezone.now())


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("info@kokuho13.example.jp", recipients.POST_ADDRESS),
        ("INFO2@kokuho13.example.jp", recipients.POST_ADDRESS),
        ("soumu@kokuho13.example.jp", recipients.POST_ADDRESS),
        ("joho-system@kokuho13.example.jp", recipients.POST_ADDRESS),
        ("shinsa-ml@kokuho13.example.jp", recipients.LIST_ADDRESS),
        ("all@kokuho13.example.jp", recipients.LIST_ADDRESS),
        ("ml.suzuki@kokuho13.example.jp", recipients.LIST_ADDRESS),
        ("group3@kokuho13.example.jp", recipients.LIST_ADDRESS),
        ("known-to-ad@kokuho13.example.jp", recipients.GROUP_ADDRESS),
        ("taken@kokuho13.example.jp", recipients.SHARED_ADDRESS),
        ("TAKEN@kokuho13.example.jp", recipients.SHARED_ADDRESS),
        ("colleague@kokuho13.example.jp", recipients.SHARED_ADDRESS),
    ],
)
def test_address_that_is_not_one_persons_is_refused_with_its_reason(
    manager: User, directory: FakeDirectory, email: str, reason: object
) -> None:
    directory.group_mails.add("known-to-ad@kokuho13.example.jp")
    factories.recipient(code="27", email="taken@kokuho13.example.jp")
    factories.applicant(email="colleague@kokuho13.example.jp", display_name="佐藤 健一")

    with pytest.raises(errors.Refused) as caught:
        register(manager, email)

    assert (caught.value.field, caught.value.message) == ("email", reason)


@pytest.mark.parametrize(
    "local", ["miura", "allen.sato", "grouper", "suzuki-info", "teamo", "h.suzuki2", "mlynar"]
)
def test_names_that_only_resemble_a_list_are_taken(manager: User, local: str) -> None:
    assert register(manager, f"{local}@kokuho13.example.jp").pk


def test_person_of_the_portal_may_receive_at_their_own_address(manager: User) -> None:
    factories.applicant(email="hanako.suzuki@kokuho13.example.jp", display_name="鈴木　花子")

    assert register(manager).pk


def test_silent_directory_saves_nothing(manager: User, directory: FakeDirectory) -> None:
    directory.faults["mail_is_group_address"] = [DirectoryUnavailable()]
    data = {"name": "鈴木 花子", "email": "hanako@kokuho13.example.jp"}

    response = client_of(manager).post(reverse("recipient_add", kwargs={"code": "13"}), data)

    assert response.status_code == 422
    assert not PasswordRecipient.system.exists()


def test_address_of_an_ended_recipient_is_free_again(manager: User) -> None:
    recipient = register(manager)
    recipients.end(recipient_id=recipient.pk, actor=manager, now=timezone.now())

    assert register(manager).pk != recipient.pk


def test_form_registers_and_lists(manager: User) -> None:
    client = client_of(manager)
    data = {"name": "鈴木 花子", "department": "", "phone": "", "email": "ＨＡＮＡＫＯ@kokuho13.example.jp"}

    assert client.post(reverse("recipient_add", kwargs={"code": "13"}), data).status_code == 302

    rows = client.get(reverse("recipient_list")).context["page"].rows
    assert [row.email for row in rows] == ["HANAKO@kokuho13.example.jp"]
    assert client.post(reverse("recipient_resend", kwargs={"pk": rows[0].pk})).status_code == 302
    assert client.post(reverse("recipient_end", kwargs={"pk": rows[0].pk})).status_code == 302
    assert not PasswordRecipient.system.get().is_active


@pytest.mark.parametrize(
    ("role", "code", "status"), [(Role.APPLICANT, "13", 403), (Role.SECURITY_MANAGER, "27", 404)]
)
def test_others_change_no_recipient(directory: FakeDirectory, role: str, code: str, status: int) -> None:
    client, recipient = client_of(factories.user(role, code=code)), factories.recipient()

    assert client.post(reverse("recipient_add", kwargs={"code": "13"})).status_code == status
    assert client.post(reverse("recipient_end", kwargs={"pk": recipient.pk})).status_code == status


@pytest.mark.parametrize("token", ["x", "A" * 43, "あ"])
def test_strange_tokens_are_unknown(db: None, token: str) -> None:
    assert Client().get(f"/recipients/confirm/{token}/").status_code == 404


# --- Confirmed again every six months (ACC-09) -------------------------------------------------------------------------------
def confirmed_ago(days: float, **values: Any) -> PasswordRecipient:
    return factories.recipient(confirmed_at=timezone.now() - dt.timedelta(days=days), **values)


@pytest.mark.parametrize(("days", "usable"), [(182.9, True), (183.1, False)])
def test_confirmation_ends_after_six_months(days: float, usable: bool) -> None:
    assert confirmed_ago(days).is_usable == usable


def test_link_is_mailed_two_weeks_before_once_a_week_and_not_after_the_end() -> None:
    recipient = confirmed_ago(169)
    early, over = confirmed_ago(162), confirmed_ago(184)
    now = timezone.now()

    counts = [recipients.ask_again(now=now + dt.timedelta(days=day)) for day in (0.5, 1, 7.6, 14.9, 15.1)]

    assert counts == [1, 0, 2, 1, 0]
    addresses = list(
        Notice.system.filter(template="recipient_reconfirmation").values_list("to_address", flat=True)
    )
    assert addresses.count(recipient.email) == 2
    assert over.email not in addresses
    assert addresses.count(early.email) == 2


def test_link_confirms_again_and_the_months_begin_anew() -> None:
    recipient = confirmed_ago(170)
    recipients.ask_again(now=timezone.now())
    assert recipient.is_usable, "until the end the old confirmation counts"

    answer = Client().post(path_of(recipient))

    recipient.refresh_from_db()
    assert answer.status_code == 200
    assert recipient.confirmed_until is not None
    assert recipient.confirmed_until > timezone.now() + dt.timedelta(days=182)


def test_mail_of_the_second_confirmation_holds_a_link_that_works() -> None:
    recipient = confirmed_ago(170)
    recipients.ask_again(now=timezone.now())
    notice = Notice.system.get(template="recipient_reconfirmation")

    text = messages.build(notice, now=timezone.now()).get_content()

    recipient.refresh_from_db()
    assert recipients.confirmation_url(recipient.pk) in text


def test_manager_can_send_the_link_after_the_end_but_not_while_all_is_well(manager: User) -> None:
    over, well = confirmed_ago(200), confirmed_ago(1)

    recipients.resend(recipient_id=over.pk, actor=manager, now=timezone.now())

    with pytest.raises(errors.Refused):
        recipients.resend(recipient_id=well.pk, actor=manager, now=timezone.now())
    page = client_of(manager).get(reverse("recipient_list")).content.decode()
    assert "再確認が必要" in page


def test_recipient_who_was_shut_out_or_moved_is_ended(manager: User) -> None:
    left, moved, stays = (
        factories.recipient(email=f"{name}.jushin@kokuho13.example.jp") for name in ("a", "b", "c")
    )
    gone = factories.user(Role.PASSWORD_RECIPIENT, email=left.email)
    factories.user(Role.PASSWORD_RECIPIENT, code="27", email=moved.email.upper())
    factories.user(Role.PASSWORD_RECIPIENT, email=stays.email)

    people.set_active(user_id=gone.pk, actor=manager, active=False, now=timezone.now())
    recipients.ask_again(now=timezone.now())

    for recipient in (left, moved, stays):
        recipient.refresh_from_db()
    assert [left.is_active, moved.is_active, stays.is_active] == [False, False, True]
