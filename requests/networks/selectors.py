"""Reading allotments and the map: the own segments by name, those of others only as used (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.search import matching
from portal.fulfilment.models import OperationStatus
from portal.orgs import networks
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import ALLOT_NETWORKS, READ_NETWORKS
from portal.workflow.models import ApplicationLine
from portal.workflow.waiting import Waiting
from requests.networks import pool
from requests.networks.models import Allotment, SegmentPool
from requests.networks.payloads import KIND, TARGET, Action
from requests.networks.pool import AHEAD, FREE, HALF, USED, Place

WORDS: dict[str, Any] = {
    FREE: pgettext_lazy("segment", "free"),
    HALF: pgettext_lazy("segment", "half used"),
    USED: pgettext_lazy("segment", "used"),
    AHEAD: pgettext_lazy("segment", "reserved"),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row of the figures for one federation, as this person may see it."""

    place: Place
    own: bool

    @property
    def word(self) -> str:
        """Its state in words."""
        return str(WORDS[self.place.state])

    @property
    def anchor(self) -> str:
        """The id of the row that says more."""
        return f"n-{self.place.network.network_address}".replace(".", "-")

    @property
    def shown(self) -> tuple[networks.Registered, ...]:
        """What stands there by name: nothing of others."""
        return self.place.held if self.own else ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One federation on the map."""

    organisation: Organisation
    cells: list[Cell]
    own: bool


def map_rows(user: User, day: date) -> list[Row]:
    """Every federation, the person's own first; two statements and those of the register."""
    rows = list(SegmentPool.objects.all())
    live = networks.the_register().live(day)
    everywhere = user.reads_everywhere(READ_NETWORKS)
    mine = {place.pk for place in user.organisations_where(READ_NETWORKS)}
    found = []
    for organisation in Organisation.objects.order_by("sort_order"):
        own = everywhere or organisation.pk in mine
        cells = [Cell(place=each, own=own) for each in pool.places(organisation, rows, live, day)]
        if cells:
            found.append(Row(organisation=organisation, cells=cells, own=own))
    return sorted(found, key=lambda row: not row.own) if not everywhere else found


def allotments(
    user: User, q: str = "", *, use: str = "", state: str = "", organisation: str = ""
) -> QuerySet[Allotment]:
    """What was allotted to organisations that the person reads; all words of `q` occur."""
    rows: Any = Allotment.objects.visible_to(user).select_related("organisation", "allotted_by")
    own = user.organisations_where(READ_NETWORKS)
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_NETWORKS):
        rows = rows.filter(organisation__in=own)
    if state:
        rows = rows.filter(valid_until__isnull=state != "ended")
    exact = {"use": use, "organisation__code": organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    return matching(rows, q)  # type: ignore[no-any-return]


def organisations(user: User) -> list[Organisation]:
    """For the filter."""
    if user.reads_everywhere(READ_NETWORKS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_NETWORKS)


def waiting_lines(user: User) -> QuerySet[ApplicationLine]:
    """The approved lines for which a segment is to be chosen, the oldest first."""
    rows: Any = ApplicationLine.objects.visible_to(user).filter(
        application__kind=KIND,
        payload__action=Action.TAKE,
        operations__target=TARGET,
        operations__status=OperationStatus.WAITING,
        allotment=None,
    )
    return rows.select_related("application", "organisation").order_by("pk")  # type: ignore[no-any-return]


def waiting_for(user: User, now: datetime) -> Iterable[Waiting]:
    """What waits on the home page of those who allot."""
    if user.may(ALLOT_NETWORKS):
        count = waiting_lines(user).count()
        url = f"{reverse('network_map')}#h-waiting"
        yield Waiting(label=_("Segments to allot"), icon="route", count=count, url=url)
