"""What the mail server can answer, in the two classes that matter: try again, or a person must look at the address."""

from __future__ import annotations

from portal.common.text import without_control_characters

_LONGEST = 300


class MailError(Exception):
    """A mail was not handed over. `code` is the SMTP reply or a word, `message` is safe to store and show."""

    def __init__(self, code: str | int, message: str = "") -> None:
        self.code = str(code)[:20]
        self.message = without_control_characters(message)[:_LONGEST]
        super().__init__(f"{self.code} {self.message}".strip())


class MailUnavailable(MailError):
    """Try later.

    `maybe_delivered`: the connection broke after the text was sent, so the mail may have arrived nevertheless.
    `whole_server`: not this mail but the server itself is the problem; trying the next mail is useless.
    """

    def __init__(
        self, code: str | int, message: str = "", *, maybe_delivered: bool = False, whole_server: bool = True
    ) -> None:
        super().__init__(code, message)
        self.maybe_delivered = maybe_delivered
        self.whole_server = whole_server


class AddressRefused(MailError):
    """The server will never take this mail for this address: a person must choose another one."""


class NothingToSay(Exception):
    """What the mail was about is settled meanwhile: it is not sent."""


class NotAllowed(Exception):
    """The person may not do this (403)."""


class MoveNotAllowed(Exception):
    """The notice is not one that can be sent again (409)."""
