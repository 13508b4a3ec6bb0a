"""The public keys that this installation believes. The private ones are with the signing process alone."""

from __future__ import annotations

from django.conf import settings
from django.core import checks

from portal.trail.notes import VerifierKey


def known() -> list[VerifierKey]:
    """Every key of EVIDENCE_PUBLIC_KEYS: the present one and, after a change of keys, the earlier ones.

    Raises ValueError for one that is none.
    """
    return [VerifierKey.parse(text) for text in settings.EVIDENCE["public_keys"]]


def settings_of_the_evidence(**_: object) -> list[checks.CheckMessage]:
    """System check: keys that can be read, a signer that goes with them, and minutes after which no seal is told (SEC-02)."""
    try:
        found = known()
    except ValueError as error:
        return [checks.Error(f"EVIDENCE_PUBLIC_KEYS: {error}", id="trail.E001")]
    if bool(found) != bool(settings.EVIDENCE["socket"]):
        text = "EVIDENCE_SIGNER_SOCKET and EVIDENCE_PUBLIC_KEYS go together (docs/OPERATIONS.md)"
        return [checks.Warning(text, id="trail.W001")]
    if settings.EVIDENCE["fresh_minutes"] < 1:
        return [checks.Error("EVIDENCE_FRESH_MINUTES are minutes, 1 or more.", id="trail.E002")]
    return []
