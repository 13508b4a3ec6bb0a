"""Why an answer to a finding was not taken. Each carries what its page has to say."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.reconciliation.snapshot import Difference


class AnswerRefused(Exception):
    """This answer is not possible; `reason` is a translated sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyAnswered(Exception):
    """Somebody was faster, or the difference is gone: the finding is not open any more."""


class ChangedSince(Exception):
    """AD holds something else than what the person saw; `differences` say what, seen before and found now."""

    def __init__(self, differences: Sequence[Difference] = ()) -> None:
        super().__init__(", ".join(difference.field for difference in differences))
        self.differences = differences
