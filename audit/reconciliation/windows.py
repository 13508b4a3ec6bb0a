"""The times of works, sorted by their start with the running latest end: found by bisection, whatever overlaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

W = TypeVar("W")
_NEVER = 1 << 62


class Window(Generic[W]):
    """When a work may show in the log; `place` is its place in the order that decides ties."""

    __slots__ = ("earliest", "end", "latest", "place", "start", "work")

    def __init__(self, place: int, work: W, start: int, end: int, tolerance: int) -> None:
        self.place, self.work, self.start, self.end = place, work, start, end
        self.earliest, self.latest = start - tolerance, end + tolerance

    def distance(self, at: int) -> int:
        """How far outside of the work's own time; 0 within."""
        return max(self.start - at, at - self.end, 0)


class Windows(Generic[W]):
    """Windows with their tolerance, both ends included."""

    def __init__(self, items: Iterable[Window[W]]) -> None:
        self._items = sorted(items, key=lambda item: (item.earliest, item.place))
        self._starts = [item.earliest for item in self._items]
        self._edges = bounds_of(self._items)
        self._reach: list[
            Window[W]
        ] = []  # of the windows up to here the one that ends last, the first of equals
        for item in self._items:
            last = self._reach[-1] if self._reach else item
            later = (item.latest, -item.place) > (last.latest, -last.place)
            self._reach.append(item if later else last)

    def containing(self, at: int) -> list[Window[W]]:
        """All that hold the moment."""
        found = []
        place = bisect_right(self._starts, at) - 1
        while place >= 0 and self._reach[place].latest >= at:
            if self._items[place].latest >= at:
                found.append(self._items[place])
            place -= 1
        return found

    def best(self, at: int) -> tuple[Window[W] | None, int]:
        """Of those that hold the moment the one whose own time is nearest, and until when it is."""
        found = self.containing(at)
        if len(found) > 1 and any(item.distance(at) for item in found):
            return min(found, key=lambda item: (item.distance(at), item.place)), at
        place = bisect_right(self._edges, at)
        until = self._edges[place] - 1 if place < len(self._edges) else _NEVER
        return min(found, key=lambda item: item.place, default=None), until

    def nearest(self, at: int, within: int) -> tuple[Window[W] | None, int]:
        """The nearest window at a moment that none holds, if it is no further away than `within`; and until when it is."""
        place = bisect_right(self._starts, at)
        before = self._reach[place - 1] if place else None
        after = self._items[place] if place < len(self._items) else None
        until = after.earliest - 1 if after else _NEVER
        if before and after:
            here = (at - before.latest, before.place) < (after.earliest - at, after.place)
            # Half-way the other one is as near; what happens in that very microsecond is decided then.
            until = min(until, (before.latest + after.earliest) // 2 - 1) if here else until
        else:
            here = before is not None
        item = before if here else after
        if item is None:
            return None, _NEVER
        away = at - item.latest if here else item.earliest - at
        if away > within:
            return None, min(until, item.earliest - within - 1) if not here else self._far(at, after, within)
        return item, max(at, min(until, item.latest + within)) if here else until

    @staticmethod
    def _far(at: int, after: Window[W] | None, within: int) -> int:
        """Until when nothing is near, once the one before is far."""
        return max(at, after.earliest - within - 1) if after else _NEVER


def bounds_of(items: Iterable[Window[W]]) -> list[int]:
    """The moments at which anything about these windows changes: between two of them every moment is like the other."""
    moments = set()
    for item in items:
        moments |= {item.earliest, item.start, item.end + 1, item.latest + 1}
    return sorted(moments)
