"""One connection to the mail server, and what its answers mean. The only code of the portal that speaks SMTP."""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
import threading
import time
from email.message import EmailMessage
from email.policy import SMTP as WIRE_FORMAT
from email.utils import parseaddr
from typing import Any

from django.conf import settings

from portal.notices.errors import AddressRefused, MailUnavailable

_IDLE_SECONDS = 20.0


class Relay:
    """Sends one mail after the other over one connection, opened at first need. Not shared between threads."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = dict(settings.SMTP)
        self._client: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._process = os.getpid()

    def send(self, message: EmailMessage, *, to_address: str) -> None:
        """Hand one mail over. Raises MailUnavailable, AddressRefused."""
        content = message.as_bytes(policy=WIRE_FORMAT)
        client = self._ready(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
        try:
            self._name_recipient(client, to_address)
            self._hand_over(client, content)
        except AddressRefused:
            self._reset()
            raise
        except MailUnavailable as error:
            if error.whole_server:
                self.close()
            else:
                self._reset()
            raise
        self._used_at = time.monotonic()

    def close(self) -> None:
        """End the connection; the next mail opens a new one."""
        client, self._client = self._client, None
        if client is not None and self._process == os.getpid():
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()
            client.close()

    def is_usable(self) -> bool:
        """Whether this relay belongs to this process and to today's settings."""
        return self._process == os.getpid() and self.options == settings.SMTP

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ready(self, sender: str) -> smtplib.SMTP:
        """A connection on which the sender was accepted. A kept one that died meanwhile is opened anew, once."""
        if self._client is not None and time.monotonic() - self._used_at < _IDLE_SECONDS:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if self._client.mail(sender)[0] == 250:
                    return self._client
        self.close()
        client = self._connect()
        try:
            code, text = client.mail(sender)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise MailUnavailable(_code(error), _text(error)) from None
        if code != 250:
            self.close()
            raise MailUnavailable(code, _decoded(text))
        return client

    def _connect(self) -> smtplib.SMTP:
        options = self.options
        common = {
            "host": options["host"],
            "port": options["port"],
            "timeout": options["timeout"],
            # The default asks the name service for our own name, which takes seconds where there is none.
            "local_hostname": sender_domain(),
        }
        try:
            if options["security"] == "ssl":
                self._client = smtplib.SMTP_SSL(**common, context=ssl.create_default_context())
            else:
                self._client = smtplib.SMTP(**common)
            if options["security"] == "starttls":
                self._client.starttls(context=ssl.create_default_context())
            self._client.ehlo_or_helo_if_needed()
            if options["user"]:
                self._client.login(options["user"], options["password"])
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise MailUnavailable(_code(error), _text(error)) from None
        return self._client

    def _name_recipient(self, client: smtplib.SMTP, to_address: str) -> None:
        try:
            code, text = client.rcpt(to_address)
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailable(_code(error), _text(error)) from None
        if 500 <= code < 600:
            raise AddressRefused(code, _decoded(text))
        if code not in (250, 251):
            raise MailUnavailable(code, _decoded(text), whole_server=code == 421)

    def _hand_over(self, client: smtplib.SMTP, content: bytes) -> None:
        """Send the text. A reply may quote it, so none is kept here (ACC-10)."""
        try:
            code, _reply = client.data(content)
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailable(_code(error), maybe_delivered=True) from None
        if 500 <= code < 600:
            raise AddressRefused(code)
        if code != 250:
            raise MailUnavailable(code, whole_server=code == 421)

    def _reset(self) -> None:
        if self._client is not None:
            try:
                self._client.rset()
            except (OSError, smtplib.SMTPException):
                self.close()


_kept = threading.local()


def kept_relay() -> Relay:
    """This thread's own connection, kept between mails: a worker that creates accounts sends one mail after the other."""
    relay: Relay | None = getattr(_kept, "relay", None)
    if relay is None or not relay.is_usable():
        if relay is not None:
            relay.close()
        relay = _kept.relay = Relay()
    return relay


def sender_domain() -> str:
    """The domain of our own address: right part of every Message-ID."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def _code(error: Exception) -> str:
    return str(getattr(error, "smtp_code", "") or type(error).__name__)


def _text(error: Exception) -> str:
    """The reply to a command that holds nothing secret; an answer to the login is never kept."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ""
    return _decoded(getattr(error, "smtp_error", b"") or str(error))


def _decoded(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
