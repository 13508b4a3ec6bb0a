"""What an applicant wrote: taken in safely, checked by the kind's form, hashed (I1: nothing is written that was not approved)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Content:
    """The changeable part of an application: JSON values as the form or the API gave them, incomplete in a draft."""

    reason: str = ""
    desired_on: date | None = None
    lines: tuple[dict[str, Any], ...] = ()
