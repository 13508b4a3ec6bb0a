"""When a list that waits for answers is mailed about again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from portal.common.time import business_days_between


def is_owed(
    day: date, *, due: date, last: date | None, told: date, before: Iterable[int], again_after: int
) -> bool:
    """Whether a mail is owed on `day`; one that an outage swallowed is sent the next morning.

    `last` is the day of the last reminder; what the mail about the list itself said on `told` needs no repetition. `before`
    and `again_after` are business days: before the date, and between two mails after it.
    """
    if day > due:
        return last is None or last <= due or business_days_between(last, day) >= again_after
    left = business_days_between(day, due)
    return any(left <= days < business_days_between(last or told, due) for days in before)
