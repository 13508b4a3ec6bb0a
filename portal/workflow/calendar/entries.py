"""What stands in the calendar of changes. Rooms give their entries; the engine brings operations, applications and freezes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import Organisation, User

PLANNED, RUNNING, DONE, CLOSED, FREEZE, NOTE = "PLANNED", "RUNNING", "DONE", "CLOSED", "FREEZE", "NOTE"
STATES: dict[str, Any] = {
    PLANNED: _("planned"),
    RUNNING: _("being carried out"),
    DONE: _("done"),
    CLOSED: _("not done"),
    FREEZE: _("freeze"),
    NOTE: _("to be known"),
}
MOST = 500  # entries of one source in one look; who looks is told, and narrows the stretch or the filters


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing on one day, or from `day` to `until`. `uid` stays the same as long as the thing does."""

    uid: str
    day: date
    state: str
    title: str
    kind: str = ""
    organisation: str = ""  # short name; "": concerns all
    number: str = ""  # of an application
    url: str = ""
    until: date | None = None
    at: datetime | None = None
    detail: str = ""

    @property
    def state_label(self) -> str:
        """In words."""
        return str(STATES[self.state])

    @property
    def last(self) -> date:
        """Its last day."""
        return self.until or self.day


@dataclass(frozen=True, kw_only=True)
class Look:
    """What somebody looks at: the days, and what narrows them. `organisations` are those whose entries the person reads."""

    user: User
    organisations: tuple[Organisation, ...]
    everything: bool
    first: date
    last: date
    now: datetime
    kind: str = ""
    organisation: str = ""
    state: str = ""
    names_done: bool = True  # False: what was carried out is counted elsewhere
    cut: list[bool] = field(default_factory=list, compare=False)  # not empty: a source had more than it gives

    def most_of(self, rows: Any) -> list[Any]:
        """The first MOST of these rows; that there were more is kept in `cut`."""
        found = list(rows[: MOST + 1])
        if len(found) > MOST:
            self.cut.append(True)
        return found[:MOST]

    def scoped(self, rows: Any) -> Any:
        """Rows of a scoped model, narrowed to what the person reads and the filter names (ORG-02)."""
        rows = rows.visible_to(self.user)
        if not self.everything:
            rows = rows.filter(organisation__in=self.organisations)
        if self.kind:
            rows = rows.filter(kind=self.kind)
        return rows.filter(organisation__code=self.organisation) if self.organisation else rows


Source = Callable[[Look], Iterable[Entry]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Let a room add entries. It minds the scope and the filters of the look, and takes its rows by `Look.most_of`."""
    _sources.append(source)


def entries(look: Look) -> list[Entry]:
    """Everything of these days, by day, state and title."""
    found = [entry for source in _sources for entry in source(look)]
    if look.state:
        found = [entry for entry in found if entry.state == look.state]
    order = list(STATES)
    return sorted(found, key=lambda e: (e.day, order.index(e.state), e.title))


def cut_text() -> str:
    """What whoever takes a cut list along is told."""
    text = gettext(
        "There is more: of each sort the first %(count)d are given. Choose a shorter time or filters."
    )
    return text % {"count": MOST}


def whole_or_told(look: Look) -> list[Entry]:
    """The entries for a file that shows nothing beside them: where there are more, an entry on the first day says so."""
    found = entries(look)
    if not look.cut:
        return found
    return [Entry(uid=f"cut-{look.first:%Y%m%d}", day=look.first, state=NOTE, title=cut_text()), *found]
