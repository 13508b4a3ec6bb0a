"""Picking up an initial password with a mailed code: drawn at that moment, shown once, the last one works (ACC-08, ACC-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import corrections
from accounts.delivery import modes, pickup
from accounts.delivery.models import DeliveryChoice, DeliveryMode, InitialPassword
from accounts.kinds import REGISTER
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown, PolicyRefused
from portal.notices.secrets import AddressRefused, MailUnavailable
from portal.orgs import errors
from portal.orgs.models import PasswordRecipient, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import kinds
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories
from tests.accounts.world import LINE, PostOffice, attempt, registration, reset
from tests.fakes import FakeDirectory
from tests.roles import client_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db

ADDRESS = "uketori.hanako@kokuho13.example.jp"


@pytest.fixture
def recipient(directory: FakeDirectory) -> PasswordRecipient:
    return factories.recipient(email=ADDRESS)


@pytest.fixture
def person(recipient: PasswordRecipient) -> User:
    """The recipient as a person of the portal; the federation has chosen the pickup."""
    user = factories.user(Role.PASSWORD_RECIPIENT, email=ADDRESS.upper())
    DeliveryChoice.system.create(
        organisation=recipient.organisation, mode=DeliveryMode.PICKUP, made_at=timezone.now(), made_by=user
    )
    return user


@pytest.fixture
def waiting(person: User, recipient: PasswordRecipient, post: PostOffice) -> InitialPassword:
    """An account that was made, with a code on its way."""
    operation = attempt(registration(recipient))
    assert operation.status == OperationStatus.DONE, operation.error_message
    return InitialPassword.system.get()


def send(client: Client, row: InitialPassword, code: str, draw: int | None = None) -> Any:
    drawn = InitialPassword.system.get(pk=row.pk).draws if draw is None else draw
    return client.post(reverse("pickup", args=[row.pk]), {"code": code, "draw": drawn})


def password_on(page: Any, directory: FakeDirectory) -> bool:
    (password,) = directory.passwords.values()
    return f"data-secret>{password}<" in page.content.decode()


def code_of(post: PostOffice) -> str:
    return post.codes[-1][1]


def test_completion_mails_a_code_and_no_password(
    waiting: InitialPassword, directory: FakeDirectory, post: PostOffice
) -> None:
    (entry,) = directory.entries.values()
    code = code_of(post).replace("-", "")

    assert (post.delivered, len(post.codes)) == ([], 1)
    assert post.codes[0][0] == ADDRESS
    assert len(code) == 8
    assert code not in str(InitialPassword.system.values().get()) + str(Operation.system.values().get())
    assert entry.must_change_password
    assert waiting.state == "WAITING"


def test_code_shows_the_password_once_in_that_answer(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    client = client_of(person)
    address = reverse("pickup", args=[waiting.pk])
    assert not password_on(client.get(address), directory)
    forgotten = dict(directory.passwords)

    answer = send(client, waiting, code_of(post).lower())

    assert answer.status_code == 200
    assert password_on(answer, directory)
    assert directory.passwords != forgotten, "the forgotten password was shown"
    assert "no-store" in answer["Cache-Control"]
    (password,) = directory.passwords.values()
    assert password not in str(answer.headers) + str(client.get(address).content.decode())
    assert not any(password in session.session_data for session in Session.objects.all())
    waiting.refresh_from_db()
    assert waiting.state == "TAKEN"
    entry = TrailEntry.objects.get(action="password.picked_up")
    assert password not in str(entry.detail)


def test_a_reload_shows_nothing_and_the_password_shown_before_still_works(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    client = client_of(person)
    send(client, waiting, code_of(post), draw=0)
    (shown,) = directory.passwords.values()

    again = send(client, waiting, code_of(post), draw=0)

    assert again.status_code == 409
    assert not password_on(again, directory)
    assert list(directory.passwords.values()) == [shown]


def test_whoever_did_not_see_it_draws_anew_and_the_last_one_works(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    client = client_of(person)
    send(client, waiting, code_of(post), draw=0)
    (first,) = directory.passwords.values()

    second = send(client, waiting, code_of(post), draw=1)

    assert second.status_code == 200
    assert password_on(second, directory)
    assert list(directory.passwords.values()) != [first]


@pytest.mark.parametrize("fault", [DirectoryUnavailable, OutcomeUnknown])
@pytest.mark.parametrize("call", ["find_by_guid", "replace_initial_password"])
def test_failure_says_so_and_the_code_stays_usable(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice, fault: Any, call: str
) -> None:
    client = client_of(person)
    directory.faults[call] = [fault]

    failed = send(client, waiting, code_of(post))
    worked = send(client, waiting, code_of(post))

    assert failed.status_code == 503
    assert not password_on(failed, directory)
    assert worked.status_code == 200
    assert password_on(worked, directory)


def test_lost_answer_after_the_write_is_a_failure_and_a_fresh_draw_works(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    client = client_of(person)
    directory.after["replace_initial_password"] = [OutcomeUnknown]

    failed = send(client, waiting, code_of(post))
    waiting.refresh_from_db()
    state = waiting.state
    worked = send(client, waiting, code_of(post))

    assert (failed.status_code, state) == (503, "WAITING")
    assert password_on(worked, directory)


def test_stricter_policy_is_tried_with_new_draws_and_then_told(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    directory.faults["replace_initial_password"] = [PolicyRefused] * 3

    assert send(client_of(person), waiting, code_of(post)).status_code == 503


def test_password_chosen_by_the_person_is_never_replaced(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    (entry,) = directory.entries.values()
    directory.entries[entry.guid] = replace(
        entry, must_change_password=False, password_last_set=timezone.now()
    )
    directory.passwords[entry.guid] = "Jibun-de-3randa"

    answer = send(client_of(person), waiting, code_of(post))

    assert answer.status_code == 409
    assert directory.passwords[entry.guid] == "Jibun-de-3randa"
    waiting.refresh_from_db()
    assert waiting.state == "IN_USE"


def test_person_who_chooses_at_this_very_moment_keeps_the_choice(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    (entry,) = directory.entries.values()
    kept = directory.replace_initial_password

    def chosen_first(*args: Any, **kwargs: Any) -> None:
        directory.entries[entry.guid] = replace(entry, must_change_password=False)
        kept(*args, **kwargs)

    directory.replace_initial_password = chosen_first  # type: ignore[method-assign]

    assert send(client_of(person), waiting, code_of(post)).status_code == 409
    waiting.refresh_from_db()
    assert waiting.state == "IN_USE"


def test_wrong_codes_are_counted_and_end_the_code(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice, settings: Any
) -> None:
    settings.PICKUP_CODE_ATTEMPTS = 3
    client = client_of(person)

    wrong = [send(client, waiting, "AAAA-AAAA").status_code for _ in range(3)]
    right = send(client, waiting, code_of(post))

    assert wrong == [422, 422, 422]
    assert right.status_code == 409
    assert not password_on(right, directory)


def test_code_ends_after_its_days(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    InitialPassword.system.update(code_ends_at=timezone.now())

    assert send(client_of(person), waiting, code_of(post)).status_code == 409


def test_code_of_another_account_opens_nothing(
    waiting: InitialPassword,
    person: User,
    recipient: PasswordRecipient,
    directory: FakeDirectory,
    post: PostOffice,
) -> None:
    code = code_of(post)
    attempt(registration(recipient, login_name="tk0413-abe"))
    other = InitialPassword.system.order_by("-pk").first()
    assert other is not None

    assert send(client_of(person), other, code).status_code == 422


@pytest.mark.parametrize("who", ["colleague", "other federation", "operator", "moved"])
def test_only_the_recipient_can_pick_it_up(
    waiting: InitialPassword, person: User, post: PostOffice, who: str
) -> None:
    stranger = {
        "colleague": lambda: factories.user(Role.PASSWORD_RECIPIENT, Role.SECURITY_MANAGER),
        "other federation": lambda: factories.user(Role.PASSWORD_RECIPIENT, code="27", email=ADDRESS),
        "operator": factories.operator,
        "moved": lambda: person,
    }[who]()
    if who == "moved":
        stranger.memberships.update(
            ended_at=timezone.now() - dt.timedelta(days=2), valid_until=factories.LONG_AGO
        )

    client = client_of(stranger)

    assert client.get(reverse("pickup", args=[waiting.pk])).status_code == 404
    assert send(client, waiting, code_of(post)).status_code == 404
    assert waiting.application_number not in client.get(reverse("pickup_list")).content.decode()


def test_list_shows_what_waits(waiting: InitialPassword, person: User) -> None:
    page = client_of(person).get(reverse("pickup_list")).content.decode()

    assert waiting.application_number in page
    assert "未受領" in page


def test_recipient_whose_address_is_confirmed_too_long_ago_is_told(
    waiting: InitialPassword,
    person: User,
    recipient: PasswordRecipient,
    directory: FakeDirectory,
    post: PostOffice,
) -> None:
    PasswordRecipient.system.update(confirmed_at=timezone.now() - dt.timedelta(days=184))

    answer = send(client_of(person), waiting, code_of(post))

    assert answer.status_code == 409
    assert "6か月" in answer.content.decode()


def test_account_that_is_not_settled_yet_has_to_wait(
    waiting: InitialPassword, person: User, post: PostOffice
) -> None:
    Operation.system.update(status=OperationStatus.OUTCOME_UNKNOWN)

    assert send(client_of(person), waiting, code_of(post)).status_code == 409


def test_mail_that_cannot_go_now_brings_a_new_code_later(
    person: User, recipient: PasswordRecipient, post: PostOffice, directory: FakeDirectory
) -> None:
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]

    operation = attempt(registration(recipient))
    assert operation.status == OperationStatus.WAITING
    attempt(operation)

    (first, second) = [code for _, code in post.codes] if len(post.codes) == 2 else ("", code_of(post))
    row = InitialPassword.system.get()
    client = client_of(person)
    if first:
        assert send(client, row, first).status_code == 422
    assert send(client, row, second).status_code == 200


def test_refused_address_goes_to_a_person_and_only_to_a_recipient_with_a_login(
    person: User, recipient: PasswordRecipient, post: PostOffice, directory: FakeDirectory
) -> None:
    post.errors = [AddressRefused("550")]
    operation = attempt(registration(recipient))
    assert operation.status == OperationStatus.ATTENTION

    with pytest.raises(corrections.RecipientNotUsable):
        corrections.change_recipient(
            operation_id=operation.pk,
            recipient_id=factories.recipient().pk,
            actor=factories.operator(),
            now=timezone.now(),
        )


def test_reset_sends_a_new_code_and_voids_the_password(
    waiting: InitialPassword,
    person: User,
    recipient: PasswordRecipient,
    directory: FakeDirectory,
    post: PostOffice,
) -> None:
    (entry,) = directory.entries.values()

    operation = attempt(reset(entry.guid, entry.login_name, recipient))

    assert operation.status == OperationStatus.DONE, operation.error_message
    assert len(post.codes) == 2
    newest = InitialPassword.system.first()
    assert newest is not None
    assert send(client_of(person), newest, code_of(post)).status_code == 200


def test_recipient_without_a_login_stops_the_operation(
    person: User, post: PostOffice, directory: FakeDirectory
) -> None:
    operation = attempt(registration(factories.recipient()))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient")


# --- The choice -----------------------------------------------------------------------------------------------------------
def choose(actor: User, mode: str = DeliveryMode.PICKUP) -> Any:
    return modes.choose(
        organisation_id=factories.organisation().pk, mode=mode, actor=actor, now=timezone.now()
    )


def test_pickup_is_refused_while_a_recipient_has_no_login(recipient: PasswordRecipient) -> None:
    manager = factories.user(Role.SECURITY_MANAGER)

    with pytest.raises(errors.Refused) as nobody:
        choose(manager)
    factories.user(Role.PASSWORD_RECIPIENT, email=ADDRESS)
    choose(manager)

    assert nobody.value.field == "mode"
    assert modes.is_pickup(factories.organisation())
    assert TrailEntry.objects.get(action="delivery.change").detail == {"before": "MAIL", "after": "PICKUP"}
    choose(manager, DeliveryMode.MAIL)
    assert not modes.is_pickup(factories.organisation())


def test_choice_belongs_to_managers(recipient: PasswordRecipient) -> None:
    for stranger in (factories.applicant(), factories.user(Role.SECURITY_MANAGER, code="27")):
        with pytest.raises(errors.NotAllowed):
            choose(stranger)


def test_page_of_the_choice_saves_and_says_who_cannot(recipient: PasswordRecipient) -> None:
    client = client_of(factories.user(Role.SECURITY_MANAGER))
    address = reverse("delivery_setting", args=["13"])

    refused = client.post(address, {"mode": "PICKUP"})
    factories.user(Role.PASSWORD_RECIPIENT, email=ADDRESS)
    saved = client.post(address, {"mode": "PICKUP"})

    assert refused.status_code == 422
    assert recipient.name in refused.content.decode()
    assert saved.status_code == 302


@pytest.mark.parametrize("login", [True, False])
def test_approver_sees_the_way_and_a_recipient_without_a_login_is_refused(
    person: User, recipient: PasswordRecipient, directory: FakeDirectory, login: bool
) -> None:
    chosen = recipient if login else factories.recipient()
    kind = kinds.get(REGISTER)
    context = LineContext(
        organisation=factories.organisation(),
        actor=None,
        application=factories.application(status=Status.IN_REVIEW),
        today=timezone.localdate(),
    )

    plan = kind.plan(context, kind.load({**LINE, "recipient_id": chosen.pk}, kind.payload_version))

    (check,) = [check for check in plan.checks if check.code == "delivery"]
    assert check.level == ("passed" if login else "blocked")


def test_applicant_sees_the_state_and_the_way_to_a_new_password(
    waiting: InitialPassword, person: User
) -> None:
    application = waiting.operation.line.application
    page = client_of(application.applicant).get(reverse("application_detail", args=[application.number]))

    assert "未受領" in page.content.decode()
    assert f"login_name={waiting.login_name}" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_show_one_password_and_it_is_the_one_that_works(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    def click() -> Any:
        return pickup.take(
            password_id=waiting.pk,
            code=code_of(post),
            draw=0,
            actor=User.objects.get(pk=person.pk),
            now_fn=timezone.now,
        )

    results = at_once(*[click] * 4, refusals=(pickup.PickupRefused,))

    shown = [result for result in results if isinstance(result, pickup.Shown)]
    assert [type(r).__name__ for r in results if not isinstance(r, pickup.Shown)] == ["PickupRefused"] * 3
    assert [one.password for one in shown] == list(directory.passwords.values())
    assert shown[0].password not in repr(shown[0])


def test_window_that_slept_too_long_shows_nothing(
    waiting: InitialPassword, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    moments = iter([timezone.now(), timezone.now()] + [timezone.now() + dt.timedelta(minutes=5)] * 9)

    with pytest.raises(pickup.PickupRefused):
        pickup.take(
            password_id=waiting.pk, code=code_of(post), draw=0, actor=person, now_fn=lambda: next(moments)
        )

    waiting.refresh_from_db()
    assert waiting.state == "WAITING"
    assert send(client_of(person), waiting, code_of(post)).status_code == 200
