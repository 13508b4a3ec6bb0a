"""Comparing pages of accounts with the register and keeping the findings: a handful of statements for each thousand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from accounts.models import DirectoryAccount
from accounts.reconciliation.expected import REMOVED, expected_of
from accounts.reconciliation.models import (
    LIVE,
    Answer,
    Finding,
    FindingKind,
    FindingState,
    ReconciliationRun,
)
from accounts.reconciliation.places import Places
from accounts.reconciliation.snapshot import Difference, Snapshot, compare, digest_of, snapshot_of
from portal.fulfilment.models import SETTLED, Operation, OperationStatus
from portal.gateways import clock
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import User

_UPDATED = ("differences", "found", "digest", "login_name", "name", "privileged", "last_seen_at", "last_run")
_PROPOSAL = {"answer": "", "reason": "", "answered_by": None, "answered_at": None}


class RunLost(Exception):
    """Another worker declared this run interrupted: nothing more may be written for it."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One object with what differs; `entry` is None for one that is not there."""

    guid: UUID
    account: DirectoryAccount | None
    entry: DirectoryEntry | None
    differences: Mapping[str, list[Difference]]  # by kind of finding


@dataclass
class Recorder:
    """Keeps the findings of one run. Everything that a page of the directory needs is read for the page at once."""

    run: ReconciliationRun
    now: datetime
    places: Places = field(default_factory=Places.read)
    held_back_usn: int | None = None
    """The lowest update number of what could not be judged yet: the next run begins there."""

    @property
    def judged_until(self) -> datetime:
        """What was written later is left alone: another domain controller may not have heard of it yet."""
        return self.now - timedelta(minutes=int(settings.RECONCILIATION["replication_minutes"]))

    def record_page(self, entries: Collection[DirectoryEntry]) -> None:
        """Compare one page. Raises RunLost."""
        accounts = _accounts_of([entry.guid for entry in entries])
        seen = [self._look_at(entry, accounts.get(entry.guid)) for entry in entries]
        differing = [found for found in seen if found.differences]
        held = self._held_back(differing)
        # What differs but cannot be judged keeps the findings that it has.
        self._keep([found for found in seen if found.guid not in held], read=len(entries))

    def record_missing(self, accounts: Collection[DirectoryAccount]) -> None:
        """Keep accounts that were proven not to be there. Raises RunLost."""
        gone = {FindingKind.MISSING.value: [_missing()]}
        seen = [_Seen(guid=a.object_guid, account=a, entry=None, differences=gone) for a in accounts]
        held = self._held_back(seen)
        self._keep([found for found in seen if found.guid not in held], read=0)

    def _look_at(self, entry: DirectoryEntry, account: DirectoryAccount | None) -> _Seen:
        found = snapshot_of(entry)
        differences: dict[str, list[Difference]] = {}
        if account is None:
            # ORG-05: only what lies below an organisation's OU is the portal's business.
            if self.places.organisation_id_of(entry.dn) is not None:
                differences[FindingKind.UNKNOWN] = []
        elif account.state == REMOVED:
            differences[FindingKind.RE_ENABLED] = [_back_again(found)]
        else:
            for difference in compare(expected_of(account), found):
                differences.setdefault(difference.kind, []).append(difference)
        return _Seen(guid=entry.guid, account=account, entry=entry, differences=differences)

    def _held_back(self, differing: Collection[_Seen]) -> set[UUID]:
        """Those of which nothing may be concluded yet, and those that are known otherwise."""
        if not differing:
            return set()
        at_work = _at_work(differing)
        known = _known_otherwise(differing)
        held = {found.guid for found in differing if self._is_young(found) or found.guid in at_work}
        self.run.held_back_count += len(held)
        for found in differing:
            if found.guid in held and found.entry is not None:
                usn = found.entry.usn_changed
                self.held_back_usn = min(self.held_back_usn or usn, usn)
        return held | known

    def _is_young(self, found: _Seen) -> bool:
        if found.account is not None:
            return found.account.verified_at > self.judged_until
        return found.entry is not None and found.entry.created_at > self.judged_until

    @transaction.atomic
    def _keep(self, seen: Collection[_Seen], *, read: int) -> None:
        kept = {
            (finding.object_guid, finding.kind): finding
            for finding in Finding.system.select_for_update(of=("self",), no_key=True).filter(
                object_guid__in=[found.guid for found in seen], state__in=LIVE
            )
        }
        new: list[Finding] = []
        same: list[Finding] = []
        unchanged: list[int] = []
        for found in seen:
            for kind, differences in found.differences.items():
                finding = kept.pop((found.guid, kind), None)
                if finding is None:
                    new.append(self._new(found, kind, differences))
                elif finding.digest == digest_of(snapshot_of(found.entry) if found.entry else None):
                    unchanged.append(finding.pk)
                else:
                    same.append(self._renew(finding, found, differences))
        made = Finding.system.bulk_create(new, ignore_conflicts=True)
        Finding.system.bulk_update(same, [*_UPDATED, "state", *_PROPOSAL])
        if unchanged:
            Finding.system.filter(pk__in=unchanged).update(last_seen_at=self.now, last_run=self.run)
        gone = [f.pk for f in kept.values() if f.state != FindingState.RESTORING]
        if gone:
            Finding.system.filter(pk__in=gone).update(
                state=FindingState.GONE, closed_at=self.now, last_run=self.run
            )
        self._note(read=read, new=made, same=len(same) + len(unchanged), gone=len(gone))

    def _new(self, found: _Seen, kind: str, differences: Iterable[Difference]) -> Finding:
        if found.account is not None:
            organisation_id = found.account.organisation_id
        else:  # of an unknown object, which was taken up only because it lies below an organisation's OU
            place = self.places.organisation_id_of(found.entry.dn if found.entry else "")
            assert place is not None
            organisation_id = place
        finding = Finding(
            organisation_id=organisation_id,
            account=found.account,
            object_guid=found.guid,
            kind=kind,
            first_seen_at=self.now,
            first_run=self.run,
        )
        return self._renew(finding, found, differences)

    def _renew(self, finding: Finding, found: _Seen, differences: Iterable[Difference]) -> Finding:
        snapshot = snapshot_of(found.entry) if found.entry is not None else None
        digest = digest_of(snapshot)
        if finding.state == FindingState.PROPOSED and digest != finding.digest:
            # Somebody proposed an answer to something else: it has to be thought over again.
            finding.state = FindingState.OPEN
            for name, value in _PROPOSAL.items():
                setattr(finding, name, value)
        finding.differences = [difference.as_json() for difference in differences]
        finding.found, finding.digest = snapshot, digest
        finding.login_name, finding.name = _names_of(found)
        finding.privileged = found.entry is not None and found.entry.privileged
        finding.last_seen_at, finding.last_run = self.now, self.run
        return finding

    def _note(self, *, read: int, new: Collection[Finding], same: int, gone: int) -> None:
        """Progress, and the proof that the run is still ours."""
        run = self.run
        run.read_count += read
        run.new_count += len(new)
        run.same_count += same
        run.gone_count += gone
        for finding in new:
            run.new_by_kind[finding.kind] = run.new_by_kind.get(finding.kind, 0) + 1
        values = {
            name: getattr(run, name)
            for name in (
                "read_count",
                "new_count",
                "same_count",
                "gone_count",
                "held_back_count",
                "new_by_kind",
            )
        }
        mine = ReconciliationRun.objects.filter(pk=run.pk, status=ReconciliationRun.Status.RUNNING)
        if not mine.update(**values, heartbeat_at=clock.now()):
            raise RunLost(f"run {run.pk}")


def _accounts_of(guids: Collection[UUID]) -> dict[UUID, DirectoryAccount]:
    rows = DirectoryAccount.system.filter(object_guid__in=guids).select_related("written", "organisation")
    return {account.object_guid: account for account in rows.defer("search_text")}


def _names_of(found: _Seen) -> tuple[str, str]:
    account, entry = found.account, found.entry
    if account is not None:
        return account.login_name, f"{account.family_name} {account.given_name}".strip()
    assert entry is not None
    return entry.login_name, entry.display_name


def _missing() -> Difference:
    return Difference(kind=FindingKind.MISSING, field="enabled", written=True, found=None)


def _back_again(found: Snapshot) -> Difference:
    return Difference(kind=FindingKind.RE_ENABLED, field="enabled", written=None, found=found["enabled"])


_WORKING = Q(
    status__in=[OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN, OperationStatus.MANUAL]
) | Q(status=OperationStatus.WAITING, attempts__gt=0)


def _at_work(differing: Collection[_Seen]) -> set[UUID]:
    """Objects that the portal, or a person for it, is changing at this moment: by the line's subject or by our marker."""
    names: dict[str, set[UUID]] = {}
    for found in differing:
        spellings = {
            found.account.login_name if found.account else "",
            found.entry.login_name if found.entry else "",
        }
        for name in spellings - {""}:
            names.setdefault(name.lower(), set()).add(found.guid)
    subjects = Operation.system.filter(_WORKING, line__subject_key__in=names)
    busy = {
        guid for name in set(subjects.values_list("line__subject_key", flat=True)) for guid in names[name]
    }
    markers = {m: f.guid for f in differing if f.account is None and f.entry and (m := _marker(f.entry))}
    if markers:
        ours = Operation.system.filter(marker__in=markers).exclude(status__in=SETTLED)
        busy |= {markers[marker] for marker in ours.values_list("marker", flat=True)}
    return busy


def _marker(entry: DirectoryEntry) -> UUID | None:
    try:
        return UUID(entry.marker)
    except ValueError:
        return None


def _known_otherwise(differing: Collection[_Seen]) -> set[UUID]:
    """Unknown objects that are no finding: people who log in here, and what somebody decided to leave as it is."""
    unknown = {f.guid: f.entry for f in differing if f.account is None and f.entry is not None}
    if not unknown:
        return set()
    people = User.objects.filter(directory_guid__in=unknown).values_list("directory_guid", flat=True)
    left = Finding.system.filter(
        object_guid__in=unknown,
        kind=FindingKind.UNKNOWN,
        state=FindingState.ANSWERED,
        answer=Answer.ACCEPT,
    ).values_list("object_guid", "digest")
    return {guid for guid in people if guid} | {
        guid for guid, digest in left if digest == digest_of(snapshot_of(unknown[guid]))
    }


def count_up(run: ReconciliationRun, **values: Any) -> None:
    """Raise counters of a run that is ours. Raises RunLost."""
    for name, value in values.items():
        setattr(run, name, getattr(run, name) + value)
    mine = ReconciliationRun.objects.filter(pk=run.pk, status=ReconciliationRun.Status.RUNNING)
    raised = {name: F(name) + value for name, value in values.items()}
    if not mine.update(**raised, heartbeat_at=clock.now()):
        raise RunLost(f"run {run.pk}")
