"""Reading the FAQ: everybody what is published, operations what waits as well."""

from __future__ import annotations

from django.db.models import QuerySet

from portal.common.search import matching
from portal.common.text import search_key
from portal.orgs.models import User
from portal.orgs.permissions import EDIT_FAQ
from requests.faq.models import FaqEntry, FaqVersion

_LIKELY = 0.25  # of the pairs of characters of what was typed
_MOST_READ = 1000  # entries that suggestions are looked for in, the newest first


def entries(user: User, q: str = "", *, category: str = "", show: str = "") -> QuerySet[FaqEntry]:
    """Published entries; `show` "all" adds those that are not, for those who edit."""
    rows = FaqEntry.objects.all()
    if show != "all" or not user.may(EDIT_FAQ):
        rows = rows.filter(is_published=True)
    if category:
        rows = rows.filter(category=category)
    return matching(rows, q)


def entry(user: User, number: str) -> FaqEntry:
    """One that the person may read. Raises FaqEntry.DoesNotExist."""
    return entries(user, show="all").get(number=number)


def versions(user: User, entry: FaqEntry) -> QuerySet[FaqVersion]:
    """The texts that were published, the newest first; for those who edit, every one with its people."""
    rows = entry.versions.select_related("prepared_by", "decided_by")
    return rows if user.may(EDIT_FAQ) else rows.filter(state=FaqVersion.State.PUBLISHED)


def proposed() -> QuerySet[FaqVersion]:
    """What waits for a second person."""
    rows = FaqVersion.objects.filter(state=FaqVersion.State.PROPOSED)
    return rows.select_related("entry", "prepared_by")


def suggestions(typed: str, most: int = 5) -> list[FaqEntry]:
    """Published entries that share much with what was typed, the likeliest first.

    Japanese has no spaces: pairs of characters are compared, those of the question counting double.
    """
    wanted = _pairs(typed)
    if len(wanted) < 2:
        return []
    rows = FaqEntry.objects.filter(is_published=True).order_by("-id")
    scored = []
    for each in rows[:_MOST_READ]:
        share = len(wanted & _pairs(each.question)) + 0.5 * len(wanted & _pairs(each.answer))
        if share / len(wanted) >= _LIKELY:
            scored.append((share, each.pk, each))
    return [each for _share, _pk, each in sorted(scored, reverse=True)[:most]]


def _pairs(text: str) -> set[str]:
    folded = "".join(search_key(text).split())
    return {folded[at : at + 2] for at in range(len(folded) - 1)}
