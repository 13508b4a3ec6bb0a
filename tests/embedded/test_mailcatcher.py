"""The mail catcher keeps what it receives, refuses when told to, and its inbox page reads Japanese."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client

from portal.embedded import mailstore
from portal.embedded.mailcatcher import MailCatcher
from portal.embedded.mailstore import MailStore


def send(
    catcher: MailCatcher, to: str, *, subject: str = "初期パスワードのお知らせ", text: str = "本文"
) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "portal@kokuho.example.jp", to, subject
    message.set_content(text)
    with smtplib.SMTP(catcher.host, catcher.port, timeout=10) as client:
        client.send_message(message)


@pytest.fixture
def catcher(tmp_path: Path):
    with MailCatcher(tmp_path) as running:
        yield running


def test_keeps_the_decoded_japanese_text_and_the_envelope_recipient(catcher: MailCatcher) -> None:
    send(catcher, "Hanako@F13.example.jp", text="国保 花子 様\n髙橋")

    (mail,) = catcher.messages()
    assert mail.subject == "初期パスワードのお知らせ"
    assert mail.text.splitlines() == ["国保 花子 様", "髙橋"]
    assert mail.recipients == ("hanako@f13.example.jp",)


def test_only_the_person_who_runs_it_may_read_the_mails(catcher: MailCatcher) -> None:
    send(catcher, "a@example.jp")

    (file,) = catcher.store.directory.glob("*.eml")
    assert file.stat().st_mode & 0o077 == 0
    assert catcher.store.directory.stat().st_mode & 0o077 == 0


def test_newest_first_and_found_by_recipient(catcher: MailCatcher) -> None:
    for number, to in enumerate(["a@example.jp", "b@example.jp", "a@example.jp"]):
        send(catcher, to, subject=str(number))

    assert [mail.subject for mail in catcher.messages()] == ["2", "1", "0"]
    assert [mail.subject for mail in catcher.messages("A@")] == ["2", "0"]


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "451 4.3.0 Try again later"])
def test_refuses_one_recipient_with_the_reply_asked_for(catcher: MailCatcher, reply: str) -> None:
    with (
        catcher.refusing("gone@example.jp", reply=reply),
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        send(catcher, "Gone@example.jp")

    assert refused.value.recipients["Gone@example.jp"][0] == int(reply[:3])
    send(catcher, "gone@example.jp")
    assert len(catcher.messages()) == 1


def test_stopped_it_refuses_connections_and_started_again_it_has_kept_everything(
    catcher: MailCatcher,
) -> None:
    send(catcher, "a@example.jp")

    catcher.stop()
    with pytest.raises(OSError):
        send(catcher, "a@example.jp")
    catcher.start()

    send(catcher, "a@example.jp")
    assert len(catcher.messages()) == 2


def test_drops_the_oldest_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailstore, "KEPT", 2)
    store = MailStore(tmp_path)

    keys = [store.add(sender="", recipients=["a@example.jp"], content=b"\r\n") for _ in range(3)]

    assert [mail.key for mail in store.newest()] == keys[:0:-1]


@pytest.mark.parametrize("key", ["../secret", "20260101T000000-000000-0000000g", ""])
def test_a_key_never_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.eml").write_text("\r\n")
    inner = tmp_path / "mail"
    inner.mkdir()

    assert MailStore(inner).get(key) is None


@pytest.mark.django_db
def test_inbox_and_mail_page_show_the_text_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setenv("PORTAL_MAIL_DIR", str(tmp_path))
    content = (
        "Subject: =?utf-8?b?5Lu25ZCN?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n<script>夜</script>"
    )
    key = MailStore(tmp_path).add(sender="p@x.jp", recipients=["a@x.jp"], content=content.encode())

    listed = client.get("/_mail/?to=A@x").content.decode()
    shown = client.get(f"/_mail/{key}/").content.decode()

    assert "件名" in listed
    assert key in listed
    assert "&lt;script&gt;夜" in shown
    assert "<script>夜" not in shown
    assert "件名" not in client.get("/_mail/?to=nobody").content.decode()
    assert client.get("/_mail/20260101T000000-000000-00000000/").status_code == 404
