"""Reading notices: a person's own, and for operations those that did not go."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from portal.notices.models import Notice, NoticeStatus
from portal.orgs.models import User

# A mail that was tried so often is shown to operations although it still waits: the mail server may be down.
MANY_ATTEMPTS = 3


def own(user: User) -> QuerySet[Notice]:
    """What was mailed to this person."""
    rows: QuerySet[Notice] = Notice.objects.visible_to(user).filter(to_user=user)
    return rows


def undelivered(user: User) -> QuerySet[Notice]:
    """Mails that were refused, and those that wait for long (for people who may read operations)."""
    late = Q(status=NoticeStatus.QUEUED, attempts__gte=MANY_ATTEMPTS)
    rows: QuerySet[Notice] = Notice.objects.visible_to(user).filter(Q(status=NoticeStatus.FAILED) | late)
    return rows.select_related("organisation", "to_user")
