"""The reconciliation of log rows with planned and done work, both ways: pure, the same answer for the same input.

Rules (docs/adr/0044): R1 one federation at a time; R2 the machine; R3 a DB or OS account of the work; R4 the time within the
work's window and its tolerance; R5 the object within the declared scope; R6 the medium permitted that day and the one of the
work; R7 not more than declared. Everything that is compared is folded by `names`. Moments are whole microseconds (`micros`).

No decision about a row depends on another row. Rows of one machine come one after the other, in any order among themselves, so
that what was found about a machine can be told before the next: a million rows that differ would take 24 MB at once.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from audit.reconciliation.folding import Fits, Fold, Folds, Session, of_work
from audit.reconciliation.kinds import DATABASE, TAKEOUT
from audit.reconciliation.names import Scope, account_key, name_key
from audit.reconciliation.windows import Window, Windows, bounds_of

ENGINE_VERSION = 1
REMOVABLE = "REMOVABLE"

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_KEYS = 64  # machines with accounts whose works are kept at hand: rows come machine by machine


def micros(moment: dt.datetime) -> int:
    """Microseconds since 1970: how rows and windows tell time."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(at: int) -> dt.datetime:
    """The moment of `micros`."""
    return _EPOCH + dt.timedelta(microseconds=at)


@dataclass(eq=False, slots=True)
class Subject:
    """What many rows have in common: who, from where, on which machine, with what. Shared by the rows, compared by identity."""

    log_kind: str
    host: str
    accounts: tuple[str, ...]  # as logged: the database's, then the operating system's
    client: str = ""
    object_name: str = ""
    action: str = ""
    medium_type: str = ""
    medium_serial: str = ""
    involves_number: bool = True

    @property
    def uses_medium(self) -> bool:
        """Whether something was written to a medium that can be carried away."""
        return self.medium_type == REMOVABLE or bool(self.medium_serial)


@dataclass(frozen=True, slots=True)
class Rows:
    """Log rows of one subject. Their numbers stay the same for ever; `volumes` are rows read (DB) or bytes taken out (files)."""

    subject: Subject
    ids: array[int]
    ats: array[int]
    volumes: array[int]

    def in_order(self) -> Rows:
        """By time."""
        ats = self.ats.tolist()
        if ats == sorted(ats):
            return self
        order = sorted(range(len(ats)), key=ats.__getitem__)
        return Rows(
            self.subject,
            *(array("q", map(each.__getitem__, order)) for each in (self.ids, self.ats, self.volumes)),
        )


@dataclass(frozen=True, kw_only=True)
class Work:
    """One entry of a ledger. Of two ledgers the one with the lower `rank` (0: 中央会) speaks first."""

    id: int
    number: str
    planned_from: dt.datetime
    planned_until: dt.datetime
    hosts: tuple[str, ...]
    accounts: tuple[str, ...]
    work_type: str = ""
    actual_from: dt.datetime | None = None
    actual_until: dt.datetime | None = None
    objects: tuple[str, ...] = ()  # tables or files, "*" at an end stands for anything; empty: not limited
    medium_serial: str = ""
    expected_rows: int | None = None
    expected_files: int | None = None
    tolerance: dt.timedelta = dt.timedelta(minutes=15)
    volume_factor: float = 1.0
    cancelled: bool = False
    rank: int = 0

    @property
    def window(self) -> tuple[int, int]:
        """When it was done, else when it was planned; both ends included."""
        start = micros(self.actual_from or self.planned_from)
        return start, max(start, micros(self.actual_until or self.planned_until))

    @property
    def log_kind(self) -> str:
        """In which log it is missed when it left no trace: files for what names a medium or files, else the database's."""
        return TAKEOUT if self.medium_serial or self.expected_files is not None else DATABASE


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds for one run. `permits`: when each medium was permitted, by the folded serial number."""

    covers_from: dt.datetime
    covers_until: dt.datetime  # works that end later are not missed yet
    permits: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    near: dt.timedelta = dt.timedelta(days=1)  # further away a row is not "outside the time" but unplanned
    gap: dt.timedelta = dt.timedelta(minutes=10)  # a longer pause begins a new session


@dataclass
class Result:
    """Rows by log and code; what differs as sessions, and what fits a work in one line for each work, machine and account
    (AUD-02: it bears the number of the work). Both in a fixed order."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    sessions: list[Session[Work]] = field(default_factory=list)
    fitting: list[Session[Work]] = field(default_factory=list)


_NO_LIMIT = 1 << 62


class _Hit:
    """A finding about rows of one subject, and what it was made of: a fold where rows differ, else sums."""

    __slots__ = ("code", "fold", "rows", "since", "until", "volume", "work")

    def __init__(self, code: str, work: Window[Work] | None, fold: Fold | None = None) -> None:
        self.code, self.work, self.fold = code, work, fold
        self.rows = self.volume = 0
        self.since, self.until = _NO_LIMIT, -_NO_LIMIT  # the first and the last row

    def take(self, rows: Rows, start: int, end: int) -> None:
        """These places of the rows."""
        volumes = rows.volumes[start:end]
        self.rows += end - start
        self.volume += sum(volumes)
        self.since, self.until = min(self.since, rows.ats[start]), max(self.until, rows.ats[end - 1])
        if self.fold is not None:
            self.fold.ids.extend(rows.ids[start:end])
            self.fold.ats.extend(rows.ats[start:end])
            self.fold.volumes.extend(volumes)


# The works of a machine and its accounts: all, without the cancelled ones, and when anything about them changes.
_Key = tuple[Windows["Work"], Windows["Work"], list[int]]
Each = Callable[[int, str, Work | None], None]


class _Plan:
    """Everything about one subject that does not depend on the moment, and what was found about it."""

    __slots__ = ("bounds", "hits", "live", "medium_bounds", "scope", "subject", "windows")

    def __init__(self, subject: Subject, key: _Key, medium_bounds: list[int]) -> None:
        self.subject, self.medium_bounds = subject, medium_bounds
        self.windows, self.live, self.bounds = key
        self.scope: dict[int, bool] = {}
        self.hits: dict[tuple[str, Window[Work] | None, bool | None], _Hit] = {}

    def lasts(self, at: int) -> int:
        """Until when every moment is like this one, as far as works of this machine and account go."""
        until = _NO_LIMIT
        for bounds in (self.bounds, self.medium_bounds):
            place = bisect_right(bounds, at)
            if place < len(bounds):
                until = min(until, bounds[place] - 1)
        return until


def reconcile(
    rows: Iterable[Rows],
    works: Iterable[Work],
    rules: Rules,
    *,
    before: Iterable[Rows] = (),
    each: Each | None = None,
) -> Result:
    """Judge every row, and every work. `before`: rows of the time before that only show that a work left a trace.

    `each` is told of every row: its id, the code and the work. Raises ValueError when the rows of a machine do not come together.
    """
    run = _Run(works, rules)
    for some in before:
        run.judge(some, None)
    run.forget()
    for some in rows:
        run.settle(run.judge(some, each))
    return Result(counts=run.counts, sessions=run.sessions(), fitting=run.fits.sessions())


class _Run:
    def __init__(self, works: Iterable[Work], rules: Rules) -> None:
        self.rules = rules
        self.near = rules.near // _MICROSECOND
        ordered = sorted(works, key=lambda work: (work.rank, work.number, work.id))
        self.items = [
            Window(place, work, *work.window, work.tolerance // _MICROSECOND)
            for place, work in enumerate(ordered)
        ]
        self.scopes = [Scope(work.objects) for work in ordered]
        self.media = [name_key(work.medium_serial) for work in ordered]
        self.used = [False] * len(ordered)
        self.total_rows, self.total_volume = [0] * len(ordered), [0] * len(ordered)
        self.by_host: dict[str, list[Window[Work]]] = {}
        self.by_account: dict[str, list[Window[Work]]] = {}
        for item in self.items:
            for host in {name_key(name) for name in item.work.hosts}:
                self.by_host.setdefault(host, []).append(item)
            for account in {account_key(name) for name in item.work.accounts}:
                self.by_account.setdefault(account, []).append(item)
        self.host_windows: dict[str, Windows[Work]] = {}
        self.account_windows: dict[tuple[str, ...], Windows[Work]] = {}
        self.keys: dict[tuple[str, tuple[str, ...]], _Key] = {}
        self.counts: dict[str, dict[str, int]] = {}
        self.fits: Fits[Work] = Fits()
        self.forget()

    def forget(self) -> None:
        """Keep of the rows so far only which works left a trace."""
        self.folds: Folds[Work] = Folds(self.rules.gap // _MICROSECOND)
        self.found: list[Session[Work]] = []
        self.machine, self.machines = "", set[str]()

    def begin_machine(self, host: str) -> None:
        """What was found about the one before is complete."""
        if host in self.machines:
            raise ValueError("the rows of a machine do not come together")
        self.machines.add(host)
        self.machine = host
        self.found.extend(self.folds.sessions())

    def judge(self, rows: Rows, each: Each | None) -> _Plan:
        """What there is to say about the rows of one subject."""
        if rows.subject.host != self.machine:
            self.begin_machine(rows.subject.host)
        rows, plan = rows.in_order(), self.plan(rows.subject)
        place, count = 0, len(rows.ats)
        while place < count:
            at = rows.ats[place]
            lasts = plan.lasts(at)
            end = bisect_right(rows.ats, lasts, place + 1)
            found = plan.windows.containing(at)
            limits = sorted(
                {self.limit(item.work, rows.subject) for item in found if not item.work.cancelled}
            )
            if not limits or max(rows.volumes[place:end]) <= limits[0]:
                limits.clear()
            # Rows that pass the same limits are alike for as long as the same work is the nearest.
            known: dict[int, tuple[_Hit, int]] = {}
            while place < end:
                above = bisect_left(limits, rows.volumes[place])
                hit, until = known.get(above, (None, 0))
                if hit is None or rows.ats[place] > until:
                    hit, until = known[above] = self.finding(
                        plan, found, rows.ats[place], rows.volumes[place], lasts
                    )
                following = place + 1 if limits else bisect_right(rows.ats, until, place + 1, end)
                hit.take(rows, place, following)
                if each is not None:
                    for row_id in rows.ids[place:following]:
                        each(row_id, hit.code, hit.work.work if hit.work else None)
                place = following
        return plan

    def settle(self, plan: _Plan) -> None:
        """Add up what was found about a subject."""
        log_kind = plan.subject.log_kind
        codes = self.counts.setdefault(log_kind, {})
        for hit in plan.hits.values():
            codes[hit.code] = codes.get(hit.code, 0) + hit.rows
            if hit.work is not None and hit.fold is None:
                self.total_rows[hit.work.place] += hit.rows if log_kind == TAKEOUT else 0
                self.total_volume[hit.work.place] += hit.volume if log_kind == DATABASE else 0
                self.fits.add(plan.subject, hit.code, hit.work, hit.rows, hit.volume, hit.since, hit.until)

    def plan(self, subject: Subject) -> _Plan:
        """See _Plan."""
        host = name_key(subject.host)
        accounts = tuple(sorted({account_key(name) for name in subject.accounts if name}))
        key = self.keys.get((host, accounts))
        if key is None:
            if len(self.keys) >= _KEYS:
                self.keys.clear()
            here = {item.place for item in self.by_host.get(host, ())}
            found_here = {
                item.place: item
                for account in accounts
                for item in self.by_account.get(account, ())
                if item.place in here
            }
            every = list(found_here.values())
            key = self.keys[host, accounts] = Windows(every), _live(every), bounds_of(every)
        moments: list[int] = []
        if subject.uses_medium:
            for start, end in self.rules.permits.get(name_key(subject.medium_serial), ()):
                moments += (start, end + 1)
            moments = sorted(set(moments)) or [0]
        return _Plan(subject, key, moments)

    def permitted(self, subject: Subject, at: int) -> bool | None:
        """Whether the medium was permitted then (R6); None where no medium was used."""
        if not subject.uses_medium:
            return None
        periods = self.rules.permits.get(name_key(subject.medium_serial), ()) if subject.medium_serial else ()
        return any(start <= at <= end for start, end in periods)

    def finding(
        self, plan: _Plan, found: list[Window[Work]], at: int, volume: int, lasts: int
    ) -> tuple[_Hit, int]:
        """The decision about a row whose moment lies in these windows, and until when it holds: at most as long as they do."""
        live = [item for item in found if not item.work.cancelled]
        failing = [(self.failures(plan, item, at, volume), item) for item in live]
        fits = [item for failures, item in failing if not failures]
        if fits:
            hit, steady = self.fitting(plan, fits, at)
        elif failing:
            failures, best = min(
                failing, key=lambda pair: (len(pair[0]), pair[1].distance(at), pair[1].place)
            )
            hit, steady = self.misfit(plan, at, failures[0], best), _alike(live, at)
        elif found:  # cancelled works only
            best = min(found, key=lambda item: (item.distance(at), item.place))
            hit, steady = self.misfit(plan, at, "L_CANCELLED", best), _alike(found, at)
        else:
            code, nearest, until = self.unplanned(plan, at)
            return self.misfit(plan, at, code, nearest), min(lasts, until)
        return hit, lasts if steady else at

    def misfit(self, plan: _Plan, at: int, code: str, work: Window[Work] | None) -> _Hit:
        """A decision whose rows are folded into sessions. What a row belongs to in some way has left a trace."""
        if work is not None and not code.startswith("U_"):
            self.used[work.place] = True
        permitted = self.permitted(plan.subject, at)
        hit = plan.hits.get((code, work, permitted))
        if hit is None:
            fold = self.folds.of(plan.subject, code, work, permitted)
            hit = plan.hits[code, work, permitted] = _Hit(code, work, fold)
        return hit

    def fitting(self, plan: _Plan, fits: list[Window[Work]], at: int) -> tuple[_Hit, bool]:
        """The work that the row belongs to: within its window before by tolerance only, then rank, nearness and number."""
        for item in fits:
            self.used[item.place] = True
        exact = [item for item in fits if not item.distance(at)]
        candidates = exact or fits
        rank = min(item.work.rank for item in candidates)
        candidates = [item for item in candidates if item.work.rank == rank]
        best = min(candidates, key=lambda item: (item.distance(at), item.place))
        several = len(candidates) > 1
        code = "AMBIGUOUS" if several else "OK" if exact else "TOL"
        hit = plan.hits.get((code, best, None))
        if hit is None:
            hit = plan.hits[code, best, None] = _Hit(code, best)
        return hit, bool(exact) or not several

    def failures(self, plan: _Plan, item: Window[Work], at: int, volume: int) -> list[str]:
        """Which of R5 to R7 do not hold for a work whose machine, account and time fit; the gravest first."""
        subject, failed = plan.subject, []
        if subject.uses_medium:
            own = self.media[item.place]
            other = bool(own) and own != name_key(subject.medium_serial)
            if other or not self.permitted(subject, at):
                failed.append("X_MEDIUM")
        inside = plan.scope.get(item.place)
        if inside is None:
            inside = plan.scope[item.place] = self.scopes[item.place].holds(subject.object_name)
        if not inside:
            failed.append("X_SCOPE")
        if volume > self.limit(item.work, subject):
            failed.append("X_VOLUME")
        return failed

    @staticmethod
    def limit(work: Work, subject: Subject) -> int:
        """What one row may read at most (R7); files are counted over the whole work."""
        if subject.log_kind != DATABASE or work.expected_rows is None:
            return _NO_LIMIT
        return int(work.expected_rows * work.volume_factor)

    def unplanned(self, plan: _Plan, at: int) -> tuple[str, Window[Work] | None, int]:
        """No work has this machine, account and time: which two of the three are there? And until when that holds."""
        near, lasts = plan.live.nearest(at, self.near)
        if near is not None:
            return "U_TIME", near, lasts
        host = name_key(plan.subject.host)
        windows = self.host_windows.get(host)
        if windows is None:
            windows = self.host_windows[host] = _live(self.by_host.get(host, ()))
        best, until = windows.best(at)
        lasts = min(lasts, until)
        if best is not None:
            return "U_ACCOUNT", best, lasts
        accounts = tuple(sorted({account_key(name) for name in plan.subject.accounts if name}))
        windows = self.account_windows.get(accounts)
        if windows is None:
            every = {item.place: item for key in accounts for item in self.by_account.get(key, ())}
            windows = self.account_windows[accounts] = _live(every.values())
        best, until = windows.best(at)
        return "U_HOST" if best is not None else "U_NOPLAN", best, min(lasts, until)

    def sessions(self) -> list[Session[Work]]:
        """Rows that differ, folded; works without a trace; works with more than they declared in all."""
        found = [*self.found, *self.folds.sessions()]
        start, until = micros(self.rules.covers_from), micros(self.rules.covers_until)
        for item in self.items:
            work = item.work
            if not work.cancelled and not self.used[item.place] and start <= item.end <= until:
                found.append(of_work("L_NOLOG", work.log_kind, item, rows=0, volume=0))
            for log_kind, declared, got in (
                (DATABASE, work.expected_rows, self.total_volume[item.place]),
                (TAKEOUT, work.expected_files, self.total_rows[item.place]),
            ):
                if declared is not None and got > int(declared * work.volume_factor):
                    rows = got if log_kind == TAKEOUT else 0
                    found.append(of_work("X_VOLUME", log_kind, item, rows=rows, volume=got))
        return sorted(found, key=lambda session: (session.first_at, session.fingerprint))


def _alike(items: list[Window[Work]], at: int) -> bool:
    """Whether the nearest of them stays the same until one of them begins or ends."""
    return len(items) == 1 or not any(item.distance(at) for item in items)


def _live(items: Iterable[Window[Work]]) -> Windows[Work]:
    return Windows([item for item in items if not item.work.cancelled])
