"""Why the evidence cannot be sealed, or may not be relied on at the moment."""

from __future__ import annotations


class EvidenceError(Exception):
    """The log could not be sealed."""


class SignerUnavailable(EvidenceError):
    """Nobody answers at the socket of the signing process."""


class SignerRefused(EvidenceError):
    """The signing process does not sign this; `code` says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class LogRewound(EvidenceError):
    """The database holds fewer sealed records than were signed: it was put back, or its end was cut off."""


class LogForked(EvidenceError):
    """The sealed records of the database are not those that were signed."""


class SealNotFresh(EvidenceError):
    """No seal within the time that the settings allow: steps that rest on the evidence are refused until there is one."""
