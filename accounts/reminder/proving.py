"""The proof of a reminder, given to other rooms through portal.orgs.identity."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from accounts.reminder import addresses, services
from accounts.reminder.models import PasswordReminder
from portal.orgs.identity import Proof, ProofSpent
from portal.orgs.models import User


def session_key(purpose: str) -> str:
    """Where the session keeps the number of the reminder, which says nothing about the account."""
    return f"{purpose}_reminder"


def uid_of(request: HttpRequest, purpose: str) -> UUID | None:
    """The reminder that this browser asked for."""
    try:
        return UUID(str(request.session.get(session_key(purpose), "")))
    except ValueError:
        return None


class Prover:
    """See portal.orgs.identity.Prover."""

    def proof_of(self, request: HttpRequest, purpose: str, now: datetime) -> Proof | None:
        """Both proofs, given lately in this browser."""
        uid = uid_of(request, purpose)
        reminder = services.after_factor(uid, now, purpose) if uid else None
        if reminder is None or reminder.user is None or reminder.factor_proven_at is None:
            return None
        return Proof(person=reminder.user, proven_at=reminder.factor_proven_at, reference=reminder.uid)

    @transaction.atomic
    def spend(self, proof: Proof, now: datetime) -> None:
        """Close the reminder, once."""
        mine = PasswordReminder.objects.filter(uid=proof.reference, closed_at__isnull=True)
        if not mine.update(closed_at=now, outcome=PasswordReminder.Outcome.DONE, code_digest=""):
            raise ProofSpent
        services.record("reminder.done", PasswordReminder.objects.get(uid=proof.reference), now)

    def is_confirmed(self, person: User) -> bool:
        """See accounts.reminder.addresses."""
        return addresses.is_confirmed(person)
