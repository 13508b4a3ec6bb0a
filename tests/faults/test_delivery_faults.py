"""Fault cases 11, 16 and 24: a name that is taken meanwhile, mail that goes wrong, a person who is faster (ACC-06, ACC-08, ACC-10)."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.delivery import unused
from accounts.delivery.models import DeliveryChoice, DeliveryMode, InitialPassword
from accounts.models import DirectoryAccount
from accounts.naming import correcting, free
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import BindResult, NewAccount
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Status
from tests import factories, journeys
from tests.lab import Lab
from tests.roles import client_of

pytestmark = pytest.mark.slow


def name_of(application: Application) -> str:
    return str(application.lines.get().payload["login_name"])


def operation_of(application: Application) -> Operation:
    return Operation.system.get(line__application=application, target="directory", step="")


def drain() -> None:
    services.drain("directory", now_fn=timezone.now)


def drain_the_step() -> None:
    """Carry out what was queued for two weeks from now."""
    Operation.system.filter(step=unused.STEP).update(not_before=timezone.now())
    drain()


def choose_own_password(lab: Lab, name: str, old: str, new: str = "Jibun-de-3randa") -> None:
    entry = lab.entry(name)
    assert entry is not None
    lab.directory.change_password(entry.guid, old_password=old, new_password=new)


# --- 16: mail ---------------------------------------------------------------------------------------------------------------
# fault case 16
@pytest.mark.parametrize("reply", ["450 4.2.0 Greylisted", "421 4.3.2 Service not available"])
def test_16_a_temporary_refusal_draws_a_new_password_later(lab: Lab, reply: str) -> None:
    application = journeys.approved(lab.cast)

    with lab.mail.refusing(lab.cast.recipient.email, reply=reply):
        drain()
    waiting = operation_of(application)
    lab.go_on()

    assert (waiting.status, waiting.error_code) == (OperationStatus.WAITING, "mail_unavailable")
    assert operation_of(application).status == OperationStatus.DONE
    assert len(lab.passwords()) == 1
    assert lab.last_password_works(name_of(application))


# fault case 16
def test_16_a_final_refusal_goes_to_a_person(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    with lab.mail.refusing(lab.cast.recipient.email):
        drain()

    operation = operation_of(application)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient_refused")
    assert lab.passwords() == []


# fault case 16
def test_16_a_break_after_the_text_sends_a_second_mail_and_the_last_password_works(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = journeys.approved(lab.cast)
    kept, broken = smtplib.SMTP.data, []

    def lose_the_answer(self: Any, text: Any) -> Any:
        answer = kept(self, text)
        if not broken:
            broken.append(True)
            raise TimeoutError
        return answer

    monkeypatch.setattr(smtplib.SMTP, "data", lose_the_answer)
    drain()
    lab.go_on()

    first, second = lab.passwords()
    name = name_of(application)
    assert first != second
    assert lab.directory.authenticate(name, first) == BindResult.WRONG
    assert lab.directory.authenticate(name, second) == BindResult.MUST_CHANGE


# fault case 16
def test_16_a_relay_that_is_down_for_two_days_delays_the_mail_and_loses_nothing(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    lab.mail.stop()

    drain()
    lab.go_on(after=timedelta(minutes=20), rounds=144)  # two days
    still_waiting = operation_of(application)
    lab.mail.start()
    moment = timezone.now() + timedelta(days=2, minutes=20)
    services.drain("directory", now_fn=lambda: moment)

    assert (still_waiting.status, still_waiting.error_code) == (OperationStatus.WAITING, "mail_unavailable")
    assert still_waiting.attempts > 40, "it was not tried again"
    assert operation_of(application).status == OperationStatus.DONE
    assert len(lab.passwords()) == 1
    assert lab.last_password_works(name_of(application))


# fault case 16
def test_16_a_bounce_that_comes_later_shows_as_unused_and_a_reset_brings_a_new_password(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    drain()  # accepted by the relay; the bounce goes to the sender's mailbox, which the portal does not read
    name = name_of(application)

    unused.check(now=timezone.now() + timedelta(days=8))
    page = client_of(lab.cast.applicant).get(reverse("application_detail", args=[application.number]))
    reset = journeys.approved_reset(lab.cast, name)
    drain()

    told = Notice.system.filter(template="initial_password_unused", application_number=application.number)
    assert lab.cast.applicant.email in told.values_list("to_address", flat=True)
    assert "送信済・未使用" in page.content.decode()
    assert operation_of(reset).status == OperationStatus.DONE
    first, second = lab.passwords()
    assert lab.directory.authenticate(name, first) == BindResult.WRONG
    assert lab.directory.authenticate(name, second) == BindResult.MUST_CHANGE


# fault case 16
def test_16_every_character_arrives_over_a_relay_that_knows_ascii_only(lab: Lab) -> None:
    application = journeys.approved(lab.cast)

    drain()

    (mail,) = [mail for mail in lab.mail.messages() if lab.passwords()[-1] in mail.text]
    assert mail.message.as_bytes().isascii()
    assert "初期パスワード" in mail.subject
    assert "人目の方" in mail.text
    assert application.number in mail.text


# --- 24: the person was faster ------------------------------------------------------------------------------------------------
# fault case 24
def test_24_a_password_chosen_before_the_mail_goes_again_is_kept_and_told(either_lab: Lab) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    lab.worker_dies_at("before_record")  # mailed, not recorded
    name = name_of(application)
    Operation.system.filter(pk=operation_of(application).pk).update(progress={})
    choose_own_password(lab, name, lab.passwords()[-1])

    lab.go_on()

    assert operation_of(application).evidence["initial_password"] == "chosen_by_person"
    assert lab.directory.authenticate(name, "Jibun-de-3randa") == BindResult.OK
    row = InitialPassword.system.filter(operation=operation_of(application)).first()
    assert row is None or row.state == "IN_USE"
    assert len(lab.passwords()) == 1


def pickup_person(lab: Lab) -> User:
    """The recipient logs in, and the federation has chosen codes."""
    person = factories.user(Role.PASSWORD_RECIPIENT, email=lab.cast.recipient.email)
    DeliveryChoice.system.create(
        organisation=lab.cast.recipient.organisation,
        mode=DeliveryMode.PICKUP,
        made_at=timezone.now(),
        made_by=person,
    )
    return person


def code_in(lab: Lab) -> str:
    mail = next(mail for mail in lab.mail.messages() if "受取コード" in mail.subject)
    return next(line.strip() for line in mail.text.splitlines() if len(line.strip()) == 9 and "-" in line)


# fault case 24
def test_24_whoever_chose_a_password_is_not_overwritten_by_a_pickup(either_lab: Lab) -> None:
    lab = either_lab
    person = pickup_person(lab)
    application = journeys.approved(lab.cast)
    drain()
    row = InitialPassword.system.get()
    client, address = client_of(person), reverse("pickup", args=[row.pk])
    code = code_in(lab)
    shown = client.post(address, {"code": code, "draw": 0})
    password = shown.content.decode().partition("data-secret>")[2].partition("<")[0]
    choose_own_password(lab, name_of(application), password)

    again = client.post(address, {"code": code, "draw": 1})

    assert again.status_code == 409
    assert lab.directory.authenticate(name_of(application), "Jibun-de-3randa") == BindResult.OK
    row.refresh_from_db()
    assert row.state_label == "利用開始済"


# fault case 2
@pytest.mark.parametrize("action", ["lose_reply", "lose_request"])
def test_a_pickup_without_an_answer_shows_nothing_and_the_next_draw_works(
    either_lab: Lab, action: Any
) -> None:
    lab = either_lab
    from portal.embedded.directory.faults import Fault

    person = pickup_person(lab)
    application = journeys.approved(lab.cast)
    drain()
    client, address = client_of(person), reverse("pickup", args=[InitialPassword.system.get().pk])
    lab.directory_server.faults.add(Fault(operation="modify", action=action))

    failed = client.post(address, {"code": code_in(lab), "draw": 0})
    worked = client.post(address, {"code": code_in(lab), "draw": 1})

    password = worked.content.decode().partition("data-secret>")[2].partition("<")[0]
    assert failed.status_code == 503
    assert "data-secret" not in failed.content.decode()
    assert lab.directory.authenticate(name_of(application), password) == BindResult.MUST_CHANGE


def test_an_unused_account_is_disabled_and_a_reset_brings_it_back(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    drain()
    name = name_of(application)

    unused.check(now=timezone.now() + timedelta(days=14, minutes=1))
    drain_the_step()
    disabled = lab.entry(name)
    journeys.approved_reset(lab.cast, name)
    drain()

    assert disabled is not None
    assert not disabled.enabled
    assert lab.last_password_works(name)
    assert DirectoryAccount.system.get(login_name=name).state == DirectoryAccount.State.ENABLED


# fault case 24
def test_an_account_that_was_used_at_the_last_moment_stays(either_lab: Lab) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    drain()
    unused.check(now=timezone.now() + timedelta(days=15))
    choose_own_password(lab, name_of(application), lab.passwords()[-1])

    drain_the_step()

    entry = lab.entry(name_of(application))
    assert entry is not None
    assert entry.enabled
    assert Operation.system.get(step=unused.STEP).evidence["outcome"] == "in_use"


# --- 11: the name -------------------------------------------------------------------------------------------------------------
def stranger(lab: Lab, name: str) -> None:
    """Somebody makes an account of that name by hand."""
    from django.conf import settings

    lab.directory.create_account(
        NewAccount(
            login_name=name,
            display_name="別人",
            family_name="別",
            given_name="人",
            kana="",
            department="",
            company="",
            mail=None,
            container_dn=f"OU=Users,OU={factories.organisation().ou_name},{settings.DIRECTORY['root_ou']}",
            marker="by-hand",
        ),
        initial_password="By-Hand-4747-xyz",
    )


# fault case 11
def test_11_a_name_taken_before_the_write_stops_and_goes_on_with_the_proposed_one(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    stranger(lab, name_of(application))

    drain()
    stopped = operation_of(application)
    client = client_of(lab.cast.operator)
    address = reverse("operation_login_name", args=[stopped.pk])
    page = client.get(address).content.decode()
    refused = client.post(address, {"login_name": name_of(application)})
    chosen = client.post(address, {"login_name": "k13-suzuki-m"})
    lab.go_on()

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "name_taken")
    assert 'value="k13-suzuki-m"' in page
    assert (refused.status_code, chosen.status_code) == (422, 302)
    application.refresh_from_db()
    assert application.status == Status.COMPLETED
    entry = lab.entry("k13-suzuki-m")
    assert entry is not None
    assert (entry.marker, entry.display_name) == (str(stopped.marker), "鈴木 美咲")
    assert lab.last_password_works("k13-suzuki-m")
    by_hand = lab.entry(name_of(application))
    assert by_hand is not None
    assert by_hand.marker == "by-hand", "the stranger's account was touched"
    told = Notice.system.filter(template="login_name_changed").values_list("to_address", flat=True)
    assert list(told) == [lab.cast.applicant.email]


# fault case 11
def test_11_the_same_name_pending_in_another_application_is_refused(lab: Lab) -> None:
    pending = journeys.submitted(lab.cast)
    line = journeys.registration_line(lab.cast.recipient, login_name=name_of(pending).upper())

    with pytest.raises(InvalidApplication) as refused:
        journeys.submitted(lab.cast, line)

    assert list(refused.value.errors) == ["lines.0.login_name"]


# fault case 11
@pytest.mark.parametrize("life", ["deleted", "removed"])
def test_11_the_name_of_a_deleted_account_is_refused_and_another_one_proposed(lab: Lab, life: str) -> None:
    state = DirectoryAccount.State.DELETED if life == "deleted" else DirectoryAccount.State.REMOVED
    factories.directory_account(login_name="k13-suzuki-m", state=state)
    if life == "removed":
        now = timezone.now()
        free.note_removed("k13-suzuki-m", organisation_id=factories.organisation().pk, now=now)
    line = journeys.registration_line(lab.cast.recipient, login_name="k13-suzuki-m")

    with pytest.raises(InvalidApplication) as refused:
        journeys.submitted(lab.cast, line)
    application = journeys.approved(lab.cast)

    assert list(refused.value.errors) == ["lines.0.login_name"]
    assert correcting.proposal(operation_of(application), now=timezone.now()) == "k13-suzuki-m2"
