"""Proposing free login names by the rule of an organisation (ACC-06), for one person or for a whole list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.naming import free
from accounts.naming.models import NamingRule, default_rule
from accounts.naming.pattern import Namesake, Pattern
from portal.orgs.models import Organisation
from portal.workflow.models import Application

_MOST_ROUNDS = 12  # the number of names looked at doubles with each

_RESERVE = """
    INSERT INTO accounts_namereservation (organisation_id, application_id, folded, ends_at)
    SELECT %s, %s, name, %s FROM unnest(%s::text[]) AS name ORDER BY name
    ON CONFLICT (folded) DO UPDATE
        SET organisation_id = EXCLUDED.organisation_id, application_id = EXCLUDED.application_id, ends_at = EXCLUDED.ends_at
        WHERE accounts_namereservation.ends_at <= %s
           OR accounts_namereservation.application_id = EXCLUDED.application_id
    RETURNING folded
"""


def rule_of(organisation: Organisation) -> NamingRule:
    """The rule that holds now."""
    return organisation.naming_rules.order_by("-version").first() or default_rule(organisation)


def propose_login_names(
    organisation: Organisation,
    people: Sequence[Namesake],
    *,
    now: datetime,
    application: Application | None = None,
    keep: Collection[str] = (),
) -> list[str]:
    """A free name for each person, in order, no two alike; "" where the rule needs what is not known of a person.

    With an application the names are held for it until LOGIN_NAME_HELD_DAYS have passed or it is submitted; `keep` are the
    names that other lines of the same application have, and what it held beside them is let go. Without one nothing is held,
    and somebody else may be faster. AD is asked in lots; while it is down its part is left to the checks (ACC-12).
    No transaction may be open: AD is asked.
    """
    search = _Search(rule_of(organisation).compiled(), people, {name.lower() for name in keep})
    application_id = application.pk if application else None
    for _round in range(_MOST_ROUNDS):
        if search.is_over:
            break
        wanted = search.next_candidates()
        known = free.taken(wanted, application_id=application_id, now=now)
        known |= free.taken_in_directory(wanted - known)
        found = search.match(known)
        if application is not None:
            search.withdraw(found - _hold(found, organisation, application, now))
    if application is not None:
        free.let_go_of(application.pk, keep=[*keep, *search.names])
    return search.names


def _hold(
    names: Collection[str], organisation: Organisation, application: Application, now: datetime
) -> set[str]:
    """Hold these names for an application; those that it has now. The database decides between two who want the same."""
    ends_at = now + timedelta(days=int(settings.LOGIN_NAME_HELD_DAYS))
    values: list[Any] = [organisation.pk, application.pk, ends_at, sorted(names), now]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        return {row[0] for row in cursor.fetchall()}


class _Search:
    """Who still needs a name, and which were looked at. People whose names are made alike are looked at together."""

    def __init__(self, pattern: Pattern, people: Sequence[Namesake], unavailable: set[str]) -> None:
        self.names = [""] * len(people)
        self._unavailable = unavailable
        self._groups: dict[str, list[int]] = defaultdict(list)  # by the first name that would be tried
        self._sources: dict[str, Iterator[str]] = {}
        self._windows: dict[str, list[str]] = {}
        for place, person in enumerate(people):
            source = pattern.names(person)
            first = next(source, "")
            if first:
                self._groups[first].append(place)
                self._sources.setdefault(first, source)
        self._windows = {first: [first] for first in self._groups}
        self._rounds = 0

    @property
    def is_over(self) -> bool:
        """Whether everybody has a name who can get one."""
        return all(self.names[place] for places in self._groups.values() for place in places)

    def next_candidates(self) -> set[str]:
        """The names to look at now: at least as many as there are people who wait for one."""
        self._rounds += 1
        for first, places in self._groups.items():
            waiting = [place for place in places if not self.names[place]]
            wanted = len(waiting) if self._rounds == 1 else len(waiting) * 2 ** min(self._rounds, 6)
            missing = wanted - len(self._windows[first])
            if waiting and missing > 0:
                self._windows[first] += islice(self._sources[first], missing)
            elif not waiting:
                self._windows[first] = []
        return {name for window in self._windows.values() for name in window} - self._unavailable

    def match(self, taken: set[str]) -> set[str]:
        """Give the free names of the windows to the people who wait; the names that were given now."""
        given = set()
        for first, window in self._windows.items():
            waiting = [place for place in self._groups[first] if not self.names[place]]
            while waiting and window:
                name = window.pop(0)
                if name not in taken and name not in self._unavailable:
                    self._unavailable.add(name)
                    self.names[waiting.pop(0)] = name
                    given.add(name)
        return given

    def withdraw(self, lost: set[str]) -> None:
        """Names that somebody else was faster to take: their people wait again."""
        self.names = ["" if name in lost else name for name in self.names]
