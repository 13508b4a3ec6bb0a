"""What the page of packs shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from portal.continuity.models import ContinuityPack, EmergencyNumber
from portal.orgs.models import Organisation, User

TOO_OLD = timedelta(hours=26)  # a night was missed


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """How ready operations are for a day without the portal."""

    newest: ContinuityPack | None
    is_old: bool
    has_key: bool


def readiness(now: datetime) -> Readiness:
    """The newest pack, whether it is too old, and whether any key is set."""
    newest = ContinuityPack.objects.filter(removed_at=None).first()
    return Readiness(
        newest=newest,
        is_old=newest is None or now - newest.made_at > TOO_OLD,
        has_key=bool(settings.CONTINUITY["recipients"]),
    )


def packs() -> QuerySet[ContinuityPack]:
    """Every pack, the newest first."""
    return ContinuityPack.objects.select_related("made_by")


def reserve_of(user: User) -> QuerySet[Organisation]:
    """How many numbers of each organisation's block are free and used, of those that this person sees."""
    seen = EmergencyNumber.objects.visible_to(user).values("organisation_id")
    found = Organisation.objects.filter(pk__in=seen).annotate(
        free=Count("emergency_numbers", filter=Q(emergency_numbers__used_at=None)),
        used=Count("emergency_numbers", filter=Q(emergency_numbers__used_at__isnull=False)),
    )
    return found.order_by("sort_order", "code")
