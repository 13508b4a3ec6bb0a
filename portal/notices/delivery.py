"""Sending what is queued: claim a batch, talk to the mail server without any lock, record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from portal.notices import messages, sent
from portal.notices.errors import AddressRefused, MailError, MailUnavailable, NothingToSay
from portal.notices.models import Notice, NoticeStatus
from portal.notices.relay import Relay
from portal.trail import services as trail

log = logging.getLogger(__name__)

BATCH = 50
_LEASE = timedelta(minutes=10)  # in not_before: nobody else sends a claimed notice before then
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(minutes=30)
_GIVE_UP_AFTER = timedelta(days=5)  # an address that only ever answers "later"; as mail servers do it


@dataclass
class Result:
    """What became of the mails of one batch."""

    sent: int = 0
    refused: int = 0
    later: int = 0
    dropped: int = 0

    @property
    def count(self) -> int:
        """How many mails were claimed."""
        return self.sent + self.refused + self.later + self.dropped


def send_due(*, now_fn: Callable[[], datetime], limit: int = BATCH) -> Result:
    """Send the notices that are due over one connection. No error leaves this function for a mail that cannot go."""
    claimed = _claim(now_fn(), limit)
    result = Result()
    server_problem: MailUnavailable | None = None
    with Relay() as relay:
        for notice in claimed:
            if server_problem is None and now_fn() < notice.not_before:
                server_problem = _send_one(notice, relay, now_fn(), result)
            else:
                _later(notice, server_problem or MailUnavailable("lease"), now_fn())
                result.later += 1
    return result


@transaction.atomic
def _claim(now: datetime, limit: int) -> list[Notice]:
    due = Notice.system.filter(status=NoticeStatus.QUEUED, not_before__lte=now)
    locked = due.select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("organisation")
    claimed = list(locked.order_by("not_before", "id")[:limit])
    values = {"attempts": F("attempts") + 1, "not_before": now + _LEASE}
    Notice.system.filter(pk__in=[notice.pk for notice in claimed]).update(**values)
    for notice in claimed:
        notice.attempts, notice.not_before = notice.attempts + 1, now + _LEASE
    return claimed


def _send_one(notice: Notice, relay: Relay, now: datetime, result: Result) -> MailUnavailable | None:
    """Send one mail and count it; returns the error when the whole server is the problem."""
    try:
        relay.send(messages.build(notice, now=now), to_address=notice.to_address)
    except NothingToSay:
        _write(notice, status=NoticeStatus.DROPPED, error_code="", error_message="")
        result.dropped += 1
    except AddressRefused as error:
        refuse(notice, error, now)
        result.refused += 1
    except MailUnavailable as error:
        if not error.whole_server and now - notice.created_at > _GIVE_UP_AFTER:
            refuse(notice, error, now)
            result.refused += 1
            return None
        _later(notice, error, now)
        result.later += 1
        return error if error.whole_server else None
    except Exception as error:
        # A template or a value that cannot be rendered must not hold up the mails behind it.
        log.error("notice %s: %s while it was made", notice.pk, type(error).__name__)
        _later(notice, MailUnavailable(type(error).__name__), now)
        result.later += 1
    else:
        _sent(notice, now)
        result.sent += 1
    return None


def _sent(notice: Notice, now: datetime) -> None:
    """The server accepted it: the queue and whoever waits for it know in the same instant (portal.notices.sent)."""
    callback = sent.callback_for(notice.template)
    with transaction.atomic() if callback else nullcontext():
        mine = _write(notice, status=NoticeStatus.SENT, sent_at=now, error_code="", error_message="")
        if mine and callback:
            callback(notice, now)


def refuse(notice: Notice, error: MailError, now: datetime) -> None:
    """The mail will not go: operations see it in their list, the trail keeps it."""
    with transaction.atomic():
        values = {"error_code": error.code, "error_message": error.message}
        if _write(notice, status=NoticeStatus.FAILED, **values):
            record_refusal(notice, error, now)


def record_refusal(notice: Notice, error: MailError, now: datetime) -> None:
    """The trail's entry of a mail that was refused."""
    trail.record(
        action="notice.failed",
        now=now,
        actor=None,
        object_type="notice",
        object_id=notice.pk,
        object_label=notice.application_number,
        object_organisation_id=notice.organisation_id,
        detail={"template": notice.template, "code": error.code},
    )


def _later(notice: Notice, error: MailError, now: datetime) -> None:
    wait = min(_FIRST_WAIT * 2 ** min(notice.attempts - 1, 10), _LONGEST_WAIT)
    _write(notice, not_before=now + wait, error_code=error.code, error_message=error.message)


def _write(notice: Notice, **values: Any) -> bool:
    """Write what became of a claimed notice; nothing when its lease ran out and somebody else has it."""
    mine = Notice.system.filter(pk=notice.pk, status=NoticeStatus.QUEUED, not_before=notice.not_before)
    return bool(mine.update(**values))
