"""After an unlock: the register, and the mail to the account's user (REQ-04, REQ-12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.dateparse import parse_datetime

from portal.common.text import search_key
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices import services as notices
from portal.orgs import identity
from portal.orgs.models import User
from portal.workflow.models import ApplicationLine, StageStatus
from requests.unlock import locks
from requests.unlock.handlers import FOUND
from requests.unlock.models import AccountUnlock
from requests.unlock.payloads import KINDS, OWN_KIND, UnlockAccount


def operations_settled(operations: Sequence[Operation], now: datetime) -> None:
    """Enter what was unlocked and tell its user, in the transaction that settles the operation."""
    for operation in operations:
        if operation.kind in KINDS and not operation.step and operation.status == OperationStatus.DONE:
            _enter(operation, now)


def _enter(operation: Operation, now: datetime) -> None:
    line = operation.line
    payload = UnlockAccount(**line.payload)
    found = operation.progress.get(FOUND, {})
    since = parse_datetime(found.get("locked_since") or "")
    owner = locks.owners([payload.guid]).get(payload.guid)
    earlier = locks.recent_unlocks([payload.guid], now).get(payload.guid, 0)
    AccountUnlock.system.create(
        organisation_id=line.organisation_id,
        line=line,
        application_number=operation.application_number,
        object_guid=payload.guid,
        login_name=payload.login_name,
        display_name=payload.display_name,
        way=AccountUnlock.Way.PROVEN if operation.kind == OWN_KIND else AccountUnlock.Way.VOUCHED,
        locked_since=since,
        attempts=found.get("attempts"),
        sources=found.get("sources", "")[:200],
        unlocked_at=now,
        unlocked_by=_operator(operation, line),
        by_hand=operation.taken_by_id is not None,
        is_repeated=since is not None and locks.is_repeated(earlier),
        owner_told=_tell(owner, operation, now),
        search_text=search_key(
            payload.login_name,
            payload.display_name,
            operation.application_number,
            line.organisation.short_name,
        ),
    )


def _operator(operation: Operation, line: ApplicationLine) -> User | None:
    """Who accepted it for operations, or did it by hand."""
    if operation.taken_by is not None:
        return operation.taken_by
    stages = line.application.stages.filter(status=StageStatus.APPROVED).order_by("-revision", "-position")
    last = stages.select_related("decided_by").first()
    return last.decided_by if last else None


def _tell(owner: User | None, operation: Operation, now: datetime) -> bool:
    """Mail the account's user, to a confirmed address only; whether a mail is on its way."""
    if owner is None or not owner.is_active or not identity.is_confirmed(owner):
        return False
    queued = notices.queue(
        template="account_unlocked",
        now=now,
        organisation_id=operation.organisation_id,
        to_user=owner,
        application_number=operation.application_number,
    )
    return queued is not None
