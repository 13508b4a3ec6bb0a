"""The people and the machines of a federation, and applications about devices on their way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from auditlog.context import disable_auditlog
from django.utils import timezone

from devices.computers.models import Computer, Segment
from devices.computers.register import computer_search_text
from devices.permits import services as permits
from devices.permits.models import DevicePermit
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem
from portal.fulfilment import services as fulfilment
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from tests import factories, journeys

_numbers = itertools.count(1)


@dataclass
class Cast:
    """Who takes an application about devices all the way (DEV-01)."""

    code: str = "13"
    applicant: User = field(init=False)
    officer: User = field(init=False)
    manager: User = field(init=False)
    operator: User = field(init=False)

    def __post_init__(self) -> None:
        self.applicant = factories.user(Role.APPLICANT, code=self.code)
        self.officer = factories.user(Role.SECURITY_OFFICER, code=self.code)
        self.manager = factories.user(Role.SECURITY_MANAGER, code=self.code)
        self.operator = factories.user(Role.OPERATOR, code="operations")


def segment(code: str = "13", **fields: Any) -> Segment:
    """A segment of clients."""
    n = next(_numbers)
    values = {
        "organisation": factories.organisation(code),
        "network": f"10.{int(code)}.{n % 250}.0/24",
        "purpose": Segment.Purpose.CLIENT,
        "valid_from": factories.LONG_AGO,
    } | fields
    with disable_auditlog():
        return Segment.system.create(**values)


def computer(name: str = "", code: str = "13", **fields: Any) -> Computer:
    """A machine in use, as an earlier application left it."""
    n = next(_numbers)
    kind, system = fields.pop("kind", "client"), fields.pop("system", "win10_2016_ltsb")
    values = {
        "organisation": factories.organisation(code),
        "name": name or f"KK{code}-PC{n:04}",
        "kind": ComputerKind.objects.get(code=kind),
        "operating_system": OperatingSystem.objects.get(code=system) if system else None,
        "business_system": BusinessSystem.objects.get(code=fields.pop("business", "common")),
        "department": "審査第一課",
        "last_line": fields.pop("last_line", None) or factories.line(code=code),
    } | fields
    made = Computer(**values)
    made.search_text = computer_search_text(made)
    with disable_auditlog():
        made.save()
    return made


def computer_line(**values: Any) -> dict[str, Any]:
    """The raw values of one new machine."""
    n = next(_numbers)
    return {
        "name": f"KK13-NEW{n:04}",
        "kind": "client",
        "operating_system": "win10_2016_ltsb",
        "business_system": "common",
        "agents": ["DEVICE_CONTROL", "QUARANTINE"],
        "department": "総務課",
    } | values


def draft(
    cast: Cast, kind: str, *lines: dict[str, Any], desired_on: date | None = None, now: datetime | None = None
) -> Application:
    """A draft of the applicant."""
    return services.create_draft(
        kind=kind,
        organisation_id=factories.organisation(cast.code).pk,
        actor=cast.applicant,
        content=Content(reason="業務で使うため。", lines=lines, desired_on=desired_on),
        now=now or timezone.now(),
    )


def submitted(cast: Cast, kind: str, *lines: dict[str, Any], **more: Any) -> Application:
    """An application that waits for its first decision."""
    made = draft(cast, kind, *lines, **more)
    return services.submit(
        application_id=made.pk,
        actor=cast.applicant,
        version=made.version,
        now=more.get("now") or timezone.now(),
    )


def carried_out(
    cast: Cast, kind: str, *lines: dict[str, Any], target: str = "device_register"
) -> Application:
    """An application about machines that was approved and carried out."""
    application = submitted(cast, kind, *lines)
    journeys.approve(application, cast.officer)
    fulfilment.drain(target, now_fn=timezone.now)
    application.refresh_from_db()
    return application


machine = computer


# --- Devices ----------------------------------------------------------------------------------------------------------------
def permit_line(computer: Computer | str, **values: Any) -> dict[str, Any]:
    """The raw values of one device with a serial number of its own."""
    n = next(_numbers)
    return {
        "device_kind": "USB_STORAGE",
        "grant": "READ_WRITE",
        "maker": "バッファロー",
        "model": "RUF3-K32GB",
        "serial": f"SN{n:08}",
        "computers": [str(computer)],
        "end_user": "鈴木 美咲",
        "write_reason": "統計データを県へ提出するため。",
        "valid_until": (timezone.localdate() + timedelta(days=180)).isoformat(),
    } | values


def approved(cast: Cast, *lines: dict[str, Any], now: datetime | None = None) -> Application:
    """An application for permits that the manager approved; each permit is entered and waits for SKYSEA."""
    application = submitted(cast, "devices.permit", *lines, now=now)
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    fulfilment.drain("device_control", now_fn=timezone.now)
    application.refresh_from_db()
    return application


def registered(cast: Cast, computer: Computer | None = None, **values: Any) -> DevicePermit:
    """A permit that the officer registered in SKYSEA."""
    line = permit_line(computer or machine(code=cast.code), **values)
    application = approved(cast, line)
    permit = DevicePermit.system.select_related("device").get(line__application=application)
    permits.record_registered(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    fulfilment.drain("device_control", now_fn=timezone.now)
    permit.refresh_from_db()
    return permit


def submit(cast: Cast, draft_: Application) -> Application:
    """Submit a draft of the applicant, with the reason that a file does not bring."""
    lines = tuple(dict(line.payload) for line in draft_.lines.all())
    services.save_draft(
        application_id=draft_.pk,
        actor=cast.applicant,
        content=Content(reason="業務で使うため。", lines=lines),
        version=None,
        now=timezone.now(),
    )
    return services.submit(application_id=draft_.pk, actor=cast.applicant, version=None, now=timezone.now())


def drain_devices() -> None:
    """What the workers do for both targets."""
    for target in ("device_control", "device_register"):
        fulfilment.drain(target, now_fn=timezone.now)
