"""Where other rooms point to the lists: the mails, and the page of a delete application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.dormancy import deletions, mailing, selectors
from accounts.dormancy.models import DormantReview
from portal.notices import messages, places
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.workflow import related
from portal.workflow.models import Application


def address_of(review: DormantReview) -> tuple[str, str]:
    """The arguments of a list's address."""
    return f"{review.run.period:%Y-%m}", review.organisation.code


def register_all() -> None:
    """Called once when the portal starts."""
    for template in (mailing.LIST, mailing.REMINDER, mailing.OVERDUE):
        messages.provide(template, _mail_values)
        places.provide(template, _place)
    for kind in deletions.KINDS.values():
        related.register(kind, _lists_of)


def _mail_values(notice: Notice) -> dict[str, Any]:
    review = DormantReview.system.select_related("run", "organisation").get(pk=notice.context["review"])
    return {"url": messages.link("dormant_review", *address_of(review))}


def _place(notice: Notice) -> str:
    """The list of the organisation that was told, of that month."""
    return reverse("dormant_report", args=[str(notice.context["month_on"])[:7]])


def _lists_of(user: User, application: Application) -> Iterator[related.Related]:
    for review in selectors.reviews_of(user, application):
        period, code = address_of(review)
        yield related.Related(
            label=_("List of dormant accounts"),
            text=period,
            url=reverse("dormant_review", args=[period, code]),
        )
