"""The inventory of this quarter in the demonstration: some devices were used, some were not, one is decided."""

from __future__ import annotations

from datetime import datetime, timedelta

from devices.exchange.usage import set_usage
from devices.inventory import deciding, opening
from devices.inventory.models import InventoryLine
from devices.permits.models import Device, DevicePermit
from portal.orgs.models import Membership
from portal.orgs.permissions import Role
from portal.workflow.rounds.answers import Answer


def scene(now: datetime) -> None:
    """Told once: a second time the quarter is open already."""
    registered = Device.system.filter(permit__state=DevicePermit.State.REGISTERED).order_by("pk")
    uses: list[datetime | None] = [now - timedelta(days=6), None, now - timedelta(days=400)]
    readings = {pk: uses[n % 3] for n, pk in enumerate(registered.values_list("pk", flat=True))}
    set_usage(readings=readings, as_of=now)
    opening.open_campaign(now=now, period=now)
    if InventoryLine.system.exclude(decision="").exists():
        return
    line = InventoryLine.system.filter(decision="", usage="UNUSED").order_by("pk").first()
    if line is None:
        return
    officer = Membership.system.filter(
        organisation_id=line.organisation_id, role=Role.SECURITY_OFFICER, ended_at=None
    ).first()
    if officer is not None:
        kept = Answer(line_id=line.pk, version=line.version, answer="KEEP", reason="年度末の提出に使うため。")
        deciding.decide(sheet_id=line.sheet_id, decisions=[kept], actor=officer.user, now=now)
