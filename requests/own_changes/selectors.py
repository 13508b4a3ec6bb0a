"""Reading records within a person's scope (ORG-02)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import READ_OWN_CHANGES
from requests.own_changes.models import OwnChange, Subject


def changes(user: User, q: str = "", *, subject: str = "", organisation: str = "") -> QuerySet[OwnChange]:
    """The records that this person may see, newest first."""
    own = user.organisations_where(READ_OWN_CHANGES)
    rows: Any = OwnChange.objects.visible_to(user).select_related("organisation", "recorded_by")
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_OWN_CHANGES):
        rows = rows.filter(organisation__in=own)
    if subject in Subject.values:
        rows = rows.filter(subject=subject)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    return matching(rows, q)  # type: ignore[no-any-return]


def change(user: User, number: str) -> OwnChange:
    """One record; raises OwnChange.DoesNotExist also for another federation's (ORG-02)."""
    if "\x00" in number:
        raise OwnChange.DoesNotExist
    found: OwnChange = changes(user).select_related("corrects").get(number=number)
    return found


def same_item(user: User, found: OwnChange) -> QuerySet[OwnChange]:
    """All records of the same port or policy, newest first."""
    rows = OwnChange.objects.visible_to(user).filter(organisation=found.organisation_id)
    return rows.filter(subject=found.subject, equipment=found.equipment, item_key=found.item_key).order_by(
        "-id"
    )


def organisations(user: User) -> list[Organisation]:
    """The organisations whose records this person can read, for the filter."""
    if user.reads_everywhere(READ_OWN_CHANGES):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_OWN_CHANGES)
