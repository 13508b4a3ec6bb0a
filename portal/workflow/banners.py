"""What everybody concerned reads first on the home page: rooms add it, such as a planned outage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.orgs.models import User


@dataclass(frozen=True, kw_only=True)
class Banner:
    """A title, one sentence and the page that says more; `state` colours it: "", warn or err."""

    title: str
    text: str
    url: str
    state: str = ""


Source = Callable[[User, datetime], Iterable[Banner]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a source; one statement at most, within what the person sees (ORG-02)."""
    _sources.append(source)


def of(user: User, now: datetime) -> list[Banner]:
    """What this person is to read first."""
    return [banner for source in _sources for banner in source(user, now)]
