"""A piece of a log file becomes rows for COPY. Pure: what it needs to know about the world is in `Known`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, field
from hashlib import sha256
from itertools import chain, combinations
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from audit.imports.allowed import AllowList
from audit.imports.layout import CP932, FIELDS, REQUIRED, UTF8, Layout
from audit.imports.records import DelimitedLines, JsonLines, Problem, Record
from audit.imports.rows import Event, event_of, for_copy, plain, row_id
from audit.imports.times import NoTime, Times, day_limits, day_number
from audit.reconciliation.names import name_key

K = TypeVar("K")
V = TypeVar("V")
_NOT_TOLD = "\\N"  # when the row arrived
_KEPT = 10_000  # values of one kind that are remembered
_LONGEST = 4000  # characters of one value: more is a broken quote, not a name
_SAID_BEFORE = frozenset({"CONTINUED", "UNREADABLE", "OTHER_ENCODING"})  # of a line that was held
_PLACES, _SHIFT = (1 << 22) - 1, 22
_BYTES = _PLACES + 1
_BITS = [sum(1 << bit for bit in bits) for bits in combinations(range(8), 4)][:64]


@dataclass(frozen=True)
class KnownHost:
    """A machine of the register, as rows need it."""

    id: int
    name: str
    organisation_id: int
    involves_number: bool


@dataclass(frozen=True)
class Known:
    """The world as an import sees it. `earliest` and `latest`: what lies outside is a wrong clock or a wrong format."""

    hosts: Mapping[str, KnownHost]
    allowed: AllowList
    earliest: int
    latest: int


class Covered(NamedTuple):
    """What a piece brought of one machine on one day (`times.day_number`): how many rows, the first and the last moment."""

    host_id: int
    organisation_id: int
    host: str
    day: int
    row_count: int
    first: int
    last: int


@dataclass
class Parsed:
    """What a piece holds."""

    rows: list[bytes] = field(default_factory=list)  # see rows
    maybe: list[int] = field(default_factory=list)  # rows whose number may have come before in this file
    again: list[int] = field(default_factory=list)  # of these the ones whose event came before in this piece
    coverage: list[Covered] = field(default_factory=list)
    held: list[tuple[int, str, str, bytes]] = field(
        default_factory=list
    )  # line, machine, time, the line as it came
    problems: list[Problem] = field(default_factory=list)
    lines: int = 0
    application: int = 0


class _Wrong(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class _Memory(dict[K, V]):
    """What was worked out before; not for ever, because some files have a new value in every line."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        if len(self) > _KEPT:
            self.clear()
        value = self[key] = self._make(key)
        return value


class _Fact:
    """What does not change between rows of one account, program and client on one machine. `text`: as it stands in every row."""

    __slots__ = ("application", "host", "numbers", "text")

    def __init__(self, host: KnownHost, text: str, application: bool) -> None:
        self.host, self.text, self.application = host, text, application
        self.numbers = "t" if host.involves_number else "f"


class Parser:
    """Reads the pieces of one file. `header` are its headings; None for JSON lines."""

    def __init__(
        self, *, layout: Layout, header: str | None, encoding: str, import_id: int, known: Known
    ) -> None:
        self.layout, self.header, self.known, self.import_id = layout, header, known, import_id
        self._hosts = {host.id: host for host in known.hosts.values()}
        self._times = Times(layout)
        self._skew = layout.skew_minutes * 60_000_000
        self._facts: _Memory[tuple[str, ...], _Fact | None] = _Memory(self._learn)
        self._volumes: _Memory[str, str] = _Memory(_number)
        media, numbers = _meanings(layout, "medium_type"), _meanings(layout, "involves_number")
        self._media: _Memory[str, str] = _Memory(lambda word: media.get(name_key(word), word))
        self._numbers: _Memory[str, str] = _Memory(lambda word: _yes_or_no(word, numbers))
        # Which numbers of the source may have been there before: four bits of one byte for each, never less than was. Three in
        # a thousand are false alarms among a million, and it is 4 MB for any size of file.
        self._seen = bytearray(_BYTES) if layout.headings.get("source_id") else None
        self._all_known = True
        self.encoding = encoding = UTF8 if encoding == UTF8 else CP932
        if header is None:
            names = [layout.headings.get(name, "") for name in FIELDS]
            self._lines: JsonLines | DelimitedLines = JsonLines(names, encoding)
            places, self._width = {name: place for place, name in enumerate(FIELDS)}, len(FIELDS)
        else:
            places, self._width = places_of(layout, header)
            self._lines = DelimitedLines(
                delimiter=layout.delimiter,
                width=self._width,
                time_place=places["event_at"],
                is_time=self._is_time,
                encoding=encoding,
            )
        # A field without a column is the empty value that is put behind every record.
        self._pick = itemgetter(*(places.get(name, self._width) for name in FIELDS))

    def parse(self, data: bytes, first_line: int, batch_id: int) -> Parsed:
        """The rows of a piece whose first line has that number. Lines that cannot be read are named, never dropped unsaid."""
        parsed = Parsed()
        parsed.lines, records = self._lines.records(data, first_line, parsed.problems)
        return self._read(records, batch_id, parsed)

    def parse_lines(self, some: Iterable[tuple[int, bytes]]) -> Parsed:
        """The rows of a few stretches of a file, each with the number of its first line, to be shown only."""
        parsed = Parsed()
        records = [self._lines.records(lines, number, parsed.problems)[1] for number, lines in some]
        self._read(chain.from_iterable(records), 0, parsed)
        # A value that goes on is nothing that somebody has to look at.
        parsed.problems = [problem for problem in parsed.problems if problem[1] != "CONTINUED"]
        return parsed

    def parse_held(self, lines: Iterable[tuple[int, bytes]], batch_id: int) -> Parsed:
        """The rows of single records with the numbers of their first lines, as they were held. Of which lines a record is, and
        how each was read, was found and counted when it was held."""
        parsed = Parsed()
        records = (self._lines.held(line, number, parsed.problems) for number, line in lines)
        self._read(chain.from_iterable(records), batch_id, parsed)
        parsed.problems = [problem for problem in parsed.problems if problem[1] not in _SAID_BEFORE]
        return parsed

    def told(self) -> dict[str, Any]:
        """All of it as data, for a parser elsewhere."""
        known = self.known
        return {
            "log_kind": self.layout.log_kind,
            "layout": self.layout.to_json(),
            "header": self.header,
            "encoding": self.encoding,
            "import_id": self.import_id,
            "is_resumed": not self._all_known,
            "known": {
                "hosts": {key: astuple(host) for key, host in known.hosts.items()},
                "allowed": [asdict(entry) for entry in known.allowed.entries],
                "earliest": known.earliest,
                "latest": known.latest,
            },
        }

    def forget_numbers(self) -> None:
        """What came before is not known here: every number of the source is looked for in the database."""
        self._all_known = False

    def _read(self, records: Iterable[Record], batch_id: int, parsed: Parsed) -> Parsed:
        """These records become rows, wait, or are named as what they are.

        What is called here is called for every row: a million calls of anything are a good part of a second.
        """
        width, pick, facts, read, skew = self._width, self._pick, self._facts, self._times.read, self._skew
        rows, sources, days = parsed.rows, list[str](), defaultdict[tuple[int, int], list[int]](list)
        volumes, media, involved = self._volumes, self._media, self._numbers
        earliest, latest = self.known.earliest, self.known.latest
        first_id, batch = row_id(self.import_id, 0), f"\t{batch_id}\t"
        since = until = today = 0
        for number, raw, record in records:
            if len(record) != width:
                self._other_width(number, record, parsed)
                continue
            record.append("")  # what a field without a column holds
            (
                event_at, indexed_at, source_id, host, db_name, db_user, os_user, client, program, session_id, action,
                object_name, target, volume, return_code, medium_type, medium_serial, involves_number,
            ) = picked = pick(record)  # fmt: skip
            try:
                if len(raw) > _LONGEST and max(map(len, picked)) > _LONGEST:
                    raise _Wrong("TOO_LONG")
                at, at_text = read(event_at)
                if not earliest <= at <= latest:
                    raise _Wrong("OUT_OF_TIME", event_at[:40])
                fact = facts[host, db_user, os_user, program, client]
                if fact is None:
                    parsed.held.append((number, host, at_text, raw))
                    continue
                volume, medium_type = volumes[volume], media[medium_type]
                arrived, skewed = _NOT_TOLD, "f"
                if indexed_at:
                    arrived_at, arrived = read(indexed_at)
                    if not -skew <= arrived_at - at <= skew:
                        skewed = "t"
                        parsed.problems.append((number, "SKEWED", f"{(arrived_at - at) // 60_000_000}"))
                numbers = involved[involves_number] or fact.numbers
            except (_Wrong, NoTime) as wrong:
                parsed.problems.append((number, wrong.code, wrong.detail))
                continue
            digest = sha256(raw).hexdigest()
            if not since <= at < until:
                today = day_number(at)
                since, until = day_limits(today)
            days[fact.host.id, today].append(at)
            sources.append(source_id)
            parsed.application += fact.application
            row = (
                f"{first_id + number}{batch}{at_text}\t{arrived}\t{skewed}{fact.text}{numbers}\t{db_name}\t{session_id}\t"
                f"{action}\t{object_name}\t{target}\t{volume}\t{return_code}\t{source_id}\t{medium_type}\t{medium_serial}\t"
                f"\\\\x{digest}\n"
            )
            rows.append(row.encode())
        parsed.maybe = list(self._suspected(sources))
        parsed.again = _again(parsed, sources)
        parsed.coverage = [self._covered(*key, ats) for key, ats in sorted(days.items())]
        return parsed

    def _covered(self, host_id: int, day: int, ats: list[int]) -> Covered:
        host = self._hosts[host_id]
        return Covered(host.id, host.organisation_id, host.name, day, len(ats), min(ats), max(ats))

    def _other_width(self, number: int, record: list[str], parsed: Parsed) -> None:
        if record not in ([], [""]):  # an empty line is none
            parsed.problems.append((number, "COLUMNS", f"{len(record)}/{self._width}"))

    def _suspected(self, sources: list[str]) -> Iterator[int]:
        """Rows whose number at the source may have come before; all that did are among them."""
        seen = self._seen
        if seen is None:
            return
        for place, source_id in enumerate(sources):
            if source_id:
                key = hash(source_id)
                byte, bits = key & _PLACES, _BITS[key >> _SHIFT & 63]
                if seen[byte] & bits == bits or not self._all_known:
                    yield place
                seen[byte] |= bits

    def _is_time(self, text: str) -> bool:
        try:
            at, _text = self._times.read(text)
        except NoTime:
            return False
        return self.known.earliest <= at <= self.known.latest

    def _learn(self, key: tuple[str, ...]) -> _Fact | None:
        host, db_user, os_user, program, client = key
        if not host.strip():
            raise _Wrong("NO_HOST")
        known = self.known.hosts.get(name_key(plain(host)))
        if known is None:
            return None
        passes = self.known.allowed.passes(plain(db_user) or plain(os_user), plain(program), plain(client))
        name = for_copy(known.name)
        shown = (self.layout.log_kind, known.organisation_id, name, db_user, os_user, client, program)
        return _Fact(known, "\t".join(("", *map(str, shown), "t" if passes else "f", "")), passes)


def _again(parsed: Parsed, sources: list[str]) -> list[int]:
    """Rows of whose event another one came before in the piece: all of them are among `maybe`."""
    suspected = {sources[place] for place in parsed.maybe}
    if not suspected:
        return []
    first: dict[Event, int] = {}
    return [
        place
        for place, source in enumerate(sources)
        if source in suspected and first.setdefault(event_of(parsed.rows[place]), place) < place
    ]


def places_of(layout: Layout, header: str) -> tuple[dict[str, int], int]:
    """Where the fields stand in a file with this line of headings, and how many columns it has. Raises MissingColumns."""
    headings = next(csv.reader([header], delimiter=layout.delimiter), [])
    at = {name_key(heading): place for place, heading in reversed(list(enumerate(headings)))}
    found = {
        name: at[key]
        for name, heading in layout.headings.items()
        if heading and (key := name_key(heading)) in at
    }
    missing = sorted(REQUIRED[layout.log_kind] - found.keys())
    if missing:
        raise MissingColumns([layout.headings.get(name, name) for name in missing])
    return found, len(headings)


class MissingColumns(Exception):
    """Headings that a file of this log must have and this one has not."""

    def __init__(self, headings: list[str]) -> None:
        super().__init__(", ".join(headings))
        self.headings = headings


def _number(text: str) -> str:
    plain = text.replace(",", "").strip()
    if not plain:
        return "0"
    if not (plain.isdecimal() and plain.isascii()) or len(plain) > 18:
        raise _Wrong("NO_NUMBER", text[:40])
    return plain


def _yes_or_no(word: str, meanings: Mapping[str, str]) -> str:
    """What the row itself says of individual numbers, instead of its machine."""
    if not word:
        return ""
    meaning = meanings.get(name_key(word))
    if meaning is None:
        raise _Wrong("NO_MEANING", word[:40])
    return "t" if meaning == "YES" else "f"


def _meanings(layout: Layout, name: str) -> dict[str, str]:
    return {name_key(word): code for code, words in layout.words.get(name, {}).items() for word in words}
