"""Where a proof of identity that was given without login meets what it is given for (ACC-11, REQ-04).

The room that proves who somebody is (mailed code and second factor) and the rooms that need such a proof do not know each
other: a purpose is registered here by whoever needs it, the prover by whoever has the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest

from portal.orgs.models import User


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """What somebody wants to do without being able to log in."""

    code: str  # in addresses, at most 20 characters
    label: Any  # gettext_lazy: the heading of the pages and what the mails call it
    intro: Any  # gettext_lazy: for whom this is, and what comes next
    otherwise: Any  # gettext_lazy: what everybody else does
    goes_on: str  # the name of the page that both proofs lead to; it takes no arguments


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Both proofs were given in this browser within the last quarter of an hour. It is good for one deed."""

    person: User
    proven_at: datetime
    reference: UUID


class ProofSpent(Exception):
    """The proof was used already, or it is too old."""


class Prover(Protocol):
    """The room that has the pages."""

    def proof_of(self, request: HttpRequest, purpose: str, now: datetime) -> Proof | None: ...

    def spend(self, proof: Proof, now: datetime) -> None: ...

    def is_confirmed(self, person: User) -> bool: ...


_purposes: dict[str, Purpose] = {}
_prover: Prover | None = None


def register(purpose: Purpose) -> None:
    """Make a purpose known; called once from AppConfig.ready. Raises ValueError when the code is taken."""
    if purpose.code in _purposes:
        raise ValueError(f"{purpose.code} is registered twice")
    _purposes[purpose.code] = purpose


def purpose(code: str) -> Purpose:
    """The purpose of that code; raises KeyError."""
    return _purposes[code]


def set_prover(prover: Prover) -> None:
    """Say who proves; called once from AppConfig.ready."""
    global _prover
    _prover = prover


def proof_of(request: HttpRequest, purpose: str, now: datetime) -> Proof | None:
    """The proof that this browser holds for this purpose and no other."""
    return _require().proof_of(request, purpose, now)


def spend(proof: Proof, now: datetime) -> None:
    """Use the proof up. Raises ProofSpent: of two clicks one goes through."""
    _require().spend(proof, now)


def is_confirmed(person: User) -> bool:
    """Whether the person proved that they read mail at the address that they have now."""
    return _require().is_confirmed(person)


def _require() -> Prover:
    if _prover is None:
        raise RuntimeError("nobody proves identities")
    return _prover
