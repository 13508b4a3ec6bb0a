"""Moments of log lines, read fast: minutes and what follows them are looked up; only what is new is taken apart."""

from __future__ import annotations

import datetime as dt
import re

from audit.imports.layout import EPOCH, ISO, Layout

_JAPAN = 9 * 3600 * 1_000_000
_DAY = 86_400_000_000
_FIRST = dt.date(1970, 1, 1).toordinal()
# Zones as there are on earth: PostgreSQL refuses "+99:00", and with it the whole piece.
_ZONE = r"Z|[+-](?:(?:0\d|1[0-3]):?[0-5]\d|14:?00)"
_TAIL = re.compile(rf":([0-5]\d)(?:[.,](\d{{1,9}}))?\s*({_ZONE})?", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SLASHES = re.compile(r"(\d{4})/(\d\d)/(\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SHORT = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})[T ](\d{1,2}):(\d{2})(.*)", re.ASCII)
_EPOCH = re.compile(r"(\d{9,11})(?:\.(\d{1,9}))?", re.ASCII)
_KEPT = 5_000  # minutes and tails that are remembered: files come in the order of time


class NoTime(ValueError):
    """The text is no moment in this layout. `code` and `detail` as findings have them."""

    code = "NO_TIME"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.detail = text[:40]


class _Minutes(dict[str, tuple[int, str]]):
    """Microseconds and the text for PostgreSQL of "2026-09-01 12:34", taken as UTC."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__()
        self._pattern = pattern

    def __missing__(self, text: str) -> tuple[int, str]:
        found = self._pattern.fullmatch(text)
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute = map(int, found.groups())
        days = dt.date(year, month, day).toordinal() - _FIRST
        if len(self) > _KEPT:
            self.clear()
        value = (
            (days * 1440 + hour * 60 + minute) * 60_000_000,
            f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}",
        )
        self[text] = value
        return value


class _Tails(dict[str, tuple[int, str]]):
    """What comes after the minute: microseconds without the zone's, and the text with the zone."""

    def __init__(self, zone: str) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, text: str) -> tuple[int, str]:
        found = _TAIL.fullmatch(text) if text else None
        if found is None and text:
            raise ValueError(text)
        seconds, fraction, zone = found.groups() if found else ("00", None, None)
        zone = self._zone if zone is None else "+00:00" if zone == "Z" else zone
        offset = int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[-2:])) * 60_000_000
        micros = fraction.ljust(6, "0")[:6] if fraction else ""
        if len(self) > _KEPT:
            self.clear()
        shown = f":{seconds}.{micros}{zone}" if micros else f":{seconds}{zone}"
        value = int(seconds) * 1_000_000 + int(micros or 0) - offset, shown
        self[text] = value
        return value


class Times:
    """Reads the moments of one log. `read` raises NoTime for what is none."""

    def __init__(self, layout: Layout) -> None:
        self._minutes = _Minutes(_ISO if layout.time_format == ISO else _SLASHES)
        self._tails = _Tails(layout.zone)
        self._epoch = layout.time_format == EPOCH
        self._separator = "-" if layout.time_format == ISO else "/"

    def read(self, text: str) -> tuple[int, str]:
        """Microseconds since 1970, and the text for PostgreSQL."""
        if self._epoch:
            return self._since_1970(text)
        try:
            minute, tail = self._minutes[text[:16]], self._tails[text[16:]]
        except ValueError:
            return self._short(text)
        return minute[0] + tail[0], minute[1] + tail[1]

    def _short(self, text: str) -> tuple[int, str]:
        """2026/9/1 9:05:00, as spreadsheets write it."""
        found = _SHORT.fullmatch(text.strip())
        if found is None or found[2] != self._separator:
            raise NoTime(text)
        year, sign, month, day, hour, minute, tail = found.groups()
        whole = f"{year}{sign}{int(month):02}{sign}{int(day):02} {int(hour):02}:{minute}"
        try:
            first, rest = self._minutes[whole], self._tails[tail]
        except ValueError:
            raise NoTime(text) from None
        return first[0] + rest[0], first[1] + rest[1]

    def _since_1970(self, text: str) -> tuple[int, str]:
        found = _EPOCH.fullmatch(text)
        if found is None:
            raise NoTime(text)
        at = int(found[1]) * 1_000_000 + int((found[2] or "0").ljust(6, "0")[:6])
        return at, f"{moment(at):%Y-%m-%d %H:%M:%S.%f}+00:00"


def moment(at: int) -> dt.datetime:
    """The moment of microseconds since 1970."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at)


def day_number(at: int) -> int:
    """The day in Japan, counted from 1970."""
    return (at + _JAPAN) // _DAY


def day_limits(number: int) -> tuple[int, int]:
    """When the day of `day_number` begins, and when the next one does."""
    return number * _DAY - _JAPAN, (number + 1) * _DAY - _JAPAN


def day_of(number: int) -> dt.date:
    """The day of `day_number`."""
    return dt.date.fromordinal(number + _FIRST)
