"""Unlocking what was approved: the lock that was seen and no newer one, then proof by reading back (REQ-04, REQ-12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import (
    AccountDisabled,
    ChangedMeanwhile,
    Directory,
    DirectoryError,
    DirectoryUnavailable,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_lockouts import LockState
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine
from portal.workflow.plans import Plan
from requests.unlock import locks, lookups
from requests.unlock.checks import moment
from requests.unlock.payloads import UnlockAccount

FOUND = "found"  # in Operation.progress: the lock as it was before it was ended


class UnlockHandler:
    """Unlocks one account; doing it twice does no harm."""

    def run(self, run: Run) -> Outcome:
        """Look, note what the lock was, end it, read back."""
        line = run.operation.line
        payload = _payload(line)
        try:
            directory = directory_factory.get_directory()
            state = directory.lock_state(payload.guid)
            if (stranger := _moved_away(directory, line, payload)) is not None:
                return stranger
            if not state.enabled:
                return _disabled(payload)
            if not state.locked:
                return Done(evidence=_evidence(run, state))
            if _is_newer(line, state):
                return _newer(state)
            run.checkpoint(**{FOUND: _noted(directory, state)})
            run.still_mine()
            after = directory.unlock(payload.guid, since=state.locked_since)
            return Done(evidence=_evidence(run, after))
        except DirectoryError as error:
            return _told(error, payload)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """Only read: also after somebody did it by hand."""
        payload = _payload(run.operation.line)
        try:
            state = directory_factory.get_directory().lock_state(payload.guid)
        except DirectoryError as error:
            return _told(error, payload)
        if state.locked:
            text = _("The account %(name)s is still locked, since %(since)s.")
            return NeedsPerson(code="still_locked", message=text % _words(state))
        return Done(evidence=_evidence(run, state))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        payload = _payload(operation.line)
        return [
            (_("Login name (sAMAccountName)"), payload.login_name),
            (_("Display name (displayName)"), payload.display_name),
            ("objectGUID", payload.account_guid),
            (_("Unlock"), "lockoutTime = 0"),
        ]

    def ping(self) -> None:
        """The breaker's probe."""
        directory_factory.get_directory().ping()


def _payload(line: ApplicationLine) -> UnlockAccount:
    payload: UnlockAccount = kinds.get(line.application.kind).load(line.payload, line.payload_version)
    return payload


def _moved_away(directory: Directory, line: ApplicationLine, payload: UnlockAccount) -> NeedsPerson | None:
    """What to say when the account left the organisation's unit after the approval: nobody there vouches for it (ORG-02)."""
    below = "," + lookups.ou_of(line.organisation).casefold()
    entries = directory.find_by_guids([payload.guid])
    if all(entry.dn.casefold().endswith(below) for entry in entries):
        return None  # also when it is gone: the next step says so
    text = _(
        "%(name)s was moved out of the organisation's unit after the approval. Nothing was changed. Close this one with the reason; where the account lies now, it can be applied for anew."
    )
    return NeedsPerson(code="moved", message=text % {"name": payload.login_name})


def _is_newer(line: ApplicationLine, state: LockState) -> bool:
    """Whether this lock began after the approval. Where AD could not be asked then, nobody saw which lock it was."""
    plan = Plan.from_json(line.plan) if line.plan else Plan(unavailable="none")
    if plan.unavailable or state.locked_since is None:
        return False
    seen = {value for change in plan.changes for value in change.before}
    return moment(state.locked_since) not in seen


def _noted(directory: Directory, state: LockState) -> dict[str, Any]:
    """What is worth knowing of a lock later: it is gone once it is ended."""
    now = clock.now()
    attempts = locks.read_attempts(directory, state.guid)
    return {
        "locked_since": state.locked_since.isoformat() if state.locked_since else None,
        "attempts": attempts.count if attempts else None,
        "last_attempt_at": attempts.last_at.isoformat() if attempts and attempts.last_at else None,
        "sources": locks.place_words(locks.places([state.guid], now).get(state.guid, [])),
    }


def _evidence(run: Run, state: LockState) -> dict[str, Any]:
    """What was read back, and the lock as it was before; in the result report people read it (REQ-12).

    No name holds "password": the report keeps back whatever is called so.
    """
    found: dict[str, Any] = run.operation.progress.get(FOUND, {})
    return {
        "object_guid": str(state.guid),
        "login_name": state.login_name,
        "locked": False,
        "read_back_at": moment(clock.now()),
        "locked_before": _shown(found.get("locked_since")),
        "wrong_attempts": found.get("attempts"),
        "last_wrong_attempt": _shown(found.get("last_attempt_at")),
        "tried_from": found.get("sources", ""),
    }


def _shown(stored: str | None) -> str:
    return moment(datetime.fromisoformat(stored)) if stored else ""


def _words(state: LockState) -> dict[str, str]:
    return {
        "name": state.login_name,
        "since": moment(state.locked_since) if state.locked_since else "–",
    }


def _newer(state: LockState) -> NeedsPerson:
    text = _(
        "%(name)s was locked anew at %(since)s, after the approval, and was left as it is: somebody goes on with wrong passwords. Ask the user. Then close this one and have it applied for anew, or unlock it by hand."
    )
    return NeedsPerson(code="locked_anew", message=text % _words(state))


def _disabled(payload: UnlockAccount) -> NeedsPerson:
    text = _(
        "%(name)s was disabled after the approval: unlocking would let nobody in. Nothing was changed. Close this one with the reason; a password reset or a restoration may be what is needed."
    )
    return NeedsPerson(code="account_disabled", message=text % {"name": payload.login_name})


def _told(error: DirectoryError, payload: UnlockAccount) -> Outcome:
    """Every error of the directory in words of a state that is true."""
    name = {"name": payload.login_name}
    match error:
        case DirectoryUnavailable():
            text = _("Active Directory cannot be reached.")
            return TryLater(code=error.code or "unavailable", message=text, target_down=True)
        case OutcomeUnknown():
            text = _(
                "No answer came from Active Directory. The portal looks whether the account is unlocked."
            )
            return NotKnown(code=error.code or "no_answer", message=text)
        case NotFound():
            deleted = error.code == "deleted"
            text = _("%(name)s was deleted in Active Directory after the approval.") if deleted else ""
            text = text or _("%(name)s is not found in Active Directory any more.")
            more = _("Nothing was changed. Close this one with the reason, which the applicant reads.")
            return NeedsPerson(code="account_missing", message=f"{text % name} {more}")
        case AccountDisabled():
            return _disabled(payload)
        case ChangedMeanwhile():
            text = _(
                "%(name)s is locked again: wrong passwords came while it was unlocked, perhaps from a device that keeps an old one. Ask the user, then try again or close this one."
            )
            return NeedsPerson(code="locked_again", message=text % name)
        case Privileged():
            text = _("%(name)s is protected in Active Directory now. Nothing was changed.")
            return NeedsPerson(code="protected", message=text % name)
        case _other:
            text = _(
                "Active Directory refused to unlock %(name)s. Look at it there, then try again or do it by hand."
            )
            return NeedsPerson(code=error.code or "refused", message=text % name)
