"""Reading quarantine results within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from devices.computers.models import Agent, Computer
from devices.quarantine.models import Inspection, QuarantineEvent, QuarantineStatus, Result
from devices.selectors import readable
from devices.whitelist.models import WhitelistEntry
from portal.common.search import matching
from portal.orgs.models import User

RESULTS: Mapping[str, Any] = {
    **{str(value): label for value, label in Result.choices},
    "NEVER": gettext_lazy("no result yet"),
    "GRACE": gettext_lazy("within the grace"),
    "OVER": gettext_lazy("grace over"),
    "NO_AGENT": gettext_lazy("without the quarantine agent"),
}


def machines(
    user: User, q: str = "", *, result: str = "", failed: str = "", organisation: str = ""
) -> QuerySet[Computer]:
    """The PCs in use that quarantine covers, each with its newest result and its live whitelist entries."""
    rows = readable(user, Computer.objects.visible_to(user))
    rows = rows.filter(state=Computer.State.IN_USE, kind__is_guarded=True, kind__has_system=True)
    rows = rows.filter(business_system__is_own=False)
    live = WhitelistEntry.system.filter(state=WhitelistEntry.State.APPROVED).order_by("id")
    rows = rows.select_related("organisation", "kind", "quarantine").prefetch_related(
        Prefetch("whitelist_entries", queryset=live, to_attr="live_entries")
    )
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if failed in Inspection.values:
        rows = rows.filter(quarantine__failed__contains=[failed])
    if result in RESULTS:
        rows = rows.filter(_condition(result))
    return matching(rows, q)


def _condition(result: str) -> Q:
    if result in Result.values:
        return Q(quarantine__result=result)
    if result == "NEVER":
        return Q(quarantine=None)
    if result == "NO_AGENT":
        # As the column says it: what the quarantine server found counts, the register only before that.
        unsaid = Q(quarantine__has_agent=None)
        return Q(quarantine__has_agent=False) | (unsaid & ~Q(agents__contains=[Agent.QUARANTINE]))
    today, days = timezone.localdate(), settings.DEVICES["quarantine_days"]
    begins = {test: today - timedelta(days=days[test]) for test in ("PATCHES", "PATTERNS")}
    over = Q(quarantine__patches_since__lt=begins["PATCHES"]) | Q(
        quarantine__patterns_since__lt=begins["PATTERNS"]
    )
    if result == "OVER":
        return over
    missing = Q(quarantine__patches_since__isnull=False) | Q(quarantine__patterns_since__isnull=False)
    return missing & ~(
        Q(quarantine__patches_since__isnull=False, quarantine__patches_since__lt=begins["PATCHES"])
        | Q(quarantine__patterns_since__isnull=False, quarantine__patterns_since__lt=begins["PATTERNS"])
    )


def status_of(computer: Computer) -> QuarantineStatus | None:
    """The newest result of a machine that the person sees."""
    return QuarantineStatus.system.filter(computer=computer).first()  # type: ignore[no-any-return]


def history_of(user: User, computer: Computer) -> QuerySet[QuarantineEvent]:
    """The results that differed from the ones before, newest first."""
    return QuarantineEvent.objects.visible_to(user).filter(computer=computer).order_by("-id")
