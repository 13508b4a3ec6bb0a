"""What the clock does with outages: a reminder before, an alert when nobody confirmed after the start (REQ-10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from requests.outages import telling
from requests.outages.models import Confirmer, Outage


def look_after(*, now: datetime) -> str:
    """How many were reminded of and alerted about; each once for its times."""
    near = now + timedelta(hours=settings.OUTAGES["remind_hours"])
    live = Outage.objects.filter(state=Outage.State.PLANNED)
    soon = live.filter(reminded_at=None, stops_at__gt=now, stops_at__lte=near)
    late = live.filter(alerted_at=None, starts_at__lte=now)
    reminded = sum(_remind(pk, now) for pk in list(soon.values_list("pk", flat=True)))
    alerted = sum(_alert(pk, now) for pk in list(late.values_list("pk", flat=True)))
    return f"reminded {reminded}, alerted {alerted}" if reminded or alerted else ""


@transaction.atomic
def _remind(pk: int, now: datetime) -> bool:
    outage = Outage.objects.select_for_update().get(pk=pk)
    if outage.state != Outage.State.PLANNED or outage.reminded_at is not None or outage.stops_at <= now:
        return False
    outage.reminded_at = now
    outage.save(update_fields=["reminded_at", "updated_at"])
    concerned = set(outage.parts.values_list("organisation_id", flat=True))
    telling.tell_concerned("outage_reminder", outage, concerned, now)
    return True


@transaction.atomic
def _alert(pk: int, now: datetime) -> bool:
    outage = Outage.objects.select_for_update().get(pk=pk)
    if outage.state != Outage.State.PLANNED or outage.alerted_at is not None or outage.starts_at > now:
        return False
    outage.alerted_at = now
    outage.save(update_fields=["alerted_at", "updated_at"])
    telling.tell_operators("outage_overdue", outage, now)
    silent = Confirmer.system.filter(outage=outage).exclude(result=Confirmer.Result.NORMAL)
    outside = silent.exclude(organisation__kind="OPERATIONS").select_related("person")
    telling.tell_confirmers("outage_overdue", outage, outside, now)
    return True
