"""The initial password is mailed, and nothing of it stays (ACC-08, ACC-10)."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from portal.embedded.mailcatcher import MailCatcher
from portal.notices.models import Notice
from portal.notices.secrets import AddressRefused, MailUnavailable, deliver_initial_password
from portal.trail.models import TrailEntry
from tests import factories
from tests.notices.support import NOW, NUMBER, server_answering
from tests.notices.test_delivery import received

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.notices.urls")]

CANARY = "Canary-H7nA-Qd4r"


def deliver(**changes: Any) -> Notice:
    values: dict[str, Any] = {
        "to_address": "uketori@kokuho13.example.jp",
        "password": CANARY,
        "organisation": factories.organisation("13"),
        "application_number": NUMBER,
        "subject_hint": 2,
        "now": NOW,
    } | changes
    return deliver_initial_password(**values)


def everything_stored() -> str:
    return f"{list(Notice.system.values_list())} {list(TrailEntry.objects.values_list())}"


def test_the_password_is_in_the_mail_and_nowhere_else(
    mail_catcher: MailCatcher, caplog: pytest.LogCaptureFixture
) -> None:
    sent = deliver()

    (mail,) = received(mail_catcher)
    assert CANARY in mail.get_content()
    assert CANARY not in mail["Subject"]
    sent.refresh_from_db()
    assert (sent.status, sent.sent_at, sent.template, sent.context) == (
        "SENT",
        NOW,
        "initial_password",
        {"position": 2},
    )
    assert CANARY not in everything_stored() + caplog.text


def test_the_mail_says_for_whom_but_neither_login_name_nor_system(mail_catcher: MailCatcher) -> None:
    deliver()

    (mail,) = received(mail_catcher)
    text = mail.get_content()
    assert NUMBER in text
    assert "2人目" in text
    assert "最初のログオン" in text
    for word in ("ポータル", "Active Directory", "kokuho.pr", "http", "Windows"):
        assert word not in text + mail["Subject"]
    assert mail["Sensitivity"] == "Company-Confidential"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == "<a-2026-000123@kokuho.example.jp>"
    assert "Bcc" not in mail
    assert mail_catcher.messages()[0].recipients == ("uketori@kokuho13.example.jp",)


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "421 4.3.2 closing"])
def test_a_temporary_refusal_is_for_later(mail_catcher: MailCatcher, reply: str) -> None:
    with mail_catcher.refusing(reply=reply), pytest.raises(MailUnavailable) as raised:
        deliver()

    assert raised.value.maybe_delivered is False
    assert not Notice.system.exists()


def test_a_refused_address_is_recorded_for_operations(mail_catcher: MailCatcher) -> None:
    with (
        mail_catcher.refusing("uketori@kokuho13.example.jp", reply="550 5.1.1 No such user"),
        pytest.raises(AddressRefused) as raised,
    ):
        deliver()

    assert raised.value.code == "550"
    failed = Notice.system.get()
    assert (failed.status, failed.error_code) == ("FAILED", "550")
    assert TrailEntry.objects.get().action == "notice.failed"
    assert CANARY not in everything_stored()


def test_a_break_after_the_text_says_that_it_may_have_arrived(settings: Any) -> None:
    with server_answering(settings, None), pytest.raises(MailUnavailable) as raised:
        deliver()

    assert raised.value.maybe_delivered is True


def test_silence_before_the_text_is_simply_for_later(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.SMTP = {
            **settings.SMTP,
            "host": "127.0.0.1",
            "port": server.getsockname()[1],
            "security": "none",
            "user": "",
            "timeout": 0.3,
        }
        with pytest.raises(MailUnavailable) as raised:
            deliver()

    assert raised.value.maybe_delivered is False


def test_an_answer_that_quotes_the_text_is_not_kept(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with server_answering(settings, f"554 refused: {CANARY}"), pytest.raises(AddressRefused) as raised:
        deliver()

    assert CANARY not in f"{raised.value} {everything_stored()} {caplog.text}"


def test_an_impossible_address_is_refused_before_anything_is_sent(mail_catcher: MailCatcher) -> None:
    with pytest.raises(AddressRefused):
        deliver(to_address="a@kokuho13.example.jp\r\nBcc: b@evil.example.com")

    assert mail_catcher.messages() == []


def test_one_kept_connection_serves_several_mails_and_survives_a_restart(mail_catcher: MailCatcher) -> None:
    deliver()
    deliver()
    mail_catcher.stop()
    with pytest.raises(MailUnavailable):
        deliver()
    mail_catcher.start()

    deliver()

    assert len(mail_catcher.messages()) == 3
