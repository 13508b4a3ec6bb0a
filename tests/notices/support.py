"""Notices to send, and a mail server that misbehaves in a chosen way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.embedded.sockets import free_port
from portal.notices import services
from portal.notices.models import Notice
from tests import factories

NOW = dt.datetime(2026, 11, 20, 1, 0, tzinfo=dt.UTC)
NUMBER = "A-2026-000123"


def notice(template: str = "approval_request", **fields: Any) -> Notice:
    """A queued mail to an approver of 東京."""
    values: dict[str, Any] = {
        "now": NOW,
        "organisation_id": factories.organisation("13").pk,
        "application_number": NUMBER,
        "to_address": "shounin@kokuho13.example.jp",
    } | fields
    made = services.queue(template=template, **values)
    assert made is not None
    return made


class Misbehaving:
    """aiosmtpd hooks that answer DATA with `reply`, or break the connection after the text came."""

    def __init__(self, reply: str | None) -> None:
        self.reply = reply
        self.received = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.received += 1
        if self.reply is None:
            server.transport.abort()
            return "250 never sent"
        return self.reply


@contextmanager
def server_answering(settings: Any, reply: str | None) -> Iterator[Misbehaving]:
    """A mail server whose answer to the text is `reply`; None breaks the connection instead of answering."""
    handler = Misbehaving(reply)
    port = free_port("127.0.0.1")
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    before = settings.SMTP
    settings.SMTP = {
        **before,
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "user": "",
        "timeout": 5,
    }
    try:
        yield handler
    finally:
        settings.SMTP = before
        controller.stop()
