"""Reading the register of password settings within a person's scope (ORG-02)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, READ_PASSWORD_SETTINGS
from portal.workflow import selectors as workflow
from portal.workflow.models import Application
from requests.password_settings import telling
from requests.password_settings.models import PasswordLifetime, PasswordLifetimeEvent
from requests.password_settings.payloads import END, EXTEND

REVIEW, OVERDUE = "review", "overdue"
_State = PasswordLifetime.State


def organisations(user: User) -> list[Organisation]:
    """The organisations whose settings this person can read, for the filter."""
    if user.reads_everywhere(READ_PASSWORD_SETTINGS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_PASSWORD_SETTINGS)


def lifetimes(
    user: User, q: str = "", *, state: str = "", organisation: str = "", due: str = ""
) -> QuerySet[PasswordLifetime]:
    """The settings that this person may see; all words of `q` in name, group, login name or person."""
    own = user.organisations_where(READ_PASSWORD_SETTINGS)
    rows: Any = PasswordLifetime.objects.visible_to(user)
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_PASSWORD_SETTINGS):
        rows = rows.filter(organisation__in=own)
    if due == REVIEW:
        rows = rows.filter(pk__in=telling.to_review(user).values("pk"))
    elif due == OVERDUE:
        rows = rows.filter(state=_State.IN_FORCE, until__lt=timezone.localdate())
    if state in _State.values:
        rows = rows.filter(state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    return matching(rows.select_related("organisation"), q)  # type: ignore[no-any-return]


def lifetime(user: User, pk: int) -> PasswordLifetime:
    """One that this person may see. Raises PasswordLifetime.DoesNotExist."""
    return lifetimes(user).select_related("organisation", "line__application", "reviewed_by").get(pk=pk)


def history_of(user: User, row: PasswordLifetime) -> QuerySet[PasswordLifetimeEvent]:
    """What happened, oldest first."""
    found: QuerySet[PasswordLifetimeEvent] = PasswordLifetimeEvent.objects.visible_to(user).filter(
        lifetime=row
    )
    return found


def applications_of(user: User, row: PasswordLifetime) -> QuerySet[Application]:
    """The applications about these settings that the person may read, newest first."""
    return (
        workflow.applications(user, workflow.Filters())
        .filter(Q(lines=row.line_id) | Q(kind__in=(EXTEND, END), lines__subject_key=row.name.lower()))
        .filter(organisation=row.organisation_id)
        .distinct()
        .order_by("-id")
    )


def may_apply(user: User, row: PasswordLifetime) -> bool:
    """Whether the person may apply to extend or end them."""
    return row.is_in_force and user.may(APPLY, row.organisation_id)
