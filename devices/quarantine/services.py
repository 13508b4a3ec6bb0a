"""Importing what the quarantine server found. An older check never overwrites a newer one; the same file counts once.

Unless the mapping was corrected meanwhile: then it is read anew, and what it said before is replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from devices.computers.models import Computer
from devices.quarantine.mappings import NotAllowed, current_mapping, layout_of
from devices.quarantine.models import QuarantineEvent, QuarantineImport, QuarantineStatus
from devices.quarantine.reading import Finding, Problem, numbers, read_findings
from devices.whitelist.models import WhitelistEntry
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

_ONE_AT_A_TIME = 7_207_044
_BATCH = 1000
_VALUES = ("result", "has_agent", "checked_at", "failed", "patches_since", "patterns_since")


class AlreadyImported(Exception):
    """The very same file was imported before, with the mapping that is in force."""


def import_file(*, name: str, data: bytes, actor: User, now: datetime) -> QuarantineImport:
    """Take over every row that fits; the others are told by their row.

    Raises NotAllowed, AlreadyImported, and portal.workflow.bulk.errors.FileRefused when nothing can be read.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations import quarantine results")
    mapping = current_mapping()
    findings, problems = read_findings(name, data, layout_of(mapping), now)
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        if QuarantineImport.objects.filter(sha256=digest, mapping=mapping).exists():
            raise AlreadyImported(name)
        made = QuarantineImport.objects.create(
            file_name=name[:200],
            sha256=digest,
            mapping=mapping,
            row_count=len(findings) + len(problems),
            taken_count=0,
            imported_by=actor,
            imported_at=now,
        )
        known, unknown = _known(findings)
        made.taken_count = _take_over(known, made)
        made.problems = numbers(sorted([*problems, *unknown], key=lambda problem: problem.row))
        made.save(update_fields=["taken_count", "problems"])
        trail.record(
            action="quarantine.import",
            now=now,
            actor=actor,
            object_type="quarantine_import",
            object_id=made.pk,
            object_label=made.file_name,
            detail={"rows": made.row_count, "taken": made.taken_count, "problems": made.problem_count},
        )
    return made


def _known(findings: Sequence[Finding]) -> tuple[Mapping[int, tuple[Computer, Finding]], list[Problem]]:
    """The newest finding of each machine, and the rows whose machine nobody knows."""
    in_use = Computer.system.filter(state=Computer.State.IN_USE)
    by_name = {c.name: c for c in in_use.filter(name__in={f.name for f in findings if f.name})}
    live = WhitelistEntry.system.filter(
        state=WhitelistEntry.State.APPROVED, mac__in={f.mac for f in findings if f.mac}
    )
    by_mac = {entry.mac: entry.computer for entry in live.select_related("computer")}
    found: dict[int, tuple[Computer, Finding]] = {}
    unknown: list[Problem] = []
    for finding in findings:
        named, addressed = by_name.get(finding.name), by_mac.get(finding.mac)
        if named is not None and addressed is not None and named != addressed:
            text = _("The computer name and the MAC address belong to two machines: %(name)s, %(mac)s")
            unknown.append(
                Problem(row=finding.row, text=text % {"name": finding.name, "mac": finding.mac.upper()})
            )
            continue
        computer = named or addressed
        if computer is None:
            text = _("No machine of the register: %(name)s")
            unknown.append(
                Problem(row=finding.row, text=text % {"name": finding.name or finding.mac.upper()})
            )
            continue
        before = found.get(computer.pk)
        if before is None or before[1].checked_at <= finding.checked_at:
            found[computer.pk] = (computer, finding)
    return found, unknown


def _take_over(known: Mapping[int, tuple[Computer, Finding]], made: QuarantineImport) -> int:
    """Write what is newer than what is known; a result that differs is history."""
    rows = QuarantineStatus.system.select_for_update(no_key=True, of=("self",)).filter(computer__in=known)
    held = {status.computer_id: status for status in rows.select_related("last_import")}
    new: list[QuarantineStatus] = []
    changed: list[QuarantineStatus] = []
    events: list[QuarantineEvent] = []
    for pk, (computer, finding) in known.items():
        status = held.get(pk)
        if status is not None and not _is_news(status, finding, made):
            continue
        failed = list(finding.failed)
        if status is None or (status.result, status.failed) != (finding.result, failed):
            events.append(_event(computer, finding, made))
        target = status or QuarantineStatus(computer=computer, organisation_id=computer.organisation_id)
        for name in _VALUES:
            setattr(target, name, getattr(finding, name))
        target.failed, target.last_import = failed, made
        target.organisation_id = computer.organisation_id
        (new if status is None else changed).append(target)
    QuarantineStatus.system.bulk_create(new, batch_size=_BATCH)
    QuarantineStatus.system.bulk_update(changed, [*_VALUES, "organisation", "last_import"], batch_size=_BATCH)
    QuarantineEvent.system.bulk_create(events, batch_size=_BATCH)
    return len(new) + len(changed)


def _is_news(status: QuarantineStatus, finding: Finding, made: QuarantineImport) -> bool:
    """A newer check; or the same one of the same file, read with another mapping."""
    if status.checked_at == finding.checked_at:
        return status.last_import.sha256 == made.sha256
    return status.checked_at < finding.checked_at


def _event(computer: Computer, finding: Finding, made: QuarantineImport) -> QuarantineEvent:
    return QuarantineEvent(
        computer=computer,
        organisation_id=computer.organisation_id,
        at=finding.checked_at,
        result=finding.result,
        failed=list(finding.failed),
        from_import=made,
    )
