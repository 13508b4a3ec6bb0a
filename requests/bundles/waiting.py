"""What waits in bundles, for the home page: the applicant's own parts, and for operations those that are open too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.common.pagination import limited_count
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, FEDERATIONS, READ_OPERATIONS
from portal.workflow.waiting import Waiting
from requests.bundles import selectors


def cards(user: User, now: datetime) -> Iterator[Waiting]:
    """One statement at most, and none for people who can do nothing about it."""
    if any(place.kind in FEDERATIONS for place in user.organisations_where(APPLY)):
        rows = selectors.bundles(user, owed="1").filter(applicant=user)
        address = f"{reverse('bundle_list')}?owed=1"
        yield Waiting(
            label=_("PCs that come or go: yours to do"),
            icon="computer",
            count=limited_count(rows),
            url=address,
        )
    elif user.may(READ_OPERATIONS):
        rows, address = selectors.bundles(user, owed="old"), f"{reverse('bundle_list')}?owed=old"
        yield Waiting(
            label=_("PCs that come or go: open for long"),
            icon="computer",
            count=limited_count(rows),
            url=address,
        )
