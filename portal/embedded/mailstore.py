"""Mail that the catcher received: one .eml file each, the newest thousand kept."""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

KEPT = 1000
# The envelope says who really gets a mail (blind copies too); headers only claim it.
_ENVELOPE_FROM, _ENVELOPE_TO = "X-Envelope-From", "X-Envelope-To"
_NAME = re.compile(r"\d{8}T\d{6}-\d{6}-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class StoredMail:
    """One received mail. `recipients` are the envelope's, in lower case."""

    key: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message.get("Subject", ""))

    @property
    def text(self) -> str:
        """The decoded plain text; "" for a mail without any."""
        part = self.message.get_body(preferencelist=("plain",))
        return str(part.get_content()) if part is not None else ""

    @property
    def attachments(self) -> list[tuple[str, int]]:
        """File name and size in bytes of each attachment."""
        found = []
        for part in self.message.iter_attachments():
            payload = part.get_payload(decode=True)
            found.append((part.get_filename() or "", len(payload) if isinstance(payload, bytes) else 0))
        return found


class MailStore:
    """A folder of mails. Safe for several processes: a file appears whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, *, sender: str, recipients: Sequence[str], content: bytes) -> str:
        """Keep a mail and return its key. The oldest are dropped beyond `KEPT`."""
        now = datetime.now(UTC)
        key = f"{now:%Y%m%dT%H%M%S}-{now.microsecond:06d}-{secrets.token_hex(4)}"
        head = "".join(f"{_ENVELOPE_TO}: {_one_line(address)}\r\n" for address in recipients)
        part = self.directory / f"{key}.part"
        part.touch(mode=0o600)
        part.write_bytes(f"{_ENVELOPE_FROM}: {_one_line(sender)}\r\n{head}".encode() + content)
        part.rename(self.directory / f"{key}.eml")
        for old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)
        return key

    def newest(self, *, recipient: str = "", limit: int = 100) -> list[StoredMail]:
        """The latest mails, newest first; with `recipient` only those to an address that contains it."""
        wanted = recipient.strip().lower()
        found: list[StoredMail] = []
        for mail in self._read_all():
            if wanted and not any(wanted in address for address in mail.recipients):
                continue
            found.append(mail)
            if len(found) == limit:
                break
        return found

    def get(self, key: str) -> StoredMail | None:
        """The mail with this key, None when there is none (any more)."""
        return self._read(self.directory / f"{key}.eml") if _NAME.fullmatch(key) else None

    def clear(self) -> None:
        """Drop every mail."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.eml"), reverse=True)

    def _read_all(self) -> Iterator[StoredMail]:
        for path in self._files():
            mail = self._read(path)
            if mail is not None:
                yield mail

    def _read(self, path: Path) -> StoredMail | None:
        with contextlib.suppress(FileNotFoundError):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            return StoredMail(
                key=path.stem,
                received_at=datetime.strptime(path.stem[:22], "%Y%m%dT%H%M%S-%f").replace(tzinfo=UTC),
                sender=str(message.get(_ENVELOPE_FROM, "")),
                recipients=tuple(
                    parseaddr(str(value))[1].lower() for value in message.get_all(_ENVELOPE_TO, [])
                ),
                message=message,
            )
        return None


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n]+", " ", value)
