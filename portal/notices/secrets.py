"""The one mail that carries a password (ACC-08). It is written, handed over and forgotten, never queued (ACC-10)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.notices import delivery, messages
from portal.notices.errors import AddressRefused, MailError, MailUnavailable
from portal.notices.models import INITIAL_PASSWORD, Notice, NoticeStatus
from portal.notices.relay import kept_relay

__all__ = ["AddressRefused", "MailUnavailable", "deliver_initial_password"]


def deliver_initial_password(
    *,
    to_address: str,
    password: str,
    organisation_id: int,
    application_number: str,
    subject_hint: int,
    now: datetime,
) -> Notice:
    """Mail an initial password to its recipient at once and return the record that it was sent.

    The mail holds the password, the application's number and which of its people it is for (`subject_hint`, from 1):
    no login name and no name of the system. Called outside any transaction.

    Raises MailUnavailable (with `maybe_delivered` after a break in the middle: draw a new password next time) and
    AddressRefused (recorded for operations).
    """
    notice = Notice(
        template=INITIAL_PASSWORD,
        to_address=to_address,
        organisation_id=organisation_id,
        application_number=application_number,
        context={"position": subject_hint},
        created_at=now,
        not_before=now,
        attempts=1,
    )
    try:
        message = messages.build(notice, now=now, secret={"password": password})
        kept_relay().send(message, to_address=to_address)
    except AddressRefused as error:
        _record_failure(notice, error, now)
        raise
    except MailUnavailable as error:
        if error.maybe_delivered:
            _record_failure(notice, error, now)
        raise
    notice.status, notice.sent_at = NoticeStatus.SENT, now
    notice.save()
    return notice


@transaction.atomic
def _record_failure(notice: Notice, error: MailError, now: datetime) -> None:
    notice.status, notice.error_code, notice.error_message = NoticeStatus.FAILED, error.code, error.message
    notice.save()
    delivery.record_refusal(notice, error, now)
