"""The mails that carry a password or the code for one (ACC-08). They are written, handed over and forgotten, never queued (ACC-10)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.notices import delivery, messages
from portal.notices.errors import AddressRefused, MailError, MailUnavailable
from portal.notices.models import INITIAL_PASSWORD, PICKUP_CODE, Notice, NoticeStatus
from portal.notices.relay import kept_relay
from portal.orgs.models import Organisation

__all__ = ["AddressRefused", "MailUnavailable", "deliver_initial_password", "deliver_pickup_code"]


def deliver_initial_password(
    *,
    to_address: str,
    password: str,
    organisation: Organisation,
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
    return _deliver(
        INITIAL_PASSWORD,
        {"password": password},
        to_address=to_address,
        organisation=organisation,
        application_number=application_number,
        subject_hint=subject_hint,
        now=now,
    )


def deliver_pickup_code(
    *,
    to_address: str,
    code: str,
    organisation: Organisation,
    application_number: str,
    subject_hint: int,
    ends_on: str,
    now: datetime,
) -> Notice:
    """Mail the code with which the recipient picks an initial password up; everything else as with a password.

    `ends_on` is the last day of the code as ISO text.
    """
    return _deliver(
        PICKUP_CODE,
        {"code": code},
        to_address=to_address,
        organisation=organisation,
        application_number=application_number,
        subject_hint=subject_hint,
        now=now,
        ends_on=ends_on,
    )


def _deliver(
    template: str,
    secret: dict[str, str],
    *,
    to_address: str,
    organisation: Organisation,
    application_number: str,
    subject_hint: int,
    now: datetime,
    **context: str,
) -> Notice:
    notice = Notice(
        template=template,
        to_address=to_address,
        organisation=organisation,
        application_number=application_number,
        context={"position": subject_hint, **context},
        created_at=now,
        not_before=now,
        attempts=1,
    )
    try:
        message = messages.build(notice, now=now, secret=secret)
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
