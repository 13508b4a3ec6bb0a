"""Reading bundles within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import READ_APPLICATIONS
from portal.workflow.models import Application, Status
from portal.workflow.related import Related
from portal.workflow.scope import decidable
from requests.bundles.models import Action, Bundle, BundleEvent, BundlePart

_OWED = (
    Status.DRAFT,
    Status.RETURNED,
    Status.PULLED_BACK,
    Status.REJECTED,
    Status.WITHDRAWN,
    Status.NOT_DONE,
)


def organisations(user: User) -> list[Organisation]:
    """The organisations whose bundles this person can read, for the filter."""
    if user.reads_everywhere(READ_APPLICATIONS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_APPLICATIONS)


def bundles(
    user: User, q: str = "", *, state: str = "", action: str = "", organisation: str = "", owed: str = ""
) -> QuerySet[Bundle]:
    """The bundles that this person may see; all words of `q` in number, machines, addresses, reason or applicant.

    Somebody else's draft is nobody's business. `owed` "1": those in which the federation must do something,
    "old": those that are open longer than the setting.
    """
    own = user.organisations_where(READ_APPLICATIONS)
    rows: Any = Bundle.objects.visible_to(user).select_related("organisation", "applicant")
    rows = rows.exclude(~Q(applicant=user), state=Bundle.State.DRAFT)
    if not own:
        rows = rows.filter(applicant=user)
    elif not user.reads_everywhere(READ_APPLICATIONS):
        rows = rows.filter(Q(organisation__in=own) | Q(applicant=user))
    if state in Bundle.State.values:
        rows = rows.filter(state=state)
    if action in Action.values:
        rows = rows.filter(action=action)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if owed == "1":
        parts = BundlePart.system.filter(bundle=OuterRef("pk"), left_out_at=None)
        waits = parts.filter(Q(application=None) | Q(application__status__in=_OWED))
        rows = rows.filter(Exists(waits), state=Bundle.State.OPEN)
    if owed == "old":
        since = timezone.now() - timedelta(days=int(settings.BUNDLES["remind_days"]))
        rows = rows.filter(state=Bundle.State.OPEN, submitted_at__lte=since)
    return matching(rows, q)  # type: ignore[no-any-return]


def bundle(user: User, number: str) -> Bundle:
    """One bundle; raises Bundle.DoesNotExist also for another federation's (ORG-02)."""
    return bundles(user).get(number=number)


def history_of(user: User, found: Bundle) -> QuerySet[BundleEvent]:
    """What happened to a bundle that the person sees, newest first."""
    return BundleEvent.objects.visible_to(user).filter(bundle=found).order_by("-id")


def to_decide(user: User, found: Bundle) -> list[Application]:
    """The linked applications whose open stage is this person's to decide."""
    parts = BundlePart.system.filter(bundle=found, left_out_at=None).values("application")
    stages = decidable(user).filter(application__in=parts).values("application")
    rows = Application.objects.visible_to(user).filter(pk__in=stages, status=Status.IN_REVIEW)
    return list(rows.select_related("organisation", "applicant").order_by("pk"))


def bundle_of(user: User, application: Application) -> Iterator[Related]:
    """The link from a linked application to its board."""
    rows = Bundle.objects.visible_to(user).filter(parts__application=application).distinct()
    for found in rows:
        yield Related(
            label=pgettext_lazy("bundle", "Opened with others by"),
            text=f"{found.number} {found.get_action_display()} {found.subject}",
            url=reverse("bundle", args=[found.number]),
        )
