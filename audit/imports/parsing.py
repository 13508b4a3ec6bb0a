"""A piece of a log file becomes rows for COPY. Pure: what it needs to know about the world is in `Known`.

Values are escaped for COPY before they are taken apart, a whole piece at a time; so no value is looked at twice.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, combinations, count, islice, repeat
from operator import itemgetter
from typing import Any, TypeVar

from audit.imports.allowed import AllowList
from audit.imports.layout import CP932, FIELDS, MOST_LINES, REQUIRED, UTF8, Layout
from audit.imports.models import row_id
from audit.imports.times import NoTime, Times, day_limits, day_number
from audit.reconciliation.names import name_key

_Record = tuple[int, bytes, Any]  # the number of its line, the line as it came, its fields
_Line = tuple[int, bytes, str]  # its number, as it came, as text
_Fields = tuple[int, bytes, list[str]]  # a _Record of a file with columns
K = TypeVar("K")
V = TypeVar("V")
# What LogRow has.
COLUMNS = (
    "id", "organisation_id", "batch_id", "log_kind", "event_at", "indexed_at", "host", "db_name", "db_user", "os_user",
    "client", "program", "session_id", "action", "object_name", "target", "volume", "return_code", "source_id",
    "medium_type", "medium_serial", "involves_number", "is_application", "is_skewed", "line_hash",
)  # fmt: skip
# The same in the order in which rows are written: what the rows of one account, program and client have in common together.
WRITTEN = (
    "id", "batch_id", "event_at", "indexed_at", "is_skewed", "log_kind", "organisation_id", "host", "db_user", "os_user", "client",
    "program", "is_application", "involves_number", "db_name", "session_id", "action", "object_name", "target", "volume",
    "return_code", "source_id", "medium_type", "medium_serial", "line_hash",
)  # fmt: skip
_NOT_TOLD = "\\N"  # when the row arrived
_KEPT = 10_000  # values of one kind that are remembered
_LONGEST = 4000  # characters of one value: more is a broken quote, not a name
_SAID_BEFORE = frozenset({"CONTINUED", "UNREADABLE", "OTHER_ENCODING"})  # of a line that was held
_NO_END: _Line = (0, b"", "")  # stands behind the lines of a record that did not end
_PICKED = tuple(name for name in FIELDS)
csv.field_size_limit(1 << 24)
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


class Day:
    """What a piece brought of one machine on one day."""

    __slots__ = ("ats", "day", "host")

    def __init__(self, host: KnownHost, day: int) -> None:
        self.host, self.day = host, day
        self.ats: list[int] = []  # the moments of its rows


@dataclass
class Parsed:
    """What a piece holds."""

    rows: list[str] = field(default_factory=list)  # as COPY takes them, in the order of WRITTEN
    days: list[Day] = field(default_factory=list)  # of each row
    identities: list[str] = field(default_factory=list)  # of each row: tells rows apart that came twice
    maybe: list[int] = field(
        default_factory=list
    )  # rows whose number at the source may have come before in this file
    coverage: dict[tuple[int, int], Day] = field(default_factory=dict)  # by machine and day
    held: list[tuple[int, str, str, bytes]] = field(
        default_factory=list
    )  # line, machine, time, the line as it came
    problems: list[tuple[int, str, str]] = field(default_factory=list)  # line, code, detail
    lines: int = 0
    application: int = 0

    def new_day(self, host: KnownHost, number: int) -> Day:
        """The first row of a machine on this day."""
        day = self.coverage[host.id, number] = Day(host, number)
        return day


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
        self._encodings = (UTF8, CP932) if encoding == UTF8 else (CP932, UTF8)
        self._times = Times(layout)
        self._skew = layout.skew_minutes * 60_000_000
        self._facts: _Memory[tuple[str, ...], _Fact | None] = _Memory(self._learn)
        self._volumes: _Memory[str, str] = _Memory(_number)
        media, numbers = _meanings(layout, "medium_type"), _meanings(layout, "involves_number")
        self._media: _Memory[str, str] = _Memory(lambda word: media.get(name_key(word), word))
        self._numbers: _Memory[str, str] = _Memory(lambda word: _yes_or_no(word, numbers))
        self._width, self._time_place = 0, 0
        # Which numbers of the source may have been there before: four bits of one byte for each, never less than was. Three in
        # a thousand are false alarms among a million, and it is 4 MB for any size of file.
        self._seen = bytearray(_BYTES) if layout.headings.get("source_id") else None
        self._all_known = True
        if header is None:
            self._pick: Callable[[Any], tuple[str, ...]] = self._pick_from_object
        else:
            self._pick = self._picker(header)

    def _picker(self, header: str) -> Callable[[Any], tuple[str, ...]]:
        places, self._width = places_of(self.layout, header)
        self._time_place = places["event_at"]
        # A field without a column is the empty value that is put behind every record.
        return itemgetter(*(places.get(name, self._width) for name in _PICKED))

    def _pick_from_object(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        headings = self.layout.headings
        return tuple(_escaped(record.get(headings.get(name, ""), "")) for name in _PICKED)

    def begin(self, data: bytes, first_line: int, batch_id: int) -> Reading:
        """Begin to read a piece whose first line has that number, when the one before is read. Lines that cannot be read are
        named, never dropped unsaid."""
        parsed = Parsed()
        return Reading(self._read, self._records(data, first_line, parsed), batch_id, parsed)

    def parse_lines(self, some: Iterable[tuple[int, bytes]]) -> Parsed:
        """The rows of a few stretches of a file, each with the number of its first line, to be shown only."""
        parsed = Parsed()
        for number, lines in some:
            self._read(self._records(lines + b"\n", number, parsed), 0, parsed)
        # A value that goes on is nothing that somebody has to look at.
        parsed.problems = [problem for problem in parsed.problems if problem[1] != "CONTINUED"]
        return parsed

    def parse_held(self, lines: Iterable[tuple[int, bytes]], batch_id: int) -> Parsed:
        """The rows of single records with the numbers of their first lines, as they were held. Of which lines a record is, and
        how each was read, was found and counted when it was held."""
        parsed = Parsed()
        for number, line in lines:
            self._read(self._records(line + b"\n", number, parsed, held=True), batch_id, parsed)
        parsed.problems = [problem for problem in parsed.problems if problem[1] not in _SAID_BEFORE]
        return parsed

    def forget_numbers(self) -> None:
        """What came before is not known here: every number of the source is looked for in the database."""
        self._all_known = False

    def _records(
        self, data: bytes, first_line: int, parsed: Parsed, *, held: bool = False
    ) -> Iterator[_Record]:
        raws, texts = self._lines(data, first_line, parsed)
        parsed.lines += len(raws)
        lines: Iterator[_Line] = zip(count(first_line), raws, texts)
        if not self._width:
            return self._from_json(lines, parsed)
        if held:
            return self._in_columns(self._as_one(list(lines)), parsed)
        if b'"' in data:
            return self._in_columns(self._quoted(lines, parsed), parsed)
        split = map(str.split, texts, repeat(self.layout.delimiter))
        return self._in_columns(zip(count(first_line), raws, split), parsed)

    def _lines(self, data: bytes, first_line: int, parsed: Parsed) -> tuple[list[bytes], list[str]]:
        """The lines as they came, and as text ready for COPY; "" for what nobody can read."""
        if not data:
            return [], []
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        raws = data.removesuffix(b"\n").split(b"\n")
        try:
            if b"\0" in data:
                raise ValueError
            text = data.removesuffix(b"\n").decode(self._encodings[0])
        except ValueError:
            text = "\n".join(self._texts_one_by_one(raws, first_line, parsed))
        if self._width:
            text = _for_copy(text, self.layout.delimiter)
        return raws, text.split("\n")

    def _texts_one_by_one(self, raws: list[bytes], first_line: int, parsed: Parsed) -> Iterator[str]:
        first, second = self._encodings
        for number, raw in enumerate(raws, first_line):
            try:
                if b"\0" in raw:
                    raise ValueError
                yield raw.decode(first)
            except ValueError:
                text, code = _in_another(raw, second)
                parsed.problems.append((number, code, second if text else ""))
                yield text

    def _from_json(self, lines: Iterable[_Line], parsed: Parsed) -> Iterator[_Record]:
        for number, raw, text in lines:
            if text.strip():
                record = _object(text)
                if record is None:
                    parsed.problems.append((number, "NO_JSON", ""))
                else:
                    yield number, raw, record

    def _quoted(self, lines: Iterator[_Line], parsed: Parsed) -> Iterator[_Fields]:
        """Records; one with a line break inside its quotes goes over several lines.

        A quotation mark that is never closed would take the lines after it along, up to the next one, and whoever gets one into
        a log could hide lines with it. So where lines do not make a record together, the first is named and left out, and
        reading begins anew at the next. And where they do, but look like rows of their own, they are read in both ways.
        """
        feed, delimiter = _Feed(lines), self.layout.delimiter
        taken, again = feed.taken, True
        while again:
            again = False
            yield from self._within(feed, parsed)
            for record in csv.reader(feed.texts(), delimiter=delimiter):
                number, raw, _text = taken[0]
                if len(taken) > 1:  # few: what is done here takes no time
                    if joined := self._joined(record, feed, parsed):
                        yield joined
                    if feed.again:
                        again = True
                        break
                    continue
                taken.clear()
                yield number, raw, record

    def _within(self, feed: _Feed, parsed: Parsed) -> Iterator[_Fields]:
        """Lines within a record that was taken: those that are rows too if they are read by themselves. What the others hold
        stands in that record."""
        while (line := feed.within()) is not None:
            number, raw, text = line
            if not self._begins_like_a_row(text):
                feed.again.popleft()
                self._goes_on(line, parsed)
                continue
            record = next(csv.reader(feed.texts(), delimiter=self.layout.delimiter))
            if len(feed.taken) > 1:
                if joined := self._joined(record, feed, parsed):
                    yield joined
                continue
            feed.taken.clear()
            if self._is_row(record):
                yield number, raw, record
            else:
                self._goes_on(line, parsed)

    def _joined(self, record: list[str], feed: _Feed, parsed: Parsed) -> _Fields | None:
        """Several lines as one record; None where they are none. What has to be read by itself is given back.

        They are one when it ends with them and is as wide as the headings. It is a row of its first line then, or somebody could
        take an access of their own out of the log with a text that looks like a row. If it does look so, the other lines are
        read by themselves too, or somebody could take along accesses of others.
        """
        taken, number = feed.taken, feed.taken[0][0]
        inside = number <= feed.taken_until
        if taken[-1] is _NO_END or not (self._is_row(record) if inside else len(record) == self._width):
            self._not_joined(feed, parsed)
            return None
        # The line on which the record has its own time, and the others.
        own = sum(value.count("\n") for value in record[: self._time_place])
        alike = [
            place for place, line in enumerate(taken) if place != own and self._begins_like_a_row(line[2])
        ]
        if 0 in alike and self._is_row(_first_of(taken[own:], self.layout.delimiter)):
            # Two halves that fit each other: it would have the number of one row and the account of another.
            self._not_joined(feed, parsed)
            return None
        made, last = self._one_of(taken, record), taken[-1][0]
        if alike:
            parsed.problems.append((number, "TWO_WAYS", f"{number}-{last}"))
            feed.taken_until = max(feed.taken_until, last)
            feed.give_back()
        else:
            for line in taken[1:]:
                self._goes_on(line, parsed)
            taken.clear()
        return made

    def _not_joined(self, feed: _Feed, parsed: Parsed) -> None:
        """Leave out the first line, unless it stands in a record that was taken, and have the others read by themselves."""
        first = feed.taken[0]
        if first[0] <= feed.taken_until:
            self._goes_on(first, parsed)
        else:
            parsed.problems.append((first[0], "QUOTE", ""))
        feed.give_back()

    @staticmethod
    def _goes_on(line: _Line, parsed: Parsed) -> None:
        """Count a line that is part of a record before it; an empty one is none, and one that nobody can read is counted so."""
        if line[2]:
            parsed.problems.append((line[0], "CONTINUED", ""))

    @staticmethod
    def _one_of(lines: list[_Line], record: list[str]) -> _Fields:
        raw = b"\n".join(line[1] for line in lines)
        return lines[0][0], raw, [value.replace("\n", "\\n") for value in record]

    def _as_one(self, lines: list[_Line]) -> Iterator[_Fields]:
        """A record that was held, with all its lines."""
        texts = (f"{line[2]}\n" for line in lines)
        yield self._one_of(lines, next(csv.reader(texts, delimiter=self.layout.delimiter)))

    def _begins_like_a_row(self, text: str) -> bool:
        """Whether a line has a time where rows have theirs, and goes on after it, if its quotation marks are letters. Commas in a
        value left of the time move it to the right."""
        first = self._time_place
        fields = text.replace('"', "").split(self.layout.delimiter)
        if len(fields) < min(first + 2, self._width):
            return False
        return any(map(self._is_time, fields[first:] if first else fields[:1]))

    def _is_row(self, record: list[str]) -> bool:
        return len(record) == self._width and self._is_time(record[self._time_place])

    def _is_time(self, text: str) -> bool:
        try:
            at, _text = self._times.read(text)
        except NoTime:
            return False
        return self.known.earliest <= at <= self.known.latest

    def _in_columns(self, records: Iterable[_Fields], parsed: Parsed) -> Iterator[_Record]:
        width, tabbed = self._width, self.layout.delimiter == "\t"
        for number, raw, record in records:
            if len(record) != width:
                if record and record != [""]:  # an empty line is none
                    parsed.problems.append((number, "COLUMNS", f"{len(record)}/{width}"))
                continue
            record.append("")  # what a field without a column holds
            yield number, raw, [value.replace("\t", "\\t") for value in record] if tabbed else record

    def _read(self, records: Iterable[_Record], batch_id: int, parsed: Parsed) -> None:
        """What is called here is called for every row: a million calls of anything are a good part of a second."""
        pick, facts, read, skew = self._pick, self._facts, self._times.read, self._skew
        rows, days, identities, sources = parsed.rows, parsed.days, parsed.identities, list[str]()
        volumes, media, involved = self._volumes, self._media, self._numbers
        earliest, latest = self.known.earliest, self.known.latest
        first_id, batch = row_id(self.import_id, 0), f"\t{batch_id}\t"
        coverage, before = parsed.coverage, len(rows)
        since = until = today = 0
        for number, raw, record in records:
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
            day = coverage.get((fact.host.id, today)) or parsed.new_day(fact.host, today)
            day.ats.append(at)
            days.append(day)
            sources.append(source_id)
            identities.append(source_id or digest)
            parsed.application += fact.application
            rows.append(
                f"{first_id + number}{batch}{at_text}\t{arrived}\t{skewed}{fact.text}{numbers}\t{db_name}\t{session_id}\t"
                f"{action}\t{object_name}\t{target}\t{volume}\t{return_code}\t{source_id}\t{medium_type}\t{medium_serial}\t"
                f"\\\\x{digest}\n"
            )

        if self._seen is not None:
            parsed.maybe.extend(self._suspected(self._seen, sources, before))

    def _suspected(self, seen: bytearray, sources: list[str], first: int) -> Iterator[int]:
        """Of rows from place `first` on those whose number at the source may have come before; all that did are among them."""
        for place, source_id in enumerate(sources, first):
            if source_id:
                key = hash(source_id)
                byte, bits = key & _PLACES, _BITS[key >> _SHIFT & 63]
                if seen[byte] & bits == bits or not self._all_known:
                    yield place
                seen[byte] |= bits

    def _learn(self, key: tuple[str, ...]) -> _Fact | None:
        host, db_user, os_user, program, client = key
        if not host.strip():
            raise _Wrong("NO_HOST")
        known = self.known.hosts.get(name_key(plain(host)))
        if known is None:
            return None
        passes = self.known.allowed.passes(plain(db_user) or plain(os_user), plain(program), plain(client))
        name = _for_copy(known.name)
        shown = (self.layout.log_kind, known.organisation_id, name, db_user, os_user, client, program)
        return _Fact(known, "\t".join(("", *map(str, shown), "t" if passes else "f", "")), passes)


class _Feed:
    """Lines on their way into csv.reader. `taken` are those of the record that it is at."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self.taken: list[_Line] = []
        self.again = deque[_Line]()  # given back
        self.taken_until = 0  # the last line of a record that was taken and whose lines were given back
        self._lines = lines

    def texts(self) -> Iterator[str]:
        """Line by line; it stops where a record becomes too long, and _NO_END says that it did not end."""
        taken = self.taken
        for line in chain(self._once_more(), self._lines):
            taken.append(line)
            yield line[2] + "\n"
            if len(taken) >= MOST_LINES:
                break
        if taken:
            taken.append(_NO_END)

    def give_back(self) -> None:
        """Have all lines but the first of the record read again."""
        self.again.extendleft(line for line in reversed(self.taken[1:]) if line is not _NO_END)
        self.taken.clear()

    def within(self) -> _Line | None:
        """The next line, if it stands within a record that was taken."""
        return self.again[0] if self.again and self.again[0][0] <= self.taken_until else None

    def _once_more(self) -> Iterator[_Line]:
        while self.again:
            yield self.again.popleft()


class Reading:
    """A piece that is being read, as far as somebody asked for."""

    def __init__(
        self,
        read: Callable[[Iterable[_Record], int, Parsed], None],
        records: Iterator[_Record],
        batch_id: int,
        parsed: Parsed,
    ) -> None:
        self._read_into, self._records, self._batch_id, self._parsed = read, records, batch_id, parsed

    def read(self, most: int) -> None:
        """At most so many records more."""
        self._read_into(islice(self._records, most), self._batch_id, self._parsed)

    def to_the_end(self) -> Parsed:
        """All that is left."""
        self._read_into(self._records, self._batch_id, self._parsed)
        return self._parsed


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


def _first_of(lines: Iterable[_Line], delimiter: str) -> list[str]:
    """The fields of the record that begins with these lines; none if it does not end with them either."""
    feed = _Feed(iter(lines))
    record = next(csv.reader(feed.texts(), delimiter=delimiter), [])
    return [] if feed.taken and feed.taken[-1] is _NO_END else record


def _in_another(raw: bytes, encoding: str) -> tuple[str, str]:
    """A line that is not in the encoding of its file: its text, and what to say of it."""
    if b"\0" not in raw:
        try:
            return raw.decode(encoding), "OTHER_ENCODING"
        except UnicodeDecodeError:
            pass
    return "", "UNREADABLE"


def _for_copy(text: str, delimiter: str = ",") -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\t" in text and delimiter != "\t":
        text = text.replace("\t", "\\t")
    return text


def plain(value: str) -> str:
    """A value as it was before it was escaped for COPY."""
    return value.replace("\\t", "\t").replace("\\\\", "\\") if "\\" in value else value


def _escaped(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = text.replace("\0", "").encode("utf-8", "replace").decode()  # half of a pair cannot be stored
    text = _for_copy(text)
    return text.replace("\n", "\\n")


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else None


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
