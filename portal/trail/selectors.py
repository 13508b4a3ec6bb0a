"""Reading the trail (SEC-03), within the organisations for which somebody may read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import READ_TRAIL, SEES_EVERYTHING
from portal.trail.actions import SHARED
from portal.trail.models import TrailEntry


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a reader of the trail looks for; the days are days in Japan, both included."""

    action: str = ""
    person: str = ""
    subject: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


def entries(user: User, filters: Filters) -> QuerySet[TrailEntry]:
    """Entries about the reader's organisations, and what their people did that concerns no organisation, such as logins.

    What others did about them only as far as portal.trail.actions shares it: never what the embargo keeps (AUD-04), nor notes
    about them. List, export and proofs all begin here.
    """
    rows = TrailEntry.objects.select_related("actor", "organisation", "object_organisation")
    readable = user.organisations_where(READ_TRAIL)
    if not any(organisation.kind in SEES_EVERYTHING for organisation in readable):
        keys = [organisation.pk for organisation in readable]
        theirs = Q(organisation__in=keys) | Q(action__in=list(SHARED))
        rows = rows.filter(
            Q(theirs, object_organisation__in=keys) | Q(object_organisation=None, organisation__in=keys)
        )
    return _matching(rows, filters)


def _matching(rows: QuerySet[TrailEntry], filters: Filters) -> QuerySet[TrailEntry]:
    if filters.action:
        rows = rows.filter(action=filters.action)
    if filters.person:
        rows = rows.filter(
            Q(actor_name__icontains=filters.person) | Q(actor__login_name__iexact=filters.person)
        )
    if filters.subject:
        rows = rows.filter(object_label__icontains=filters.subject)
    if filters.since:
        rows = rows.filter(at__gte=dt.datetime.combine(filters.since, dt.time(), JST))
    if filters.until:
        rows = rows.filter(at__lte=dt.datetime.combine(filters.until, dt.time.max, JST))
    return rows
