"""Reading campaigns within a person's scope (DEV-07, ORG-02)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet

from devices.computers.models import Computer
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.permits.models import Device
from devices.selectors import readable
from portal.common.search import matching
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, DECIDE_INVENTORY
from portal.workflow.models import Application

# What the filter of the decision offers beside the decisions themselves.
OPEN, GONE, REPLIED, UNSEEN = "open", "gone", "replied", "unseen"
DECISIONS = (OPEN, *InventoryLine.Decision.values, GONE, REPLIED, UNSEEN)
_OPEN = Q(decision="", gone_at=None)
_COUNTED: dict[str, Q] = {
    "total": Q(),
    "kept": Q(decision=InventoryLine.Decision.KEEP),
    "removing": Q(decision=InventoryLine.Decision.REMOVE),
    "missing": Q(decision=InventoryLine.Decision.MISSING),
    "gone": Q(decision="", gone_at__isnull=False),
    "waiting": _OPEN,
    "recent": Q(usage=InventoryLine.Usage.RECENT),
    "unused": Q(usage=InventoryLine.Usage.UNUSED),
    "never": Q(usage=InventoryLine.Usage.NEVER),
    "unknown": Q(usage=InventoryLine.Usage.UNKNOWN),
    "waiting_recent": _OPEN & Q(usage=InventoryLine.Usage.RECENT),
    "replied": _OPEN & ~Q(reply=""),
    "unwritten": Q(decision=InventoryLine.Decision.REMOVE, application=None),
    "seen": Q(seen_at__isnull=False),
}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The lines of a sheet or of a campaign, by what became of them."""

    total: int = 0
    kept: int = 0
    removing: int = 0
    missing: int = 0
    gone: int = 0
    waiting: int = 0
    recent: int = 0
    unused: int = 0
    never: int = 0
    unknown: int = 0
    waiting_recent: int = 0
    replied: int = 0  # the user has answered, and nobody decided
    unwritten: int = 0  # to be removed, and in no application
    seen: int = 0

    @property
    def done(self) -> int:
        """The lines that wait for nobody."""
        return self.total - self.waiting

    @property
    def percent(self) -> int:
        """How far it is; 100 only when nothing is left."""
        return 100 if not self.waiting else self.done * 100 // self.total

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """The parts of a bar that is 100 long: name, where it begins, how long it is."""
        parts, begins = [], 0.0
        for name in ("kept", "removing", "missing", "gone"):
            length = round(getattr(self, name) * 100 / self.total, 2) if self.total else 0.0
            if length:
                parts.append((name, round(begins, 2), length))
            begins += length
        return parts


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """One campaign in the overview, with the counts of what the person sees."""

    campaign: InventoryCampaign
    counts: Counts
    open_sheets: int


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One federation in a campaign."""

    sheet: InventorySheet
    counts: Counts
    is_late: bool

    @property
    def exceptions(self) -> int:
        """What people have to look at: everything that was not used recently."""
        return self.counts.total - self.counts.recent


@dataclass(frozen=True, kw_only=True)
class Report:
    """A campaign over every federation that the person sees, and the sum."""

    rows: list[ReportRow]
    total: Counts

    @property
    def late(self) -> int:
        """How many federations let the date pass."""
        return sum(row.is_late for row in self.rows)

    @property
    def finished(self) -> int:
        """How many federations owe nothing."""
        return sum(not row.counts.waiting for row in self.rows)


def sheets(user: User) -> QuerySet[InventorySheet]:
    """The sheets of the organisations whose devices this person reads."""
    rows: QuerySet[InventorySheet] = readable(user, InventorySheet.objects.visible_to(user))
    return rows.select_related("campaign", "organisation")


def sheet(user: User, starts_on: date, code: str) -> InventorySheet:
    """One sheet; raises InventorySheet.DoesNotExist also for another federation's (ORG-02)."""
    return sheets(user).get(campaign__starts_on=starts_on, organisation__code=code)


def lines(user: User) -> QuerySet[InventoryLine]:
    """The lines of those sheets, with what a screen shows of each."""
    rows: QuerySet[InventoryLine] = readable(user, InventoryLine.objects.visible_to(user))
    return rows.select_related("decided_by", "seen_by", "application", "sheet__campaign", "organisation")


def filtered(rows: Any, *, q: str = "", decision: str = "", usage: str = "") -> Any:
    """Lines that hold every word of `q`, with this decision (or one of DECISIONS) and this use."""
    special = {
        OPEN: _OPEN,
        GONE: Q(gone_at__isnull=False, decision=""),
        REPLIED: _OPEN & ~Q(reply=""),
        UNSEEN: Q(seen_at=None),
    }
    if decision in special:
        rows = rows.filter(special[decision])
    elif decision:
        rows = rows.filter(decision=decision)
    if usage == "exceptions":
        rows = rows.exclude(usage=InventoryLine.Usage.RECENT)
    elif usage:
        rows = rows.filter(usage=usage)
    return matching(rows, q)


def counts_of(user: User, sheet: InventorySheet) -> Counts:
    """The counts of one sheet, in one statement."""
    return _counts(user, "sheet_id", sheet=sheet).get(sheet.pk, Counts())


def quarters(user: User, limit: int = 24) -> list[Quarter]:
    """The newest campaigns with the counts of what the person sees."""
    campaigns = list(InventoryCampaign.objects.order_by("-starts_on")[:limit])
    counts = _counts(user, "sheet__campaign_id", sheet__campaign__in=campaigns)
    waiting = sheets(user).filter(campaign__in=campaigns, status=InventorySheet.Status.OPEN).order_by()
    open_ones = dict(waiting.values_list("campaign_id").annotate(Count("pk")))
    return [
        Quarter(campaign=row, counts=counts.get(row.pk, Counts()), open_sheets=open_ones.get(row.pk, 0))
        for row in campaigns
    ]


def report(user: User, campaign: InventoryCampaign, today: date) -> Report:
    """Every federation of a campaign: the late ones first, then those that still owe decisions."""
    counts = _counts(user, "sheet_id", sheet__campaign=campaign)
    found = sheets(user).filter(campaign=campaign).order_by("organisation__sort_order", "organisation__code")
    over = today > campaign.due_on or not campaign.is_open
    rows = []
    for one in found:
        own = counts.get(one.pk, Counts())
        rows.append(ReportRow(sheet=one, counts=own, is_late=over and own.waiting > 0))
    rows.sort(key=lambda row: (not row.is_late, not row.counts.waiting, not row.counts.total))
    names = Counts.__dataclass_fields__
    total = {name: sum(getattr(row.counts, name) for row in rows) for name in names}
    return Report(rows=rows, total=Counts(**total))


def may_decide(user: User, sheet: InventorySheet) -> bool:
    """Whether the page offers decisions; the service checks the same again."""
    return sheet.campaign.is_open and user.may(DECIDE_INVENTORY, sheet.organisation_id)


def may_apply(user: User, sheet: InventorySheet) -> bool:
    """Whether the page offers the removal application."""
    return sheet.campaign.is_open and user.may(APPLY, sheet.organisation_id)


def drafts_of(user: User, sheet: InventorySheet) -> QuerySet[Application]:
    """The removal applications of this sheet that the person has begun and not submitted."""
    begun = InventoryLine.objects.visible_to(user).filter(sheet=sheet).values("application_id")
    rows = Application.objects.visible_to(user).filter(pk__in=begun, applicant=user, status="DRAFT")
    return rows.order_by("pk")


def sheets_of(user: User, application: Application) -> QuerySet[InventorySheet]:
    """The sheets whose decisions opened this application."""
    found = InventoryLine.objects.visible_to(user).filter(application=application).values("sheet_id")
    return sheets(user).filter(pk__in=found)


def lines_of_device(user: User, device: Device) -> QuerySet[InventoryLine]:
    """What the inventories found out about a device, the newest first."""
    return lines(user).filter(device=device).order_by("-sheet__campaign__starts_on")


def lines_of_computer(user: User, computer: Computer) -> QuerySet[InventoryLine]:
    """What the inventories found out about the devices that are permitted on a machine, the newest first."""
    found = lines(user).filter(permit__computers=computer)
    return found.order_by("-sheet__campaign__starts_on", "number")


def _counts(user: User, group: str, **which: Any) -> dict[int, Counts]:
    """Counts by `group`, in one statement."""
    rows = readable(user, InventoryLine.objects.visible_to(user)).filter(**which).order_by().values(group)
    # With a letter in front: an annotation must not be called like a column.
    found = rows.annotate(
        **{f"n_{name}": Count("pk", filter=condition) for name, condition in _COUNTED.items()}
    )
    return {row[group]: Counts(**{name: row[f"n_{name}"] for name in _COUNTED}) for row in found}
