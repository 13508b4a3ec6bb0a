"""The way of a forgotten password up to the proof of who it is (ACC-11). docs/adr/0015 says why it goes this way.

Whoever asks gets one and the same answer; what is found out about the account is worked out afterwards by a worker and only
ever told by mail to the confirmed address of its person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import translation

from accounts.reminder import addresses, codes, throttle
from accounts.reminder.models import PasswordReminder
from portal.common import bell
from portal.common.text import ascii_identifier
from portal.common.time import today
from portal.gateways import clock, directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs import factors, identity
from portal.orgs.models import User
from portal.trail import services as trail

ANSWER_TASK = "accounts.tasks.answer_password_reminders"
PURPOSE = "reminder"  # of the code
FORGOTTEN = "password"  # of the reminder; every other purpose is in portal.orgs.identity
_PROOF_LASTS = timedelta(minutes=15)
_ANSWERED_WITHIN = timedelta(minutes=30)
# Each refusal by AD's history pushed a drawn password into it: too many would wash the history out.
_REFUSALS = 10
_REFUSALS_WITHIN = timedelta(days=90)


@transaction.atomic
def ask(*, login_name: str, ip: str | None, now: datetime, purpose: str = FORGOTTEN) -> PasswordReminder:
    """Somebody forgot the password of this login name, or wants to prove who they are for another purpose.

    The same statements run whether or not the account exists.

    Raises TooManyAttempts, which does not depend on the account either.
    """
    throttle.admit(throttle.REMINDER, account=login_name, ip=ip, now=now)
    name = ascii_identifier(login_name).strip()
    user = User.objects.filter(login_name__iexact=name, is_active=True, is_break_glass=False).first()
    reminder = PasswordReminder.objects.create(user=user, purpose=purpose, asked_at=now)
    record("reminder.ask", reminder, now)
    bell.ring_on_commit(ANSWER_TASK)
    return reminder


def answer_open(*, now: datetime) -> int:
    """Look at the reminders that nobody looked at yet and mail where a mail is due; how many were looked at."""
    waiting = PasswordReminder.objects.filter(answered_at__isnull=True, asked_at__gt=now - _ANSWERED_WITHIN)
    return sum(_answer(reminder, now) for reminder in waiting.select_related("user__organisation"))


def _answer(reminder: PasswordReminder, now: datetime) -> bool:
    mine = PasswordReminder.objects.filter(pk=reminder.pk, answered_at__isnull=True)
    if not mine.update(answered_at=now):
        return False  # another worker has it
    user = reminder.user
    if user is None:
        return True
    try:
        reason = _why_no_code(reminder.purpose, user, entry_of(user), now)
    except DirectoryError:
        PasswordReminder.objects.filter(pk=reminder.pk).update(answered_at=None)  # the next minute
        return False
    if not reason and not addresses.is_confirmed(user):
        reason = "address_not_confirmed"
    with transaction.atomic():
        if reason:
            record("reminder.not_answered", reminder, now, reason=reason)
        else:
            template = _templates(reminder.purpose)[0 if factors.count(user) else 1]
            mail(template, user, now, {"reminder": reminder.pk})
            record("reminder.answer", reminder, now, template=template)
    return True


def code_for_mail(notice: Notice) -> dict[str, Any]:
    """The code of a reminder, drawn when its mail is made and kept as a digest only: a mail that is sent again has a new one."""
    code = codes.draw()
    reminder = PasswordReminder.objects.get(pk=notice.context["reminder"])
    if reminder.closed_at is None and reminder.code_proven_at is None:
        reminder.code_digest = codes.digest(code, purpose=PURPOSE, holder=reminder.uid)
        reminder.code_sent_at = clock.now()
        reminder.save(update_fields=["code_digest", "code_sent_at"])
    return {"code": code, "what": _what(reminder)}


@transaction.atomic
def check_code(*, uid: UUID, code: str, now: datetime, purpose: str = FORGOTTEN) -> bool:
    """Whether this is the mailed code; it counts once. Wrong ones are counted, and a reminder without mail knows none."""
    reminder = PasswordReminder.objects.select_for_update().filter(uid=uid, purpose=purpose).first()
    if reminder is None:
        return False
    right = codes.is_right(
        code,
        purpose=PURPOSE,
        holder=uid,
        kept=reminder.code_digest,
        sent_at=reminder.code_sent_at,
        wrong=reminder.wrong_codes,
        now=now,
    )
    if not right or reminder.closed_at is not None:
        reminder.wrong_codes = min(reminder.wrong_codes + 1, 1000)
        reminder.save(update_fields=["wrong_codes"])
        record("reminder.code_refused", reminder, now)
        return False
    reminder.code_digest, reminder.code_proven_at = "", now
    reminder.save(update_fields=["code_digest", "code_proven_at"])
    record("reminder.code", reminder, now)
    return True


def after_code(uid: UUID, now: datetime, purpose: str = FORGOTTEN) -> PasswordReminder | None:
    """The reminder of a browser whose person gave the right code lately; None for any other."""
    return _open(uid, purpose).filter(code_proven_at__gt=now - _PROOF_LASTS).first()


@transaction.atomic
def prove_factor(*, reminder: PasswordReminder, now: datetime) -> None:
    """The person showed a second factor: they may choose a password within a quarter of an hour."""
    PasswordReminder.objects.filter(pk=reminder.pk).update(factor_proven_at=now)
    record("reminder.factor", reminder, now)


def after_factor(uid: UUID, now: datetime, purpose: str = FORGOTTEN) -> PasswordReminder | None:
    """The reminder of a browser whose person proved both lately; None for any other."""
    return (
        _open(uid, purpose)
        .filter(code_proven_at__isnull=False, factor_proven_at__gt=now - _PROOF_LASTS)
        .first()
    )


def _open(uid: UUID, purpose: str) -> Any:
    rows = PasswordReminder.objects.filter(
        uid=uid, purpose=purpose, closed_at__isnull=True, user__is_active=True
    )
    return rows.select_related("user__organisation")


def entry_of(user: User) -> DirectoryEntry | None:
    """The account of the person as AD has it now. Raises DirectoryError."""
    if user.directory_guid is None:
        return None
    return directory_factory.get_directory().find_by_guid(user.directory_guid)


def why_not(user: User, entry: DirectoryEntry | None, now: datetime) -> str:
    """Why this account cannot be helped this way, "" when it can. For the trail, never for the page."""
    if (reason := _why_no_proof(user, entry)) or entry is None:
        return reason
    if not entry.enabled:
        return "disabled"
    if entry.account_expires is not None and entry.account_expires < today(now):
        return "expired"
    late = PasswordReminder.objects.filter(user=user, asked_at__gt=now - _REFUSALS_WITHIN)
    if (late.aggregate(all=Sum("refusals"))["all"] or 0) >= _REFUSALS:
        return "refused_too_often"
    return ""


def _why_no_proof(user: User, entry: DirectoryEntry | None) -> str:
    """Why this person cannot prove who they are this way at all."""
    if user.is_break_glass or not user.is_active or entry is None:
        return "no_account"
    inside = entry.dn.lower().endswith(str(settings.DIRECTORY["root_ou"]).lower())
    return "protected" if entry.privileged or not inside else ""


def _why_no_code(purpose: str, user: User, entry: DirectoryEntry | None, now: datetime) -> str:
    """A forgotten password needs an account in use. Other purposes say what is wrong with it after the proof."""
    return why_not(user, entry, now) if purpose == FORGOTTEN else _why_no_proof(user, entry)


def _templates(purpose: str) -> tuple[str, str]:
    """The mail with the code, and the one to somebody without a second factor."""
    if purpose == FORGOTTEN:
        return "reminder_code", "reminder_no_factor"
    return "identity_code", "identity_no_factor"


def what_for(notice: Notice) -> dict[str, Any]:
    """What the mails of a proof call the purpose."""
    return {"what": _what(PasswordReminder.objects.get(pk=notice.context["reminder"]))}


def _what(reminder: PasswordReminder) -> str:
    if reminder.purpose == FORGOTTEN:
        return ""
    with translation.override("ja"):
        return str(identity.purpose(reminder.purpose).label)


def mail(template: str, user: User, now: datetime, context: dict[str, Any] | None = None) -> None:
    """Queue one mail to the person, in the caller's transaction."""
    notices.queue(
        template=template, now=now, organisation_id=user.organisation_id, to_user=user, context=context
    )


def record(action: str, reminder: PasswordReminder, now: datetime, **detail: Any) -> None:
    """One entry of the trail about a reminder. The typed name is not in it, no code and no password."""
    user, is_password = reminder.user, reminder.purpose == FORGOTTEN
    trail.record(
        action=action if is_password else action.replace("reminder.", "identity."),
        now=now,
        actor=user if reminder.code_proven_at else None,  # before that nobody has proven who they are
        object_type="orgs.user",
        object_id=user.pk if user else "",
        object_label=user.login_name if user else "",
        object_organisation_id=user.organisation_id if user else None,
        detail=detail if is_password else {"purpose": reminder.purpose, **detail},
    )
