"""Generated log rows and works: "wide" (302 machines with 8 accounts each) and "dense" (5 with 3, everything overlaps)."""

from __future__ import annotations

import datetime as dt
import random
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from audit.reconciliation.engine import DATABASE, REMOVABLE, TAKEOUT, Rows, Rules, Subject, Work, micros

FROM = dt.datetime(2026, 8, 20, 15, tzinfo=dt.UTC)  # 21 August in Japan
UNTIL = dt.datetime(2026, 9, 20, 15, tzinfo=dt.UTC) - dt.timedelta(microseconds=1)
_SECONDS = int((UNTIL - FROM).total_seconds())


class Row(NamedTuple):
    """One log row."""

    id: int
    at: int
    subject: Subject
    volume: int = 0


def together(found: Iterable[Row]) -> list[Rows]:
    """Rows of each subject and of each machine together, as the engine takes them; else in the order in which they came."""
    made: dict[Subject, Rows] = {}
    for row in found:
        rows = made.setdefault(row.subject, Rows(row.subject, array("q"), array("q"), array("q")))
        rows.ids.append(row.id)
        rows.ats.append(row.at)
        rows.volumes.append(row.volume)
    return sorted(made.values(), key=lambda rows: rows.subject.host)


@dataclass(frozen=True)
class Shape:
    """How many machines, accounts of each, and how works lie."""

    hosts: int
    accounts: int
    works: int
    seed: int = 7


WIDE, DENSE = Shape(302, 8, 5000), Shape(5, 3, 5000)


def works(shape: Shape, count: int | None = None) -> list[Work]:
    """Works of one to four hours; some cancelled, some with limits, some of the federation's own ledger."""
    random_ = random.Random(shape.seed)
    return [_work(random_, shape, number) for number in range(count or shape.works)]


def _work(random_: random.Random, shape: Shape, number: int) -> Work:
    start = FROM + dt.timedelta(seconds=random_.randrange(_SECONDS))
    long = dt.timedelta(minutes=random_.choice((30, 60, 120, 240)))
    hosts = random_.sample(range(shape.hosts), random_.choice((1, 1, 1, 2)))
    done = random_.random() < 0.5
    objects: tuple[str, ...] = random_.choice(
        ((), (), (), (), (), (), ("T_KOJIN*", "T_SHIKAKU*"), ("T_KOJIN_1", "T_SHIKAKU*"))
    )
    return Work(
        id=number + 1,
        number=f"W-{(number * 7919) % 100_003:06}",
        planned_from=start,
        planned_until=start + long,
        actual_from=start + dt.timedelta(minutes=5) if done else None,
        actual_until=start + long - dt.timedelta(minutes=random_.choice((0, 3))) if done else None,
        hosts=tuple(f"HOST{host:03}" for host in hosts),
        accounts=tuple(f"acct{hosts[0]}_{n}" for n in random_.sample(range(shape.accounts), 2)),
        objects=objects,
        medium_serial="USB-0001" if random_.random() < 0.1 else "",
        expected_rows=random_.choice((None, None, None, None, None, 500)),
        expected_files=random_.choice((None, None, 40)),
        tolerance=dt.timedelta(minutes=random_.choice((0, 15, 15, 30))),
        cancelled=random_.random() < 0.02,
        rank=int(random_.random() < 0.2),
    )


def rules() -> Rules:
    """Two media: one permitted in the first half of the month, one never."""
    half = micros(FROM + (UNTIL - FROM) / 2)
    return Rules(
        covers_from=FROM, covers_until=UNTIL, permits={"usb-0001": ((micros(FROM), half),), "usb-0003": ()}
    )


def rows(shape: Shape, of: list[Work], count: int) -> Iterator[Row]:
    """Nine of ten rows belong to a work, most of them within its time; the others come from anybody at any time.

    They come in bursts, as people and programs make them, and not in the order of time.
    """
    random_ = random.Random(shape.seed + 1)
    subjects: dict[tuple[object, ...], Subject] = {}
    made = 0
    while made < count:
        work = random_.choice(of) if random_.random() < 0.9 else None
        burst = min(random_.randrange(20, 180), count - made)
        start, host, account = _beginning(random_, shape, work)
        takeout = random_.random() < 0.05
        serial = random_.choice(("USB-0001", "USB-0001", "USB-0002", "")) if takeout else ""
        name = random_.choice(("T_KOJIN_1", "T_KOJIN_2", "T_SHIKAKU_9", "T_SHIKAKU_9", "T_OTHER"))
        key = (host, account, takeout, serial, name)
        subject = subjects.get(key)
        if subject is None:
            subject = subjects[key] = Subject(
                TAKEOUT if takeout else DATABASE,
                host,
                (account, f"KOKUHO\\{account.upper()}"),
                client=f"PC-{len(subjects) % 40:03}",
                object_name=name,
                action="COPY" if takeout else "SELECT",
                medium_type=REMOVABLE if takeout else "",
                medium_serial=serial,
            )
        step = random_.choice((1, 1, 2, 5)) * 1_000_000
        for n in range(burst):
            made += 1
            yield Row(made, start + n * step, subject, random_.choice((1, 10, 50, 400, 600)))


def _beginning(random_: random.Random, shape: Shape, work: Work | None) -> tuple[int, str, str]:
    if work is None:
        number = random_.randrange(shape.hosts)
        at = micros(FROM) + random_.randrange(_SECONDS) * 1_000_000
        return at, f"HOST{number:03}", f"acct{number}_{random_.randrange(shape.accounts)}"
    start, end = work.window
    shift = random_.choices((0, 1, -1), (90, 5, 5))[0] * random_.randrange(1, 40) * 60_000_000
    at = start + int(random_.random() * (end - start)) + shift
    at = min(max(at, micros(FROM)), micros(UNTIL) - 3600 * 1_000_000)
    host = random_.choice(work.hosts) if random_.random() < 0.97 else "HOST000"
    account = random_.choice(work.accounts) if random_.random() < 0.97 else "acct0_0"
    return at, host.lower(), account
