"""Reading alerts within a person's scope (ORG-02), and their monthly figures."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth

from devices.alerts.models import AlertEvent, AlertImport, DeviceAlert
from devices.computers.models import Computer
from devices.selectors import readable
from portal.common.text import search_terms
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, REGISTER_DEVICES


def alerts(
    user: User,
    q: str = "",
    *,
    state: str = "",
    kind: str = "",
    organisation: str = "",
    month: str = "",
    computer: str = "",
    device: str = "",
) -> QuerySet[DeviceAlert]:
    """The alerts that this person may see, those read last first; `month` as 2026-11, and none for another word."""
    rows = readable(user, DeviceAlert.objects.visible_to(user))
    rows = rows.select_related("organisation", "computer", "device", "permit", "answered_by")
    exact = {
        "state": state,
        "kind": kind,
        "organisation__code": organisation,
        "computer__name": computer.upper(),
        "device__number": device,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if month:
        first = month_of(month)
        rows = rows.filter(at__gte=_start(first), at__lt=_start(_next(first))) if first else rows.none()
    for word in search_terms(q):
        inside = Q(device__search_text__contains=word) | Q(computer_name__icontains=word)
        rows = rows.filter(
            inside | Q(seen__serial__icontains=word) | Q(seen__model__icontains=word) | Q(reference=word)
        )
    return rows


def alert(user: User, pk: int) -> DeviceAlert:
    """One alert; raises DeviceAlert.DoesNotExist."""
    return alerts(user).select_related("source").get(pk=pk)


def history_of(user: User, found: DeviceAlert) -> QuerySet[AlertEvent]:
    """Every answer, newest first."""
    return AlertEvent.objects.visible_to(user).filter(alert=found).order_by("-id")


def alerts_of(user: User, computer: Computer) -> QuerySet[DeviceAlert]:
    """The alerts of one machine."""
    return alerts(user).filter(computer=computer)


def imports(user: User) -> QuerySet[AlertImport]:
    """Files that were read, newest first."""
    rows = AlertImport.objects.visible_to(user)
    if not user.may(READ_OPERATIONS):
        rows = rows.filter(organisation__in=user.organisations_where(REGISTER_DEVICES))
    return rows.select_related("organisation", "imported_by")


def monthly(user: User, *, organisation: str = "") -> list[dict[str, Any]]:
    """Per month in Japan and federation: how many alerts of each kind, and how many wait for an answer."""
    rows = readable(user, DeviceAlert.objects.visible_to(user))
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    counted = {kind: Count("pk", filter=Q(kind=kind)) for kind in DeviceAlert.Kind.values}
    found = (
        rows.annotate(month=TruncMonth("at", tzinfo=JST))
        .values("month", "organisation__code", "organisation__short_name")
        .annotate(total=Count("pk"), open=Count("pk", filter=Q(state="OPEN")), **counted)
        .order_by("-month", "organisation__sort_order", "organisation__code")
    )
    return list(found[:1200])


def month_of(text: str) -> date | None:
    """The first day of 2026-11, also written 2026/11, ２０２６－１１ or 2026年11月; None for anything else."""
    written = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(r"(20\d\d)[-/.年](0?[1-9]|1[0-2])月?", written, re.ASCII)
    return date(int(found[1]), int(found[2]), 1) if found else None


def _next(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=JST)
