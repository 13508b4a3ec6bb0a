"""What waits for whom about password settings, where their mails lead, and links on the page of a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.notices import messages, places
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, DECIDE, READ_PASSWORD_SETTINGS
from portal.workflow import related, waiting
from portal.workflow.models import Application
from portal.workflow.related import Related
from portal.workflow.waiting import Waiting
from requests.password_settings import services
from requests.password_settings.known import setting
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import KINDS


def register_all() -> None:
    """Called once when the portal starts."""
    waiting.register(_reviews)
    places.provide(
        services.REVIEW, lambda notice: reverse("password_lifetime", args=[notice.context["lifetime"]])
    )
    messages.provide(services.REVIEW, _for_review)
    for kind in sorted(KINDS):
        related.register(kind, links)


def _for_review(notice: Notice) -> dict[str, Any]:
    return {"review_url": messages.link("password_lifetime", notice.context["lifetime"])}


def to_review(user: User) -> Any:
    """The settings of the person's organisations that end soon and that nobody has reviewed."""
    places_ = {o.pk for permission in (APPLY, DECIDE) for o in user.organisations_where(permission)}
    day = timezone.localdate()
    return PasswordLifetime.objects.visible_to(user).filter(
        organisation__in=places_,
        state=PasswordLifetime.State.IN_FORCE,
        until__gte=day,
        until__lte=day + timedelta(days=setting("review_days")),
        reviewed_at=None,
    )


def _reviews(user: User, now: datetime) -> Iterator[Waiting]:
    """Longer lifetimes that end soon: extend, or let them end."""
    if user.organisations_where(APPLY) or user.organisations_where(DECIDE):
        yield Waiting(
            label=gettext_lazy("Longer password lifetimes to review"),
            icon="key",
            count=to_review(user).order_by().count(),
            url=f"{reverse('password_lifetime_list')}?due=review",
        )


def links(user: User, application: Application) -> Iterable[Related]:
    """The list of accounts, and the settings that came of it."""
    if not user.may(READ_PASSWORD_SETTINGS):
        return
    yield Related(
        label=gettext_lazy("Who is affected"),
        text=_("list of accounts"),
        url=reverse("password_lifetime_people", args=[application.number]),
    )
    rows = PasswordLifetime.objects.visible_to(user).filter(
        Q(line__application=application) | Q(events__application_number=application.number)
    )
    for row in rows.distinct()[:5]:
        yield Related(
            label=gettext_lazy("Entry in the register"),
            text=row.name,
            url=reverse("password_lifetime", args=[row.pk]),
        )
