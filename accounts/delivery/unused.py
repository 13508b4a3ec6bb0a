"""Initial passwords that nobody uses: a reminder, then the account is disabled until the next reset (ACC-10).

AD has no such end of its own. The nightly job reads AD in pages and queues; the handler looks once more and disables by
compare-and-set, so that whoever logs on at the last moment keeps the account.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import register
from accounts.attributes import organisation_ou
from accounts.delivery.models import InitialPassword
from accounts.models import DirectoryAccount
from portal.common.time import today
from portal.fulfilment import registry
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry
from portal.notices import services as notices
from portal.orgs.models import Organisation
from portal.workflow import records
from portal.workflow.fulfilling import enqueue_step

STEP = "disable_unused"
STEP_LABEL = _("disabling because the initial password was not used")


def current() -> QuerySet[InitialPassword]:
    """The row of each account that counts: a later reset replaces what was before."""
    newer = InitialPassword.system.filter(account_guid=OuterRef("account_guid"), pk__gt=OuterRef("pk"))
    return InitialPassword.system.filter(~Exists(newer))


def is_current(row: InitialPassword) -> bool:
    """Whether no later reset replaced it."""
    return not InitialPassword.system.filter(account_guid=row.account_guid, pk__gt=row.pk).exists()


def disabled_row(guid: UUID) -> InitialPassword | None:
    """The row of an account that was disabled for this reason and not used again since."""
    row = InitialPassword.system.filter(account_guid=guid).order_by("-pk").first()
    if row is None or row.disabled_at is None or row.enabled_again_at is not None:
        # A reset that is under way has its own row already; the one before says why the account is disabled.
        row = InitialPassword.system.filter(
            account_guid=guid, disabled_at__isnull=False, enabled_again_at=None
        ).first()
    return row


def may_enable_again(guid: UUID) -> bool:
    """Whether a reset may enable the account: it is disabled for this reason only."""
    if disabled_row(guid) is None:
        return False
    account = DirectoryAccount.system.filter(object_guid=guid).first()
    return account is None or account.state == DirectoryAccount.State.DISABLED


@transaction.atomic
def note_enabled_again(guid: UUID, *, now: datetime) -> None:
    """A reset has enabled the account."""
    InitialPassword.system.filter(account_guid=guid, disabled_at__isnull=False, enabled_again_at=None).update(
        enabled_again_at=now
    )
    DirectoryAccount.system.filter(object_guid=guid, state=DirectoryAccount.State.DISABLED).update(
        state=DirectoryAccount.State.ENABLED, verified_at=now
    )


@transaction.atomic
def note_disabled(row: InitialPassword, entry: DirectoryEntry, *, now: datetime) -> None:
    """The account was disabled and read back: register, row, mail to the applicant. Safe to repeat."""
    locked = InitialPassword.system.select_for_update(no_key=True).get(pk=row.pk)
    if DirectoryAccount.system.filter(object_guid=entry.guid, state=DirectoryAccount.State.ENABLED).exists():
        register.note_disabled(entry=entry, now=now)
    if locked.disabled_at is not None:
        return
    locked.disabled_at = now
    locked.save(update_fields=["disabled_at"])
    application = row.operation.line.application
    records.tell(
        application,
        "initial_password_disabled",
        [application.applicant],
        now,
        position=row.operation.line.position + 1,
        days=int(settings.INITIAL_PASSWORD_UNUSED_DAYS),
    )
    records.record_action(
        application,
        "disabled_unused",
        actor=None,
        now=now,
        detail={"position": row.operation.line.position + 1},
    )


def check(*, now: datetime) -> str:
    """For the daily job: look which initial passwords are used, remind, queue the disabling. What was done, in numbers.

    Raises DirectoryError when AD cannot be read: the job fails and is tried again.
    """
    counts: dict[str, int] = defaultdict(int)
    waiting = current().filter(
        used_at=None, disabled_at=None, delivered_at__isnull=False, operation__status=OperationStatus.DONE
    )
    for organisation in Organisation.objects.filter(pk__in=waiting.order_by().values("organisation_id")):
        rows = list(
            waiting.filter(organisation=organisation).select_related(
                "operation__line__application__applicant", "recipient"
            )
        )
        entries = _entries(organisation, {row.account_guid for row in rows})
        for row in rows:
            counts[_judge(row, entries.get(row.account_guid), now)] += 1
    return (
        ", ".join(f"{name}: {counts[name]}" for name in ("used", "reminded", "queued") if counts[name]) or "0"
    )


def _entries(organisation: Organisation, wanted: set[UUID]) -> dict[UUID, DirectoryEntry]:
    """The accounts as AD holds them, read in pages."""
    found = directory_factory.get_directory().search_accounts(organisation_ou(organisation))
    return {entry.guid: entry for entry in found if entry.guid in wanted}


def _judge(row: InitialPassword, entry: DirectoryEntry | None, now: datetime) -> str:
    if entry is None:
        return "missing"  # the comparison with AD tells that (portal reconciliation)
    if not entry.must_change_password:
        InitialPassword.system.filter(pk=row.pk).update(used_at=now)
        return "used"
    age = now - row.since
    if age >= timedelta(days=int(settings.INITIAL_PASSWORD_UNUSED_DAYS)):
        return "queued" if entry.enabled and _queue(row, now) else "waits"
    if age >= timedelta(days=int(settings.INITIAL_PASSWORD_REMINDER_DAYS)) and _remind(row, now):
        return "reminded"
    return "waits"


@transaction.atomic
def _queue(row: InitialPassword, now: datetime) -> bool:
    InitialPassword.system.select_for_update(no_key=True).get(pk=row.pk)
    operation = row.operation
    same = Operation.system.filter(line_id=operation.line_id, target=operation.target, step=STEP)
    if same.exists() or not _has_handler(operation):
        return False
    enqueue_step(operation.line, target=operation.target, step=STEP, now=now)
    return True


def _has_handler(operation: Operation) -> bool:
    try:
        registry.handler_for(operation.kind, operation.target, STEP)
    except KeyError:
        return False
    return True


@transaction.atomic
def _remind(row: InitialPassword, now: datetime) -> bool:
    locked = InitialPassword.system.select_for_update(no_key=True).get(pk=row.pk)
    if locked.reminded_at is not None:
        return False
    locked.reminded_at = now
    locked.save(update_fields=["reminded_at"])
    application, line = row.operation.line.application, row.operation.line
    ends_on = today(row.since + timedelta(days=int(settings.INITIAL_PASSWORD_UNUSED_DAYS)))
    context = {"position": line.position + 1, "ends_on": ends_on.isoformat()}
    records.tell(application, "initial_password_unused", [application.applicant], now, **context)
    if row.recipient is not None and row.recipient.is_usable:
        notices.queue(
            template="initial_password_unused",
            now=now,
            organisation_id=row.organisation_id,
            to_address=row.recipient.email,
            application_number=row.application_number,
            context=context,
        )
    return True


def of_application(application_id: int) -> dict[int, InitialPassword]:
    """What became of the initial passwords of an application, by line."""
    rows = InitialPassword.system.filter(operation__line__application_id=application_id, operation__step="")
    return {row.operation.line_id: row for row in rows.select_related("operation")}
