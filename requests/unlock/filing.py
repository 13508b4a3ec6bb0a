"""The application of somebody who cannot log in: made in their name, once they proved who they are (REQ-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.gateways.directory import DirectoryError
from portal.orgs import identity
from portal.orgs.identity import Proof
from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.errors import InvalidApplication, NobodyCanDecide, NotAllowed, WorkflowError
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, ApplicationLine
from requests.unlock import checks, lookups
from requests.unlock.locks import Lock
from requests.unlock.models import UnlockProof
from requests.unlock.payloads import OWN_KIND, UnlockAccount


class UnlockRefused(Exception):
    """Nothing was applied for; `reason` is a sentence for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Situation:
    """How it stands with the account of somebody who proved who they are."""

    lock: Lock | None
    error: DirectoryError | None
    refusal: str
    """Why applying is of no use, with the way on; "" when it is."""
    open_number: str
    """The application that already asks for it."""


def situation(person: User, now: datetime) -> Situation:
    """What the page shows before anything is applied for."""
    context = LineContext(organisation=person.organisation, actor=person, application=None, today=today(now))
    known = lookups.known(context)
    line = _line(person)
    code = checks.problem(context, known, line)
    lock = known.lock(line.guid)
    refusal = checks.problem_text(code) if code else ""
    if not refusal and lock is not None and lock.since is None:
        refusal = _(
            "Your account is not locked at present. If you cannot log in, the password may be wrong: use “forgotten password”."
        )
    held = ApplicationLine.system.filter(reservation_key=checks.reservation_of(line), is_open=True)
    numbers = held.values_list("application__number", flat=True)
    return Situation(lock=lock, error=known.error, refusal=refusal, open_number=numbers.first() or "")


def file(*, proof: Proof, reason: str, now: datetime) -> Application:
    """Apply in the name of the person who gave the proof, which is used up; it goes to network operations at once.

    Raises UnlockRefused, and identity.ProofSpent for the second of two clicks.
    """
    person = proof.person
    found = situation(person, now)
    if found.open_number:
        raise UnlockRefused(_already(found.open_number))
    if found.refusal:
        raise UnlockRefused(found.refusal)
    draft = _draft(proof, reason, now)
    try:
        return services.submit(application_id=draft.pk, actor=person, version=None, now=now)
    except WorkflowError as error:
        services.withdraw(application_id=draft.pk, actor=person, comment="", now=now)
        raise UnlockRefused(_why(error)) from error


@transaction.atomic
def _draft(proof: Proof, reason: str, now: datetime) -> Application:
    """The proof is spent and bound to its application in one step."""
    person = proof.person
    identity.spend(proof, now)
    line = _line(person)
    content = Content(
        reason=reason.strip() or _("The user of the account applied, because it is locked."),
        lines=({"login_name": line.login_name},),
    )
    try:
        draft = services.create_draft(
            kind=OWN_KIND,
            organisation_id=person.organisation_id,
            actor=person,
            content=content,
            now=now,
        )
    except WorkflowError as error:
        raise UnlockRefused(_why(error)) from error
    UnlockProof.objects.create(
        application=draft, person=person, object_guid=line.guid, proven_at=proof.proven_at
    )
    return draft


def _line(person: User) -> UnlockAccount:
    return UnlockAccount(
        login_name=person.login_name,
        account_guid=str(person.directory_guid),
        display_name=person.display_name,
    )


def _already(number: str) -> str:
    return _("Application %(number)s already asks for this. Network operations unlock the account.") % {
        "number": number
    }


def _why(error: WorkflowError) -> str:
    if isinstance(error, InvalidApplication):
        return " ".join(dict.fromkeys(str(text) for texts in error.errors.values() for text in texts))
    if isinstance(error, NotAllowed):
        return str(error.reason)
    if isinstance(error, NobodyCanDecide):
        return _("Nobody at network operations can accept it at present. Call them.")
    return _("The application changed at the same moment. Start again.")
