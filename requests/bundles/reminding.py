"""Open bundles are looked after: those that ended are ended, and the applicant of an old one is reminded (REQ-13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from portal.common.time import is_business_day, today
from portal.notices import services as notices
from portal.notices.errors import NothingToSay
from portal.notices.messages import link
from portal.notices.models import Notice
from requests.bundles import services, states
from requests.bundles.models import Bundle

TEMPLATE = "bundle_open"


def look_after(*, now: datetime) -> str:
    """Every open bundle once: what may go on goes on, what is done ends, and who owes something is told."""
    ended = reminded = 0
    for pk in list(Bundle.system.filter(state=Bundle.State.OPEN).order_by("pk").values_list("pk", flat=True)):
        ended += services.look(bundle_id=pk, now=now)
    reminded = remind(now=now)
    return f"{ended} / {reminded}"


def remind(*, now: datetime) -> int:
    """Tell the applicants of bundles that are open longer than the setting, on business days; how many."""
    day = today(now)
    if not is_business_day(day):
        return 0
    ids = old(now).filter(_due(now)).order_by("pk").values_list("pk", flat=True)
    return sum(_remind(pk, now) for pk in list(ids))


def old(now: datetime) -> Any:
    """The bundles that are open longer than the setting's days: operations see them too."""
    days = int(settings.BUNDLES["remind_days"])
    return Bundle.system.filter(state=Bundle.State.OPEN, submitted_at__lte=now - timedelta(days=days)).filter(
        Q(desired_on=None) | Q(desired_on__lte=today(now))
    )


def _due(now: datetime) -> Q:
    since = today(now) - timedelta(days=int(settings.BUNDLES["remind_days"]))
    return Q(reminded_on=None) | Q(reminded_on__lte=since)


@transaction.atomic
def _remind(pk: int, now: datetime) -> bool:
    # The job may run twice: who comes second finds it told.
    bundle = (
        Bundle.system.select_for_update(no_key=True).filter(_due(now), pk=pk, state=Bundle.State.OPEN).first()
    )
    if bundle is None:
        return False
    bundle.reminded_on = today(now)
    bundle.save(update_fields=["reminded_on"])
    notices.queue(
        template=TEMPLATE,
        now=now,
        organisation_id=bundle.organisation_id,
        to_user=bundle.applicant,
        context={"bundle": bundle.pk},
    )
    return True


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """What is still so when the mail goes."""
    bundle = Bundle.system.filter(pk=notice.context["bundle"], state=Bundle.State.OPEN).first()
    if bundle is None:
        raise NothingToSay
    open_ = [view for view in states.board(bundle).parts if not view.is_finished]
    return {
        "bundle": bundle,
        "parts": open_[:50],
        "more": max(0, len(open_) - 50),
        "url": link("bundle", bundle.number),
    }
