"""Records of own changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from portal.common.time import JST
from portal.orgs.models import User
from requests.own_changes import services
from requests.own_changes.models import OwnChange


def values(**more: Any) -> dict[str, Any]:
    """What the service takes for a port."""
    return {
        "subject": "L2SW",
        "equipment": "連合会サーバL2SW#1",
        "item": "24",
        "system_name": "",
        "before": {},
        "after": {"vlan": "120", "device": "", "setting": ""},
        "differs": False,
        "reason": "独自処理システムの追加のため。",
        "changed_at": datetime(2026, 11, 1, 10, tzinfo=JST),
        "changed_by": "情報 太郎",
    } | more


def change(actor: User, **more: Any) -> OwnChange:
    """A record of the actor's organisation."""
    (made,) = services.record(
        organisation=actor.organisation, values=[values(**more)], actor=actor, now=timezone.now()
    )
    return made
