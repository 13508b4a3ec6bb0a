"""What else waits for a person beside applications: rooms add their own cards to the home page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.orgs.models import User


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A number with its words and where it leads. `state` colours it like the other cards of the page."""

    label: Any  # gettext_lazy
    icon: str
    count: int
    url: str
    state: str = "ask"


Source = Callable[[User, datetime], Iterable[Waiting]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a source; it asks the database only for people who can do something about it, one statement at most."""
    _sources.append(source)


def of(user: User, now: datetime) -> list[Waiting]:
    """What waits for this person; nothing that is zero."""
    return [card for source in _sources for card in source(user, now) if card.count]
