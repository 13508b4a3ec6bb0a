"""The register of machines whose logs are expected, and rows that waited for one of them (AUD-10)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.imports import findings, loading, writing
from audit.imports.errors import LogFileError, NotAllowed
from audit.imports.models import HeldLine, Host, LogCoverage, LogImport
from audit.reconciliation.names import name_key
from portal.common import bell
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, IMPORT_LOGS
from portal.trail import services as trail

_AT_ONCE = 5_000  # held lines in one transaction
_FIELDS = ("sends_database", "sends_takeout", "involves_number", "first_day", "last_day", "note")


class Changed(Exception):
    """Somebody changed the machine since the page was opened."""


class WrongField(LogFileError):
    """What was entered in `field` cannot be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@transaction.atomic
def register_host(
    *, organisation: Organisation, name: str, actor: User, now: datetime, **values: Any
) -> Host:
    """Make a machine known; rows that waited for it are taken in by a worker. Raises NotAllowed, WrongField."""
    _require(actor)
    if organisation.kind not in FEDERATIONS:
        raise WrongField("organisation", _("Logs are of the machines of federations."))
    _check_days(values["first_day"], values["last_day"])
    try:
        with transaction.atomic():
            host: Host = Host.system.create(
                organisation=organisation, name=name, key=name_key(name), changed_by=actor, **values
            )
    except IntegrityError as error:
        raise WrongField("name", _("This machine is registered already.")) from error
    _record("logs.host", host, actor, now, {"after": _content(host)})
    if HeldLine.objects.filter(key=host.key).exists():
        bell.ring_on_commit(TAKE_IN_TASK)
    return host


TAKE_IN_TASK = "audit.tasks.take_in_held_lines"


@transaction.atomic
def change_host(*, host_id: int, version: int, actor: User, now: datetime, **values: Any) -> Host:
    """Change what is expected of a machine. Its federation and name stay: rows hang on them.

    Raises NotAllowed, WrongField, Changed.
    """
    _require(actor)
    host: Host = Host.system.select_for_update(of=("self",)).get(pk=host_id)
    if host.version != version:
        raise Changed
    _check_days(values["first_day"], values["last_day"])
    if LogCoverage.system.filter(host=host).exists() and values["involves_number"] != host.involves_number:
        raise WrongField(
            "involves_number", _("Rows of this machine were imported. This can no longer change.")
        )
    before = _content(host)
    for name in _FIELDS:
        setattr(host, name, values[name])
    host.version, host.changed_by = version + 1, actor
    host.save()
    _record("logs.host_change", host, actor, now, {"before": before, "after": _content(host)})
    return host


def take_in_held(now: datetime) -> int:
    """Lines whose machine is registered by now become rows; how many. Safe to repeat, stops at nothing half done."""
    taken = 0
    keys = Host.system.values("key")
    for import_id in (
        HeldLine.objects.filter(key__in=keys).order_by().values_list("log_import", flat=True).distinct()
    ):
        while count := _take_in(import_id, now):
            taken += count
    if taken:
        bell.ring_now(loading.RECONCILE_TASK)
    return taken


@transaction.atomic
def _take_in(import_id: int, now: datetime) -> int:
    from audit.imports import afterwards

    made = (
        LogImport.objects.select_for_update(of=("self",))
        .select_related("mapping", "allowed")
        .get(pk=import_id)
    )
    lines = list(
        HeldLine.objects.filter(log_import=made, key__in=Host.system.values("key")).order_by("line_number")[
            :_AT_ONCE
        ]
    )
    if not lines:
        return 0
    parser = loading.parser_of(made, now)
    parser.forget_numbers()
    batch_id = writing.next_batch_id()
    parsed = parser.parse_held(((line.line_number, bytes(line.raw)) for line in lines), batch_id)
    written = writing.write(made, batch_id, None, parsed, now)
    HeldLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
    made.kept_count += written
    made.duplicate_count += len(parsed.rows) - written
    made.application_count += parsed.application
    made.held_count -= len(lines)
    made.refused_count += findings.merge(made.findings, parsed.problems)
    if made.state == LogImport.State.DONE:
        afterwards.note_months(made)
    made.save()
    return len(lines)


def _require(actor: User) -> None:
    if not actor.may(IMPORT_LOGS):
        raise NotAllowed(_("Only network operations import logs."))


def _check_days(first: date, last: date | None) -> None:
    if last is not None and last < first:
        raise WrongField("last_day", _("The last day lies before the first."))


def _content(host: Host) -> dict[str, Any]:
    return {name: str(getattr(host, name) or "") for name in ("name", *_FIELDS)}


def _record(action: str, host: Host, actor: User, now: datetime, detail: dict[str, Any]) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="log_host",
        object_id=host.pk,
        object_label=host.name,
        object_organisation_id=host.organisation_id,
        detail=detail,
    )
