"""Reading a file of alerts: each is kept once, whatever files bring it, and tied to machine, device and permit (DEV-08)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from devices.alerts import telling
from devices.alerts.models import AlertImport, DeviceAlert
from devices.computers.models import Computer
from devices.exchange.comparing import Register
from devices.exchange.errors import AlreadyImported
from devices.exchange.imports import lock, require
from devices.exchange.layout import ALERTS, Layout
from devices.exchange.mappings import current_layout
from devices.exchange.reading import Line, read
from devices.fields import folded
from devices.permits.models import DevicePermit
from devices.permits.source import WRITES
from portal.common.computer_names import computer_name
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.trail import services as trail

_KEPT = ("kind", "maker", "model", "serial", "person", "detail")


def import_alerts(
    *, organisation: Organisation, name: str, data: bytes, actor: User, now: datetime
) -> AlertImport:
    """Read a file for one federation. An alert that an earlier file had is recognised; only new ones are told.

    A file with rows that could not be used is read again: operations may have taught the mapping their words since.
    Raises NotAllowed, FileRefused, AlreadyImported.
    """
    require(actor, organisation)
    layout = current_layout()
    lines = read(ALERTS, name, data, layout, moments=("at",)).lines
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        lock(organisation.pk)
        earlier: AlertImport | None = AlertImport.system.filter(
            organisation=organisation, sha256=digest
        ).first()
        if earlier is not None and not earlier.problems:
            raise AlreadyImported(earlier)
        made = earlier or AlertImport.system.create(
            organisation=organisation,
            file_name=name[:200],
            sha256=digest,
            imported_by=actor,
            imported_at=now,
            row_count=len(lines),
        )
        made.row_count, made.problems = len(lines), []
        with translation.override("ja"):
            alerts = _alerts(made, lines, layout, organisation, now)
        known = set(
            DeviceAlert.system.filter(
                organisation=organisation, key__in=[alert.key for alert in alerts]
            ).values_list("key", flat=True)
        )
        new = [alert for alert in alerts if alert.key not in known]
        DeviceAlert.system.bulk_create(new, batch_size=1000)
        made.new_count += len(new)
        made.known_count = max(0, len(alerts) - made.new_count)
        made.save()
        telling.tell_new(made, len(new), actor, now)
        trail.record(
            action="alert.import",
            now=now,
            actor=actor,
            object_type="alert_import",
            object_id=made.pk,
            object_label=made.file_name,
            object_organisation_id=organisation.pk,
            detail={
                "rows": made.row_count,
                "new": made.new_count,
                "known": made.known_count,
                "sha256": digest,
            },
        )
    return made


@dataclass(frozen=True)
class _Surroundings:
    """What alerts are tied to, read once."""

    register: Register
    computers: dict[str, Computer]
    elsewhere: set[str]  # machines of other federations (ORG-02: whose is not said)
    permits: dict[int, list[DevicePermit]]  # of each device, newest first


def _alerts(
    made: AlertImport, lines: list[Line], layout: Layout, organisation: Organisation, now: datetime
) -> list[DeviceAlert]:
    names = {computer_name(line.get("computer")) for line in lines}
    machines = Computer.system.filter(name__in=names).order_by("-state", "pk")  # those in use win
    own = {pc.name: pc for pc in machines if pc.organisation_id == organisation.pk}
    others = {pc.name for pc in machines if pc.state == Computer.State.IN_USE} - own.keys()
    around = _Surroundings(Register(organisation.pk), own, others, _permits(organisation.pk))
    seen: Counter[str] = Counter()
    alerts = []
    for line in lines:
        reasons = list(_problems(line, layout, organisation, around, now))
        if reasons:
            made.problems.append({"row": line.number, "reasons": reasons})
            continue
        alerts.append(_alert(made, line, layout, around, seen, now))
    return list({alert.key: alert for alert in alerts}.values())


def _problems(
    line: Line, layout: Layout, organisation: Organisation, around: _Surroundings, now: datetime
) -> Iterator[str]:
    yield from line.problems
    if line.get("organisation") and folded(line.get("organisation")) != folded(organisation.code):
        yield _("This row is of another organisation.")
    if computer_name(line.get("computer")) in around.elsewhere:
        yield _("The machine is of another organisation.")
    if not line.get("computer"):
        yield _("The computer name is missing.")
    if "at" not in line.moments and not line.problems:
        yield _("The time is missing.")
    elif "at" in line.moments and line.moments["at"] > now + timedelta(minutes=10):
        yield _("The time lies in the future.")
    if not layout.code("alert", line.get("alert")):
        text = _("The mapping does not know the word “%(word)s”. Network operations can add it.")
        yield text % {"word": line.get("alert")}


def _alert(
    made: AlertImport,
    line: Line,
    layout: Layout,
    around: _Surroundings,
    seen: Counter[str],
    now: datetime,
) -> DeviceAlert:
    kind, at = layout.code("alert", line.get("alert")), line.moments["at"]
    computer = around.computers.get(computer_name(line.get("computer")))
    device = around.register.find(line, layout.code("kind", line.get("kind")))
    permit = _permit_at(around.permits.get(device.pk, []), at) if device else None
    return DeviceAlert(
        organisation_id=made.organisation_id,
        kind=kind,
        at=at,
        reference=line.get("reference"),
        computer_name=line.get("computer"),
        computer=computer,
        device=device,
        permit=permit,
        covered=_is_covered(kind, permit, computer, at),
        seen={name: line.get(name) for name in _KEPT if line.get(name)},
        key=_key(line, kind, at, seen),
        source=made,
        imported_at=now,
    )


def _key(line: Line, kind: str, at: datetime, seen: Counter[str]) -> str:
    """The same alert in whatever file: its number, else all that it says, and the how many-eth of its like it is."""
    if reference := folded(line.get("reference")):
        return "n:" + hashlib.sha256(reference.encode()).hexdigest()
    parts = [kind, at.isoformat(), computer_name(line.get("computer")), *(line.get(name) for name in _KEPT)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def _permits(organisation_id: int) -> dict[int, list[DevicePermit]]:
    rows = DevicePermit.system.filter(organisation_id=organisation_id).prefetch_related("computers")
    found: dict[int, list[DevicePermit]] = {}
    for permit in rows.order_by("-approved_at", "-pk"):
        found.setdefault(permit.device_id, []).append(permit)
    return found


def _permit_at(permits: list[DevicePermit], at: datetime) -> DevicePermit | None:
    """The permit that the device had then, else its newest one."""
    then = [permit for permit in permits if permit.approved_at <= at]
    return next(iter(then or permits), None)


def _is_covered(kind: str, permit: DevicePermit | None, computer: Computer | None, at: datetime) -> bool:
    """Whether a permit allowed just this: writing, with this device, on this machine, at that time."""
    if kind != DeviceAlert.Kind.WRITE or permit is None or computer is None:
        return False
    begun = permit.registered_at is not None and permit.registered_at <= at
    lasts = (permit.ended_at is None or permit.ended_at > at) and today(at) <= permit.valid_until
    return begun and lasts and permit.grant in WRITES and computer in permit.computers.all()
