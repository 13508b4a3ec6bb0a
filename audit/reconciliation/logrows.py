"""The log rows behind a session, as they were read (AUD-01)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db.models import Q, QuerySet

from audit.imports.models import LogRow
from audit.reconciliation.models import Mismatch
from portal.common.pagination import Page
from portal.orgs.models import User

SHOWN = 200
_CURSOR = re.compile(r"([ab])([0-9]{1,16})\.([0-9]{1,18})")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def rows_of_session(user: User, session: Mismatch) -> QuerySet[LogRow]:
    """The rows that were folded into a session; none for what is said of a work as a whole.

    A session holds what its rows have in common as they were logged, so equality finds them again; texts that were cut when
    the session was kept are compared by their beginnings.
    """
    rows: Any = LogRow.objects.visible_to(user)
    if not session.row_count or session.code in ("L_NOLOG", "X_VOLUME"):
        return rows.none()  # type: ignore[no-any-return]
    rows = rows.filter(
        organisation=session.organisation_id,
        event_at__gte=session.first_at,
        event_at__lte=session.last_at,
        log_kind=session.log_kind,
        is_application=False,
        host__startswith=session.host,
        client__startswith=session.client,
        medium_serial__startswith=session.medium_serial,
    )
    account = session.account
    rows = rows.filter(Q(db_user__startswith=account) | Q(db_user="", os_user__startswith=account))
    if session.code not in ("OK", "TOL", "AMBIGUOUS"):  # these are folded whatever the object
        rows = rows.filter(object_name__startswith=session.object_name)
    return rows.order_by("event_at", "id")  # type: ignore[no-any-return]


def page_of_session(user: User, session: Mismatch, cursor: str) -> Page[LogRow]:
    """The rows of a session by pages of SHOWN in the order of their time; one statement whatever the page (keyset).

    `cursor`: one of the page before; anything else gives the first page.
    """
    rows, position = rows_of_session(user, session), _CURSOR.fullmatch(cursor)
    if position is None:
        found = list(rows[: SHOWN + 1])
        return Page(found[:SHOWN], _cursor("a", found[SHOWN - 1]) if len(found) > SHOWN else None, None)
    after, key = position[1] == "a", int(position[3])
    at = _EPOCH + dt.timedelta(microseconds=int(position[2]))
    if after:
        rows = rows.filter(Q(event_at__gt=at) | Q(event_at=at, pk__gt=key))
    else:
        rows = rows.filter(Q(event_at__lt=at) | Q(event_at=at, pk__lt=key)).order_by("-event_at", "-id")
    found = list(rows[: SHOWN + 1])
    more, found = len(found) > SHOWN, found[:SHOWN] if after else found[:SHOWN][::-1]
    if not found:
        return Page([], None, None)
    return Page(
        found,
        _cursor("a", found[-1]) if more or not after else None,
        _cursor("b", found[0]) if more or after else None,
    )


def _cursor(direction: str, row: LogRow) -> str:
    return f"{direction}{(row.event_at - _EPOCH) // dt.timedelta(microseconds=1)}.{row.pk}"
