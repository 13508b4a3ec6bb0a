"""Any number of applications and accounts for measurements: varied like real ones, consistent, written by COPY.

They are what years of use leave behind: settled for the most part, some open. Accounts of this kind stand in the register
only; the directory does not know them.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from django.db import transaction

from accounts.demo.copying import (
    analyse,
    take_ids,
    take_numbers,
    without_search_indexes,
)
from accounts.demo.papers import Paper, Pile
from accounts.models import DirectoryAccount
from portal.fulfilment.models import Operation
from portal.workflow.models import (
    Application,
    ApplicationEvent,
    ApplicationLine,
    ApprovalStage,
    Status,
)

_BATCH = 20_000
_MANY = 50_000  # from here on building the search index anew is faster than adding to it
_YEARS = 3


class Writer(Pile):
    """Writes batches of applications with everything that hangs on them."""

    def write(self, applications: int, accounts: int) -> None:
        """So many applications; the first `accounts` completed lines stand in the register. Batch by batch."""
        many = applications >= _MANY
        with without_search_indexes(Application, DirectoryAccount) if many else nullcontext():
            done = 0
            while done < applications:
                count = min(_BATCH, applications - done)
                with transaction.atomic():
                    accounts -= self._batch(count, done / applications, count / applications, accounts)
                done += count
        analyse((Application, ApplicationLine, ApprovalStage, ApplicationEvent, Operation, DirectoryAccount))

    def _batch(self, count: int, begin: float, share: float, accounts: int) -> int:
        ids, line_ids = take_ids(Application, count), take_ids(ApplicationLine, count)
        numbers = take_numbers("workflow_application_number", count)
        span = timedelta(days=365 * _YEARS)
        entered = 0
        for place, (pk, line_pk, number) in enumerate(zip(ids, line_ids, numbers, strict=True)):
            at = self.now - span + span * (begin + share * place / count)
            paper = Paper(self, pk, line_pk, number, at)
            paper.write()
            if paper.status == Status.COMPLETED and entered < accounts:
                paper.enter_account()
                entered += 1
        self.flush()
        return entered
