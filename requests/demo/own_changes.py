"""Records of own changes in the demonstration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, Role
from requests.demo.people import holder
from requests.own_changes import services
from requests.own_changes.models import OwnChange

_SYSTEM = "保険者支援システム"


def tell(*, federations: int) -> int:
    """Let so many federations record what they changed; how many did."""
    if OwnChange.system.exists():
        return 0
    staffed = Organisation.objects.filter(
        kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER
    ).distinct()
    return sum(_tell(place) for place in staffed.order_by("sort_order")[:federations])


def _tell(organisation: Organisation) -> bool:
    actor = holder(Role.APPLICANT, organisation)
    if actor is None:
        return False
    host = f"kk{organisation.code}-web"
    server, client = "連合会サーバL2SW#1", "連合会クライアントL2SW#1"
    changes = (
        _port(actor, server, "23", {"vlan": "110", "device": host, "setting": "1000BASE-T 全二重"}, 20),
        _port(actor, client, "8", {"vlan": "130", "device": "保守用PC", "setting": ""}, 12),
        _policy(actor, 10),
        _port(actor, client, "8", {"vlan": "130", "device": "", "setting": "閉塞"}, 3),
    )
    services.record(organisation=organisation, values=changes, actor=actor, now=timezone.now())
    return True


def _port(actor: User, switch: str, port: str, after: dict[str, str], days: int) -> dict[str, Any]:
    return _change(actor, "L2SW", switch, port, after, days, "独自処理システムの機器構成の変更のため。")


def _policy(actor: User, days: int) -> dict[str, Any]:
    after = {
        "source": "10.13.82.0/24",
        "destination": "10.13.20.0/24",
        "service": "TCP 443",
        "action": "許可",
        "setting": "",
    }
    reason = "業務クライアントから参照できるようにするため。"
    return _change(actor, "POLICY", "連合会独自向けFW（仮想）", "12", after, days, reason)


def _change(
    actor: User, subject: str, equipment: str, item: str, after: dict[str, str], days: int, reason: str
) -> dict[str, Any]:
    return {
        "subject": subject,
        "equipment": equipment,
        "item": item,
        "system_name": _SYSTEM,
        "before": {},
        "after": after,
        "differs": False,
        "reason": reason,
        "changed_at": timezone.now() - timedelta(days=days),
        "changed_by": actor.display_name,
    }
