"""The lines of a piece of a log file become records. Nothing is dropped unsaid: what makes no record is named by its line.

Values are escaped for COPY before they are taken apart, a whole piece at a time; so no value is looked at twice.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, repeat
from typing import Any

from audit.imports.layout import CP932, MOST_LINES, UTF8
from audit.imports.rows import for_copy

Record = tuple[int, bytes, list[str]]  # the number of its line, the line as it came, its values
Problem = tuple[int, str, str]  # line, code, detail
_Line = tuple[int, bytes, str]  # its number, as it came, as text
_Stretch = tuple[
    int, list[bytes], str
]  # the number of the first line, lines as they came, all of them as text, "" where nobody can read one
_STRETCH = 64 * 1024
_NO_END: _Line = (0, b"", "")  # stands behind the lines of a record that did not end
csv.field_size_limit(1 << 24)


class JsonLines:
    """One object in a line; of each record the values under these names, "" where it has none."""

    def __init__(self, names: Sequence[str], encoding: str) -> None:
        self._names, self._encoding = names, encoding

    def records(self, data: bytes, first_line: int, problems: list[Problem]) -> tuple[int, Iterator[Record]]:
        """How many lines a piece has whose first line has that number, and its records."""
        lines, stretches = stretches_of(data, first_line, self._encoding, problems)
        every = (zip(count(first), raws, text.split("\n")) for first, raws, text in stretches)
        return lines, self._from_json(chain.from_iterable(every), problems)

    def held(self, data: bytes, first_line: int, problems: list[Problem]) -> Iterator[Record]:
        """A record that was held."""
        return self.records(data, first_line, problems)[1]

    def _from_json(self, lines: Iterable[_Line], problems: list[Problem]) -> Iterator[Record]:
        for number, raw, text in lines:
            if text.strip():
                record = _object(text)
                if record is None:
                    problems.append((number, "NO_JSON", ""))
                else:
                    yield number, raw, [_escaped(record.get(name, "")) for name in self._names]


class DelimitedLines:
    """Values between delimiters, as many as the headings. `time_place`: in which column the time stands; `is_time` tells whether a
    text is one that a row can have."""

    def __init__(
        self, *, delimiter: str, width: int, time_place: int, is_time: Callable[[str], bool], encoding: str
    ) -> None:
        self._delimiter, self._width, self._encoding = delimiter, width, encoding
        self._time_place, self._is_time = time_place, is_time

    def records(self, data: bytes, first_line: int, problems: list[Problem]) -> tuple[int, Iterator[Record]]:
        """How many lines a piece has whose first line has that number, and its records; some may not be as wide as the headings."""
        lines, stretches = self._lines(data, first_line, problems)
        if b'"' in data:
            every = chain.from_iterable(zip(count(first), raws, texts) for first, raws, texts in stretches)
            return lines, self._storable(self._quoted(every, problems))
        delimiter = repeat(self._delimiter)
        records = (
            zip(count(first), raws, map(str.split, texts, delimiter)) for first, raws, texts in stretches
        )
        return lines, chain.from_iterable(records)

    def held(self, data: bytes, first_line: int, problems: list[Problem]) -> Iterator[Record]:
        """A record that was held, with all its lines."""
        _count, stretches = self._lines(data, first_line, problems)
        lines = [line for first, raws, texts in stretches for line in zip(count(first), raws, texts)]
        texts = (f"{line[2]}\n" for line in lines)
        record = next(csv.reader(texts, delimiter=self._delimiter))
        return self._storable(iter([self._one_of(lines, record)]))

    def _lines(
        self, data: bytes, first_line: int, problems: list[Problem]
    ) -> tuple[int, Iterator[tuple[int, list[bytes], list[str]]]]:
        lines, stretches = stretches_of(data, first_line, self._encoding, problems)
        return lines, (
            (first, raws, for_copy(text, self._delimiter).split("\n")) for first, raws, text in stretches
        )

    def _storable(self, records: Iterator[Record]) -> Iterator[Record]:
        """Where tabs are delimiters they are within a value only if it is quoted."""
        if self._delimiter != "\t":
            return records
        return (
            (number, raw, [value.replace("\t", "\\t") for value in record]) for number, raw, record in records
        )

    def _quoted(self, lines: Iterator[_Line], problems: list[Problem]) -> Iterator[Record]:
        """Records; one with a line break inside its quotes goes over several lines.

        A quotation mark that is never closed would take the lines after it along, up to the next one, and whoever gets one into
        a log could hide lines with it. So where lines do not make a record together, the first is named and left out, and
        reading begins anew at the next. And where they do, but look like rows of their own, they are read in both ways.
        """
        feed, delimiter = _Feed(lines), self._delimiter
        taken, again = feed.taken, True
        while again:
            again = False
            yield from self._within(feed, problems)
            for record in csv.reader(feed.texts(), delimiter=delimiter):
                number, raw, _text = taken[0]
                if len(taken) > 1:  # few: what is done here takes no time
                    if joined := self._joined(record, feed, problems):
                        yield joined
                    if feed.again:
                        again = True
                        break
                    continue
                taken.clear()
                yield number, raw, record

    def _within(self, feed: _Feed, problems: list[Problem]) -> Iterator[Record]:
        """Lines within a record that was taken: those that are rows too if they are read by themselves. What the others hold
        stands in that record."""
        while (line := feed.within()) is not None:
            number, raw, text = line
            if not self._begins_like_a_row(text):
                feed.again.popleft()
                self._goes_on(line, problems)
                continue
            record = next(csv.reader(feed.texts(), delimiter=self._delimiter))
            if len(feed.taken) > 1:
                if joined := self._joined(record, feed, problems):
                    yield joined
                continue
            feed.taken.clear()
            if self._is_row(record):
                yield number, raw, record
            else:
                self._goes_on(line, problems)

    def _joined(self, record: list[str], feed: _Feed, problems: list[Problem]) -> Record | None:
        """Several lines as one record; None where they are none. What has to be read by itself is given back.

        They are one when it ends with them and is as wide as the headings. It is a row of its first line then, or somebody could
        take an access of their own out of the log with a text that looks like a row. If it does look so, the other lines are
        read by themselves too, or somebody could take along accesses of others.
        """
        taken, number = feed.taken, feed.taken[0][0]
        inside = number <= feed.taken_until
        if taken[-1] is _NO_END or not (self._is_row(record) if inside else len(record) == self._width):
            self._not_joined(feed, problems)
            return None
        # The line on which the record has its own time, and the others.
        own = sum(value.count("\n") for value in record[: self._time_place])
        alike = [
            place for place, line in enumerate(taken) if place != own and self._begins_like_a_row(line[2])
        ]
        if 0 in alike and self._is_row(_first_of(taken[own:], self._delimiter)):
            # Two halves that fit each other: it would have the number of one row and the account of another.
            self._not_joined(feed, problems)
            return None
        made, last = self._one_of(taken, record), taken[-1][0]
        if alike:
            problems.append((number, "TWO_WAYS", f"{number}-{last}"))
            feed.taken_until = max(feed.taken_until, last)
            feed.give_back()
        else:
            for line in taken[1:]:
                self._goes_on(line, problems)
            taken.clear()
        return made

    def _not_joined(self, feed: _Feed, problems: list[Problem]) -> None:
        """Leave out the first line, unless it stands in a record that was taken, and have the others read by themselves."""
        first = feed.taken[0]
        if first[0] <= feed.taken_until:
            self._goes_on(first, problems)
        else:
            problems.append((first[0], "QUOTE", ""))
        feed.give_back()

    @staticmethod
    def _goes_on(line: _Line, problems: list[Problem]) -> None:
        """Count a line that is part of a record before it; an empty one is none, and one that nobody can read is counted so."""
        if line[2]:
            problems.append((line[0], "CONTINUED", ""))

    @staticmethod
    def _one_of(lines: list[_Line], record: list[str]) -> Record:
        raw = b"\n".join(line[1] for line in lines)
        return lines[0][0], raw, [value.replace("\n", "\\n") for value in record]

    def _begins_like_a_row(self, text: str) -> bool:
        """Whether a line has a time where rows have theirs, and goes on after it, if its quotation marks are letters. Commas in a
        value left of the time move it to the right."""
        first = self._time_place
        fields = text.replace('"', "").split(self._delimiter)
        if len(fields) < min(first + 2, self._width):
            return False
        return any(map(self._is_time, fields[first:] if first else fields[:1]))

    def _is_row(self, record: list[str]) -> bool:
        return len(record) == self._width and self._is_time(record[self._time_place])


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


def stretches_of(
    data: bytes, first_line: int, encoding: str, problems: list[Problem]
) -> tuple[int, Iterator[_Stretch]]:
    """How many lines a piece has, and they themselves a few hundred at a time: all of them as objects would be three times the
    piece, and no longer near the processor when they are looked at again."""
    if not data:
        return 0, iter(())
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    data = data.removesuffix(b"\n")
    return data.count(b"\n") + 1, _stretches(data, first_line, encoding, problems)


def _stretches(data: bytes, first_line: int, encoding: str, problems: list[Problem]) -> Iterator[_Stretch]:
    begin = 0
    while begin <= len(data):
        end = data.find(b"\n", begin + _STRETCH)
        end = len(data) if end < 0 else end
        some = data[begin:end]
        raws = some.split(b"\n")
        try:
            if b"\0" in some:
                raise ValueError
            text = some.decode(encoding)
        except ValueError:
            text = "\n".join(_one_by_one(raws, first_line, encoding, problems))
        yield first_line, raws, text
        begin, first_line = end + 1, first_line + len(raws)


def _one_by_one(
    raws: Iterable[bytes], first_line: int, encoding: str, problems: list[Problem]
) -> Iterator[str]:
    other = CP932 if encoding == UTF8 else UTF8
    for number, raw in enumerate(raws, first_line):
        try:
            if b"\0" in raw:
                raise ValueError
            yield raw.decode(encoding)
        except ValueError:
            text, code = _in_another(raw, other)
            problems.append((number, code, other if text else ""))
            yield text


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


def _escaped(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = text.replace("\0", "").encode("utf-8", "replace").decode()  # half of a pair cannot be stored
    text = for_copy(text)
    return text.replace("\n", "\\n")


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else None
