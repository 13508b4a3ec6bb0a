"""A forgotten password against a real directory that loses replies and stops: the person can always go on (ACC-07, ACC-11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.reminder.models import ConfirmedAddress, PasswordReminder
from portal.embedded.directory import DemoDirectory
from portal.embedded.directory.faults import Fault
from portal.embedded.directory.messages import POLICY_HINTS
from portal.embedded.mailcatcher import MailCatcher
from portal.gateways.directory import BindResult
from portal.gateways.directory_factory import get_directory, reset_directory
from portal.notices.models import Notice
from portal.orgs.models import User
from tests import factories
from tests.accounts.reminder.support import CODE, FACTOR, NEW, ask, mailed_code
from tests.browser.conftest import PASSWORD, register_administrator
from tests.faults.test_canary import everything_logged, whole_broker, whole_database
from tests.journeys import Cast
from tests.lab import Lab, samba_lab, use_directory
from tests.orgs.test_second_factor import give_app, now_code

__all__ = ["everything_logged"]

# No three characters of it can stand in a login name drawn as hexadecimal digits: it would be refused for that.
CANARY = "KnRy-7w4z-XqTh"


@pytest.fixture(
    params=["policy hints", "without policy hints", pytest.param("samba", marks=pytest.mark.real)]
)
def lab(
    request: pytest.FixtureRequest,
    transactional_db: None,
    tmp_path: Path,
    mail_catcher: MailCatcher,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """The demo directory with and without the control, and Samba, which has none; the portal keeps its own minimum age."""
    if request.param == "samba":
        yield from samba_lab(mail_catcher, settings, monkeypatch)
        return
    hints = frozenset() if request.param == "policy hints" else frozenset({POLICY_HINTS})
    with DemoDirectory(tmp_path / "directory", without_controls=hints) as server:
        use_directory(settings, server.env)
        yield Lab(server, mail_catcher, Cast())
        reset_directory()


@pytest.fixture
def person(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> User:
    """An approver whose password counts as old enough."""
    user = factories.approver(login_name=f"kanri-{token_hex(4)}")
    register_administrator(lab, user)
    ConfirmedAddress.objects.create(user=user, address=user.email, confirmed_at=timezone.now())
    monkeypatch.setattr("accounts.reminder.choosing.check_age", lambda entry, now: None)
    return user


@pytest.fixture
def client(person: User) -> Client:
    """The browser of that person, ready to choose."""
    secret, browser = give_app(person), Client()
    ask(browser, person.login_name)
    assert browser.post(CODE, {"code": mailed_code()}).status_code == 302
    assert browser.post(FACTOR, {"code": now_code(secret)})["Location"] == NEW
    return browser


def choose(client: Client, password: str) -> Any:
    return client.post(NEW, {"new_password": password, "again": password})


def opens(person: User, password: str) -> bool:
    return get_directory().authenticate(person.login_name, password) is BindResult.OK


# fault case 2
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("action", ["lose_reply", "lose_request", "refuse"])
def test_whatever_is_lost_the_person_goes_on_in_the_same_session(
    lab: Lab, person: User, client: Client, action: Any, nth: int
) -> None:
    faults = lab.directory_server.faults
    if nth == 2:  # the second write of the way without policy hints
        faults.add(Fault(operation="modify", action="delay", seconds=0.0))
    faults.add(Fault(operation="modify", action=action))

    answers = [choose(client, CANARY) for _ in range(2)]
    faults.clear()
    while answers[-1].status_code == 422 and len(answers) < 5:
        answers.append(choose(client, CANARY))

    assert answers[-1].status_code == 302, answers[-1].content.decode()
    assert opens(person, CANARY)
    assert PasswordReminder.objects.get().outcome == "DONE"


# fault case 13
def test_a_stopped_directory_has_changed_nothing_and_the_person_goes_on_later(
    lab: Lab, person: User, client: Client
) -> None:
    lab.directory_server.stop()
    silent = choose(client, CANARY)
    lab.directory_server.start()

    assert silent.status_code == 422
    assert opens(person, PASSWORD)
    chosen = choose(client, CANARY)
    assert chosen.status_code == 302, chosen.content.decode()


def test_the_history_of_the_directory_decides(lab: Lab, person: User, client: Client) -> None:
    refused = choose(client, PASSWORD)
    chosen = choose(client, CANARY)

    assert refused.status_code == 422
    assert chosen.status_code == 302, chosen.content.decode()
    assert opens(person, CANARY)


def test_the_chosen_password_is_nowhere_but_in_the_directory(
    lab: Lab, person: User, client: Client, everything_logged: pytest.LogCaptureFixture, valkey: Any
) -> None:
    pages = [choose(client, "short"), choose(client, PASSWORD)]
    lab.directory_server.faults.add(Fault(operation="modify", action="lose_reply"))
    pages += [choose(client, CANARY)]
    while pages[-1].status_code == 422:
        pages.append(choose(client, CANARY))
    lab.directory_server.faults.clear()

    from portal.notices import delivery

    delivery.send_due(now_fn=timezone.now)

    assert opens(person, CANARY)
    assert Notice.system.filter(template="password_changed", status="SENT").exists()
    logged = everything_logged.text + "".join(str(record.__dict__) for record in everything_logged.records)
    mails = "".join(mail.text for mail in lab.mail.messages())
    shown = "".join(page.content.decode() for page in pages)
    for place in (logged, mails, shown, whole_database(), whole_broker()):
        assert CANARY not in place
