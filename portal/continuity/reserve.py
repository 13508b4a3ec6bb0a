"""The reserved block: for each organisation some login names and emergency numbers that nobody else gets (ACC-12)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower

from portal.continuity.models import EmergencyNumber
from portal.orgs.models import Organisation
from portal.workflow.models import ApplicationLine


def keep_reserve(now: datetime) -> int:
    """Fill every organisation's block up to the setting; how many numbers were added. Safe to run twice at once."""
    return sum(_fill(organisation, now) for organisation in Organisation.objects.order_by("pk"))


@transaction.atomic
def _fill(organisation: Organisation, now: datetime) -> int:
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)  # one at a time
    rows = EmergencyNumber.system.filter(organisation=organisation)
    missing = int(settings.CONTINUITY["reserve"]) - rows.filter(used_at=None).count()
    first = rows.count() + 1
    made = [
        EmergencyNumber(
            organisation=organisation,
            number=f"E-{organisation.code.upper()}-{position:04}"[:20],
            login_name=f"{_prefix(organisation)}e{position:04}",
            made_at=now,
        )
        for position in range(first, first + max(missing, 0))
    ]
    EmergencyNumber.system.bulk_create(made)
    return len(made)


def _prefix(organisation: Organisation) -> str:
    return f"kk{organisation.code.lower()}"[:14]


def kept_aside(names: Collection[str]) -> set[str]:
    """Which of these login names (lower case) belong to a reserved block, used or not: they are never proposed."""
    rows = EmergencyNumber.system.annotate(folded=Lower("login_name")).filter(folded__in=list(names))
    return set(rows.values_list("folded", flat=True))


def find(organisation: Organisation, number: str) -> EmergencyNumber | None:
    """The number of this organisation; one of another is as unknown as none (ORG-02)."""
    return EmergencyNumber.system.filter(organisation=organisation, number__iexact=number).first()


@transaction.atomic
def use(*, number: str, line: ApplicationLine, now: datetime) -> None:
    """The number was used for what this line entered afterwards. Used by the same line twice is once."""
    row = EmergencyNumber.system.select_for_update().get(
        number__iexact=number, organisation_id=line.organisation_id
    )
    if row.used_at is None:
        row.used_at, row.used_by_line = now, line
        row.save(update_fields=["used_at", "used_by_line"])
