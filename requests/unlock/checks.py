"""What must be true before an account is unlocked, and what is known about its lock (REQ-04)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.common.time import JST
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from requests.unlock import locks, lookups
from requests.unlock.locks import Lock
from requests.unlock.lookups import Known
from requests.unlock.payloads import OWN_KIND, UnlockAccount

Errors = Mapping[str, Sequence[str]]
LOCK, ATTRIBUTE = gettext_noop("Locked since"), "lockoutTime"

# What unlocking does not help against: a code, and the way on.
_PROBLEMS = {
    "account_missing": gettext_noop(
        "The account does not exist in your organisation any more. Check the login name."
    ),
    "protected": gettext_noop(
        "This account is protected in Active Directory and is not changed by the portal. Ask network operations."
    ),
    "account_deleted": gettext_noop(
        "The account is deleted and waits for its removal: unlocking does not help. Apply for its restoration."
    ),
    "account_disabled": gettext_noop(
        "The account is disabled: unlocking does not help. If nobody used its initial password, apply for a password reset; else ask network operations why it is disabled."
    ),
    "account_expired": gettext_noop(
        "The last day of use of the account has passed: unlocking does not help. Apply for an account change with a later last day."
    ),
}


def moment(at: datetime) -> str:
    """A moment as plans show it, in Japan, to the second."""
    return f"{at.astimezone(JST):%Y-%m-%d %H:%M:%S}"


def reservation_of(line: UnlockAccount) -> str:
    """What two open applications must not both hold: one account, in whichever way it is asked for."""
    return f"unlock:{line.account_guid}"


def check_line(context: LineContext, line: UnlockAccount) -> Errors:
    """Everything that forbids this line. While AD cannot be asked nothing is told: applications run on (ACC-12)."""
    known = lookups.known(context)
    code = problem(context, known, line)
    return {"login_name": [_(_PROBLEMS[code])]} if code else {}


def check_own(context: LineContext, line: UnlockAccount) -> Errors:
    """Besides, the application must hold the proof of its applicant for this very account (T 2-15 no. 3)."""
    proof = lookups.proof_of(context)
    application = context.application
    if (
        proof is None
        or application is None
        or (proof.person_id, proof.object_guid) != (application.applicant_id, line.guid)
    ):
        text = _(
            "This application is made on the page “Account unlock” of the login page only, after a mailed code and a second factor."
        )
        return {"login_name": [text]}
    return check_line(context, line)


def problem(context: LineContext, known: Known, line: UnlockAccount) -> str:
    """Why unlocking would not help, as a code; "" when it would, or when AD cannot be asked."""
    lock = known.lock(line.guid)
    if known.error is not None:
        return ""
    if lock is None or not known.is_own(lock.entry):
        return "account_missing"
    return hindrance(lock, context)


def hindrance(lock: Lock, context: LineContext) -> str:
    """What else than the lock keeps the owner of an existing account out, as a code."""
    if lock.entry.privileged:
        return "protected"
    if f",ou=deleted,{lookups.ou_of(context.organisation)}".casefold() in lock.entry.dn.casefold():
        return "account_deleted"
    if not lock.entry.enabled:
        return "account_disabled"
    return "account_expired" if lock.has_expired(context.today) else ""


def problem_text(code: str) -> str:
    """The sentence of a code."""
    return _(_PROBLEMS[code])


def plan_line(context: LineContext, line: UnlockAccount) -> Plan:
    """The lock as it is, and what is known about it. Only the lock itself counts when plans are compared."""
    known = lookups.known(context)
    lock = known.lock(line.guid)
    identity = _identity(context)
    if known.error is not None:
        return Plan(checks=(identity,), unavailable=known.error.code or "unavailable")
    if code := problem(context, known, line):
        return Plan(checks=(_check(code, plans.BLOCKED, _PROBLEMS[code]), identity))
    assert lock is not None  # a missing account is a problem
    changes: tuple[Change, ...] = ()
    if lock.since is not None:
        changes = (
            Change(action=plans.REMOVE, label=LOCK, attribute=ATTRIBUTE, before=(moment(lock.since),)),
        )
    return Plan(changes=changes, checks=(*_about(known, line, lock), identity))


def _about(known: Known, line: UnlockAccount, lock: Lock) -> Iterator[Check]:
    if lock.since is None:
        yield _check(
            "not_locked",
            plans.WARNING,
            gettext_noop(
                "The account is not locked at present. If its user cannot log in, the password may be wrong: a password reset helps."
            ),
        )
    else:
        yield _check("locked", plans.PASSED, gettext_noop("Locked since %(since)s"), since=moment(lock.since))
        yield _end(lock)
        yield _attempts(lock)
    yield _places(known, line)
    earlier = known.recent(line.guid)
    if locks.is_repeated(earlier):
        yield _check(
            "repeated",
            plans.WARNING,
            gettext_noop(
                "Unlocked %(count)s times within %(days)s days before this. Find out what uses an old password, or who tries."
            ),
            count=str(earlier),
            days=str(settings.UNLOCK["repeat_days"]),
        )


def _end(lock: Lock) -> Check:
    if lock.ends_at is None:
        return _check("no_end", plans.PASSED, gettext_noop("The lock does not end by itself"))
    return _check(
        "ends",
        plans.PASSED,
        gettext_noop("The lock ends by itself at %(end)s, if no wrong password comes again"),
        end=moment(lock.ends_at),
    )


def _attempts(lock: Lock) -> Check:
    if lock.attempts is None:
        return _check(
            "attempts_unknown",
            plans.WARNING,
            gettext_noop("No domain controller told how many wrong passwords there were"),
        )
    last = lock.attempts.last_at
    return _check(
        "attempts",
        plans.PASSED,
        gettext_noop("%(count)s wrong passwords, the last one at %(last)s"),
        count=str(lock.attempts.count),
        last=moment(last) if last else "–",
    )


def _places(known: Known, line: UnlockAccount) -> Check:
    found = known.places(line.guid)
    if not found:
        return _check(
            "places_unknown",
            plans.PASSED,
            gettext_noop("No wrong password for this account at the portal in the last day"),
        )
    return _check(
        "places",
        plans.PASSED,
        gettext_noop("Wrong passwords at the portal, from: %(places)s"),
        places=locks.place_words(found),
    )


def _identity(context: LineContext) -> Check:
    """Who vouches that the account's user asks."""
    is_own = context.application is not None and context.application.kind == OWN_KIND
    if is_own and (proof := lookups.proof_of(context)) is not None:
        return _check(
            "proven",
            plans.PASSED,
            gettext_noop("The person proved who they are at %(moment)s (mailed code and second factor)"),
            moment=moment(proof.proven_at),
        )
    return _check(
        "vouched",
        plans.WARNING,
        gettext_noop(
            "Nobody proved who asks. By approving, the approver vouches that the user of the account asked for it."
        ),
    )


def _check(code: str, level: str, text: str, **values: str) -> Check:
    return Check(code=code, level=level, text=text, values=values)
