"""Codes that are mailed: eight digits, kept as a keyed digest, good once and for ten minutes."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

VALID = timedelta(minutes=10)
WRONG_CODES = 5
_DIGITS = 8
_NOBODYS = "0" * 64


def draw() -> str:
    """A code as it is mailed: two groups of four digits. Never store, log or show it."""
    digits = "".join(secrets.choice("0123456789") for _ in range(_DIGITS))
    return f"{digits[:4]} {digits[4:]}"


def digest(code: str, *, purpose: str, holder: Any) -> str:
    """What is kept of a code: useless without the secret key of the portal."""
    typed = unicodedata.normalize("NFKC", code)
    digits = "".join(char for char in typed if char.isdigit())
    return salted_hmac(f"accounts.codes.{purpose}", f"{holder}\0{digits}", algorithm="sha256").hexdigest()


def is_right(
    code: str, *, purpose: str, holder: Any, kept: str, sent_at: datetime | None, wrong: int, now: datetime
) -> bool:
    """Whether this is the code that was mailed and it still counts. The comparison takes the same time either way."""
    same = constant_time_compare(digest(code, purpose=purpose, holder=holder), kept or _NOBODYS)
    counts = sent_at is not None and sent_at <= now < sent_at + VALID and wrong < WRONG_CODES
    return same and counts
