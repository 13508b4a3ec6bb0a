"""Comparing the register with AD: nightly, weekly, when somebody asks, and before the queue runs after a restore.

A run reads from one domain controller to the end, or it ends as interrupted: then nothing is said about accounts that it
did not see. It reads and never writes to AD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.attributes import organisation_ou
from accounts.models import DirectoryAccount
from accounts.reconciliation import telling
from accounts.reconciliation.expected import REMOVED
from accounts.reconciliation.models import LIVE, Finding, FindingKind, ReconciliationRun
from accounts.reconciliation.recording import Recorder, RunLost, count_up
from portal.common import bell
from portal.common.text import without_control_characters
from portal.fulfilment import breaker
from portal.fulfilment.errors import NotAllowed
from portal.gateways import clock, directory_factory
from portal.gateways.directory import Directory, DirectoryError, DirectoryUnavailable, DomainController
from portal.gateways.directory_names import parent_dn
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

TASK = "accounts.tasks.reconcile"
TARGET = "directory"
Mode, Status = ReconciliationRun.Mode, ReconciliationRun.Status

_LOST_AFTER = timedelta(minutes=10)
_CHUNK = 1000
# More accounts than this cannot all have been deleted by hand: rights or the base were lost.
_MISSING_SHARE, _MISSING_ALWAYS_TOLD = 0.2, 50


class RunInterrupted(Exception):
    """A scheduled run could not read everything. `code` says why; the job is tried again."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Stop(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a comparison before the queue found. Only when `complete` may the queue rely on it."""

    run_id: int
    complete: bool
    new_by_kind: dict[str, int]
    held_back: int
    reason: str = ""


def reconcile_nightly(*, now: datetime) -> str:
    """What changed since the last run, and who is not there any more. Raises RunInterrupted."""
    return _scheduled(_add(now, mode=Mode.INCREMENTAL), now)


def reconcile_weekly(*, now: datetime) -> str:
    """Everything, whatever the update numbers say. Raises RunInterrupted."""
    return _scheduled(_add(now, mode=Mode.FULL), now)


def reconcile_before_queue(now: datetime) -> Report:
    """Compare everything before the queue runs again after a restore or a long stop; never raises for AD (ACC-12)."""
    run = carry_out(_add(now, mode=Mode.FULL), now)
    return Report(
        run_id=run.pk,
        complete=run.status == Status.DONE and not run.unreadable_count,
        new_by_kind=dict(run.new_by_kind),
        held_back=run.held_back_count,
        reason=run.error_message,
    )


@transaction.atomic
def ask_for_run(*, organisation_id: int | None, actor: User, now: datetime) -> ReconciliationRun:
    """Have everything compared, of one organisation or of all; one that waits already serves. Raises NotAllowed."""
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations start a reconciliation")
    waiting = ReconciliationRun.objects.filter(status=Status.WAITING)
    same = (
        waiting.filter(organisation=None)
        if organisation_id is None
        else waiting.filter(organisation_id=organisation_id)
    )
    run = same.first() or _add(now, mode=Mode.FULL, organisation_id=organisation_id, actor=actor)
    trail.record(
        action="reconciliation.ask",
        now=now,
        actor=actor,
        object_type="reconciliation_run",
        object_id=run.pk,
        object_organisation_id=organisation_id,
    )
    bell.ring_on_commit(TASK)
    return run


def carry_out_waiting(now_fn: Callable[[], datetime]) -> int:
    """Carry out the runs that somebody asked for, one after the other; how many."""
    count = 0
    while (run := ReconciliationRun.objects.filter(status=Status.WAITING).order_by("pk").first()) is not None:
        if carry_out(run, now_fn()).status == Status.WAITING:
            break  # another run is at it; the next ring finds this one again
        count += 1
    return count


def carry_out(run: ReconciliationRun, now: datetime) -> ReconciliationRun:
    """Compare, and write down how it ended. A run stays waiting while another one is at it."""
    if not _begin(run, now):
        return run
    try:
        if held := _breaker_reason(now):
            raise _Stop("target_down", held)
        _compare(run, now)
    except _Stop as stop:
        _end(run, now, Status.INTERRUPTED, stop.code, stop.message)
    except DirectoryError as error:
        if isinstance(error, DirectoryUnavailable):
            breaker.note_failure(TARGET, now, code=error.code, message=_("The target does not answer."))
        _end(run, now, Status.INTERRUPTED, error.code or "directory", error.message)
    except RunLost:
        run.refresh_from_db()
    else:
        _end(run, now, Status.DONE, "", "")
    return run


def _scheduled(run: ReconciliationRun, now: datetime) -> str:
    run = carry_out(run, now)
    if run.status != Status.DONE:
        if run.status == Status.WAITING:  # another run is at it: the job comes back
            ReconciliationRun.objects.filter(pk=run.pk, status=Status.WAITING).delete()
        raise RunInterrupted(run.error_code or "busy")
    with transaction.atomic():
        telling.tell(run, now)
    text = _("%(read)s accounts compared, %(new)s new findings")
    return text % {"read": run.read_count, "new": run.new_count}


def _add(
    now: datetime, *, mode: str, organisation_id: int | None = None, actor: User | None = None
) -> ReconciliationRun:
    return ReconciliationRun.objects.create(
        mode=mode, organisation_id=organisation_id, asked_by=actor, asked_at=now
    )


def _begin(run: ReconciliationRun, now: datetime) -> bool:
    """Make the run the one that is running; a run whose worker was lost ends first."""
    lost = {
        "status": Status.INTERRUPTED,
        "error_code": "lost",
        "error_message": _("The worker did not come back."),
        "finished_at": now,
    }
    running = ReconciliationRun.objects.filter(status=Status.RUNNING)
    running.filter(heartbeat_at__lt=clock.now() - _LOST_AFTER).update(**lost)
    run.started_at, run.heartbeat_at = now, clock.now()
    run.expected_count = _accounts(run).count()
    values = {n: getattr(run, n) for n in ("started_at", "heartbeat_at", "expected_count")}
    try:
        with transaction.atomic():
            mine = ReconciliationRun.objects.filter(pk=run.pk, status=Status.WAITING)
            begun = mine.update(status=Status.RUNNING, **values)
    except IntegrityError:
        return False
    run.refresh_from_db()
    return bool(begun)


def _breaker_reason(now: datetime) -> str:
    """Why AD must not be asked now, so that a refused service account is not locked by trying; "" to go on."""
    state = breaker.state_of(TARGET)
    if state.opened_at is None or (state.next_probe_at is not None and state.next_probe_at <= now):
        return ""
    return _("Active Directory is not reachable: %(reason)s") % {"reason": state.reason}


def _compare(run: ReconciliationRun, now: datetime) -> None:
    directory = directory_factory.get_directory()
    before = directory.domain_controller()
    since = _incremental_start(run, before)
    recorder = Recorder(run, now)
    # What changed is looked for in the whole domain: an account may have been moved out of its OU.
    base = str(settings.DIRECTORY["base_dn"]) if since is not None else _base_of(run)
    seen: set[UUID] = set()
    for page in directory.scan_accounts(base, changed_since_usn=since):
        recorder.record_page(page)
        seen.update(entry.guid for entry in page)
    if since is not None:
        seen = {guid for page in directory.scan_guids(_base_of(run)) for guid in page}
    _require_same(before, directory.domain_controller())
    _find_missing(run, recorder, directory, seen)
    run.controller, run.controller_name = before.identity, before.name
    run.highest_usn = before.highest_usn
    held = recorder.held_back_usn
    run.resume_usn = before.highest_usn if held is None else min(before.highest_usn, held - 1)


def _incremental_start(run: ReconciliationRun, controller: DomainController) -> int | None:
    """From which update number on it is enough to read; None to read everything, with the reason in the run."""
    if run.mode == Mode.FULL:
        return None
    last = ReconciliationRun.objects.filter(status=Status.DONE, organisation=None).order_by("-pk").first()
    if last is None:
        why = "first"
    elif last.controller != controller.identity:
        why = "other_controller"  # its numbers say nothing about this one's
    elif controller.highest_usn < last.highest_usn:
        why = "went_back"  # restored by copying: the same numbers are given again
    else:
        return last.resume_usn
    run.mode, run.why_full = Mode.FULL, why
    ReconciliationRun.objects.filter(pk=run.pk).update(mode=run.mode, why_full=why)
    return None


def _require_same(before: DomainController, after: DomainController) -> None:
    if after.identity != before.identity:
        text = _("Another domain controller answered in the middle. Nothing is said about what was not seen.")
        raise _Stop("controller_changed", text)


def _base_of(run: ReconciliationRun) -> str:
    return organisation_ou(run.organisation) if run.organisation else str(settings.DIRECTORY["root_ou"])


def _accounts(run: ReconciliationRun) -> QuerySet[DirectoryAccount]:
    rows = DirectoryAccount.system.exclude(state=REMOVED)
    return rows.filter(organisation_id=run.organisation_id) if run.organisation_id else rows


def _find_missing(run: ReconciliationRun, recorder: Recorder, directory: Directory, seen: set[UUID]) -> None:
    """Whom nobody saw although everything was read. Not seen is not yet gone: each is asked for once more."""
    candidates = list(_not_seen(run, recorder, seen))
    # What operations know to be missing already makes no later run implausible.
    new = len(set(candidates) - _known_missing())
    if new > max(_MISSING_ALWAYS_TOLD, _MISSING_SHARE * run.expected_count) and not run.organisation:
        text = _(
            "%(count)s accounts cannot be seen. So many are not deleted by hand: check the service account's rights. If they are really gone, compare one organisation after the other; then all of them."
        )
        raise _Stop("implausible", text % {"count": new})
    for start in range(0, len(candidates), _CHUNK):
        part = DirectoryAccount.system.filter(pk__in=candidates[start : start + _CHUNK])
        elsewhere, gone, unreadable = [], [], 0
        visible: dict[str, bool] = {}
        for account in part.select_related("written", "organisation"):
            entry = directory.find_by_guid(account.object_guid)
            if entry is not None:
                elsewhere.append(entry)
            elif _is_proven_gone(directory, account, visible):
                gone.append(account)
            else:
                unreadable += 1
        recorder.record_page(elsewhere)
        recorder.record_missing(gone)
        count_up(run, unreadable_count=unreadable)


def _known_missing() -> set[int]:
    """The accounts that an open finding says are not in AD."""
    rows = Finding.system.filter(kind=FindingKind.MISSING, state__in=LIVE, account__isnull=False)
    return set(rows.values_list("account_id", flat=True))


def _not_seen(run: ReconciliationRun, recorder: Recorder, seen: set[UUID]) -> Iterable[int]:
    rows = _accounts(run).filter(verified_at__lte=recorder.judged_until).order_by()
    for pk, guid in rows.values_list("pk", "object_guid").iterator(chunk_size=5000):
        if guid not in seen:
            yield pk


def _is_proven_gone(directory: Directory, account: DirectoryAccount, visible: dict[str, bool]) -> bool:
    """Its remains say so, or its container can be seen and it is not in it. A container out of sight proves nothing."""
    if directory.is_deleted(account.object_guid):
        return True
    container = parent_dn(account.distinguished_name)
    if container not in visible:
        visible[container] = directory.container_exists(container)
    return visible[container]


def _end(run: ReconciliationRun, now: datetime, status: str, code: str, message: str) -> None:
    run.status, run.error_code = status, code[:60]
    run.error_message = without_control_characters(message)[:500]
    run.finished_at = max(now, clock.now())
    fields = ("status", "error_code", "error_message", "finished_at", "controller", "controller_name")
    values = {name: getattr(run, name) for name in (*fields, "highest_usn", "resume_usn")}
    ReconciliationRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(**values)
