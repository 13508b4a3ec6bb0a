"""Template tags of every page: icons, dates, status chips. A built-in library: templates need no `load`."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from portal.common import time
from portal.common.pagination import COUNT_LIMIT

register = template.Library()

# Outlines on a 20 x 20 grid, drawn with the text colour.
ICONS: dict[str, tuple[str, ...]] = {
    "account": (
        "M10 3.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z",
        "M3.500 17c.8-3.400 3.400-5 6.500-5s5.700 1.600 6.500 5",
    ),
    "back": ("M8 4 4 8l4 4", "M4 8h8a4 4 0 0 1 0 8H9"),
    "bell": ("M5 14V9a5 5 0 0 1 10 0v5l1.500 1.500h-13L5 14ZM8.500 17.500h3",),
    "book": (
        "M4 3.500h5a1.500 1.500 0 0 1 1.500 1.500v12A1.500 1.500 0 0 0 9 15.500H4z",
        "M16.500 3.500H12A1.500 1.500 0 0 0 10.500 5v12a1.500 1.500 0 0 1 1.500-1.500h4.500z",
    ),
    "building": ("M4 17.500v-14h8v14M12 8h4v9.500M2.500 17.500h15", "M7 7h2M7 10.500h2M7 14h2"),
    "check": ("m4 10.500 4 4 8-9",),
    "clock": ("M10 2.500a7.500 7.500 0 1 1 0 15 7.500 7.500 0 0 1 0-15Z", "M10 5.500V10l3 2"),
    "close": ("m5 5 10 10M15 5 5 15",),
    "computer": ("M3 4h14v9H3z", "M7.500 16.500h5M10 13v3.500"),
    "device": ("M7 9h6v8H7z", "M8 9V3h4v6M9.300 5.500v.1M10.700 5.500v.1"),
    "copy": ("M7 6.500h9.500V17H7z", "M13 6.500V3H3.500v10.500H7"),
    "cycle": ("M16 10a6 6 0 1 1-1.800-4.300", "M16.500 2.500v4h-4"),
    "upload": ("M10 12.500v-9M6 7l4-4 4 4M4 16.500h12",),
    "download": ("M10 3v9M6 8.500l4 4 4-4M4 16.500h12",),
    "eye": (
        "M2 10s3-5.500 8-5.500 8 5.500 8 5.500-3 5.500-8 5.500S2 10 2 10Z",
        "M10 7.700a2.300 2.300 0 1 1 0 4.600 2.300 2.300 0 0 1 0-4.600Z",
    ),
    "file": ("M5 2.500h7l3.500 3.500v11.500H5z", "M8 9h5M8 12.500h5"),
    "gear": (
        "M10 7.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5Z",
        "M10 2.500V5M10 15v2.500M2.500 10H5M15 10h2.500M4.700 4.700l1.800 1.800M13.500 13.500l1.800 1.800M4.700 15.300l1.800-1.800M13.500 6.500l1.800-1.800",
    ),
    "help": ("M7 7.500a3 3 0 1 1 4.300 2.700c-.9.400-1.300 1-1.300 2M10 15.600v.1",),
    "home": ("m3 9.500 7-6 7 6V17h-5v-4.500H8V17H3z",),
    "inbox": ("M3 11.500 5.500 4h9l2.500 7.500V16H3z", "M3 11.500h4l1 2h4l1-2h4"),
    "info": ("M10 2.500a7.500 7.500 0 1 1 0 15 7.500 7.500 0 0 1 0-15Z", "M10 9v5M10 6v.1"),
    "key": (
        "M6.500 9.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7Z",
        "m9 10.500 7.500-7.500M13.500 6l2.500 2.500",
    ),
    "list": ("M3 5h2M3 10h2M3 15h2M8 5h9M8 10h9M8 15h9",),
    "mail": ("M2.500 4.500h15v11h-15z", "m2.500 5.500 7.500 6 7.500-6"),
    "menu": ("M3 5.500h14M3 10h14M3 14.500h14",),
    "minus": ("M4 10h12",),
    "paper_clip": (
        "m15.5 9.500-5.800 5.800a3.500 3.500 0 0 1-5-5l6.300-6.300a2.300 2.300 0 0 1 3.300 3.300l-6.200 6.200a1 1 0 0 1-1.500-1.500L12 6.500",
    ),
    "pen": ("m4 16 .8-3.600 8.700-8.700 2.800 2.800-8.700 8.700L4 16Z",),
    "people": (
        "M7 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z",
        "M1.500 16.500c.6-3 2.700-4.500 5.500-4.500s4.900 1.500 5.500 4.500",
        "M12.500 4.300a3 3 0 0 1 0 5.400M14.500 12.400c2.100.5 3.500 1.900 4 4.100",
    ),
    "plus": ("M10 4v12M4 10h12",),
    "print": ("M6 7V3h8v4M6 14H3.500V7h13v7H14M6 11.500h8V17H6z",),
    "route": (
        "M5 3a2 2 0 1 1 0 4 2 2 0 0 1 0-4ZM15 13a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
        "M7 5h5a2.500 2.500 0 0 1 0 5H8a2.500 2.500 0 0 0 0 5h5",
    ),
    "save": ("M4 3.500h10l2.500 2.500v10.500H4z", "M7 3.500v4h5v-4M7 16.500v-5h6v5"),
    "search": ("M9 3.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11Z", "m13 13 4 4"),
    "shield": (
        "M10 2.500 3.500 5v5c0 4 2.700 6.500 6.500 7.500 3.800-1 6.500-3.500 6.500-7.500V5L10 2.500Z",
        "m7 10 2.200 2.200L13 8.300",
    ),
    "stop": ("M10 2.500a7.500 7.500 0 1 1 0 15 7.500 7.500 0 0 1 0-15Z", "m4.700 4.700 10.600 10.600"),
    "swap": ("M4 7h11M12 4l3 3-3 3", "M16 13H5M8 10l-3 3 3 3"),
    "warning": ("M10 3 2 17h16L10 3Z", "M10 8.500V12M10 14.600v.1"),
    "alert": ("M10 3.500v8.500M10 15.800v.2",),
}

# Every status of the portal: (colour of the chip, icon). Icon and word say it; colour is the third cue.
_CHIPS: dict[str, tuple[str, str]] = {
    "DRAFT": ("", "pen"),
    "IN_REVIEW": ("wait", "clock"),
    "RETURNED": ("back", "back"),
    "PULLED_BACK": ("back", "back"),
    "WITHDRAWN": ("", "minus"),
    "REJECTED": ("ng", "close"),
    "FULFILLING": ("run", "cycle"),
    "PARTLY_COMPLETED": ("run", "cycle"),
    "NEEDS_ATTENTION": ("fail", "alert"),
    "COMPLETED": ("done", "check"),
    "NOT_DONE": ("ng", "stop"),
    # approval stages
    "OPEN": ("wait", "clock"),
    "APPROVED": ("ok", "check"),
    "CANCELLED": ("", "minus"),
    # operations and jobs
    "WAITING": ("", "clock"),
    "RUNNING": ("run", "cycle"),
    "OUTCOME_UNKNOWN": ("wait", "help"),
    "ATTENTION": ("fail", "alert"),
    "MANUAL": ("back", "pen"),
    "DONE": ("done", "check"),
    "CLOSED": ("ng", "stop"),
    # dormant accounts
    "ANSWERED": ("done", "check"),
    "SUPERSEDED": ("", "minus"),
    "KEEP": ("ok", "check"),
    "DELETE": ("ng", "close"),
    "LEFT": ("", "minus"),
    # log files
    "UPLOADED": ("wait", "eye"),
    "DISCARDED": ("", "minus"),
    # findings and runs of the reconciliation
    "PROPOSED": ("back", "people"),
    "RESTORING": ("run", "cycle"),
    "GONE": ("", "minus"),
    "INTERRUPTED": ("fail", "alert"),
    # notices
    "QUEUED": ("wait", "clock"),
    "SENT": ("done", "check"),
    "FAILED": ("fail", "alert"),
    "DROPPED": ("", "minus"),
    # accounts, people, recipients
    "ENABLED": ("done", "check"),
    "DISABLED": ("", "stop"),
    "DELETED": ("ng", "close"),
    "REMOVED": ("", "minus"),
    "ACTIVE": ("done", "check"),
    "ENDED": ("", "minus"),
    "PENDING": ("wait", "clock"),
    "CONFIRMED": ("done", "check"),
    # parts of bundles
    "LEFT_OUT": ("", "minus"),
    "NOT_APPLIED": ("back", "pen"),
    "TO_CORRECT": ("back", "pen"),
    "DECIDING": ("wait", "clock"),
    "WORKING": ("run", "cycle"),
    "STUCK": ("fail", "alert"),
    "REFUSED": ("ng", "close"),
    "CALLED_OFF": ("", "minus"),
    "BLOCKED": ("back", "clock"),
    # machines and devices
    "RETIRED": ("", "minus"),
    "REGISTERED": ("done", "check"),
    "ENDING": ("wait", "clock"),
    # quarantine
    "FIT": ("done", "check"),
    "UNFIT": ("fail", "alert"),
    # inventory of devices
    "REMOVE": ("ng", "close"),
    "MISSING": ("fail", "alert"),
    "RECENT": ("done", "check"),
    "UNUSED": ("wait", "clock"),
    "NEVER": ("wait", "alert"),
    "UNKNOWN": ("", "info"),
    # audit reports
    "PLANNED": ("", "clock"),
    "CREATED": ("wait", "file"),
    "CENTRAL_CONFIRMED": ("wait", "check"),
    "PROVIDED": ("run", "mail"),
    "FED_CONFIRMED": ("ok", "check"),
    "COPY_STORED": ("done", "check"),
    "DISPOSED": ("", "minus"),
    # initial passwords
    "DELIVERED": ("wait", "mail"),
    "TAKEN": ("ok", "check"),
    "IN_USE": ("done", "check"),
    "UNUSED_DISABLED": ("fail", "stop"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An inline picture by name; decoration unless `label` gives it a meaning of its own.

    A name that is not known (kinds bring their own) gives a sheet of paper.
    """
    return _drawn(str(name), str(label))


@lru_cache(maxsize=512, typed=True)  # a page draws a hundred of them
def _drawn(name: str, label: str) -> SafeString:
    paths = format_html_join("", '<path d="{}"/>', ((path,) for path in ICONS.get(name, ICONS["file"])))
    if label:
        return format_html(
            '<svg class="i" viewBox="0 0 20 20" role="img" aria-label="{}">{}</svg>', label, paths
        )
    return format_html('<svg class="i" viewBox="0 0 20 20" aria-hidden="true">{}</svg>', paths)


@register.simple_tag
def status_chip(status: str, label: Any = "", size: str = "") -> SafeString:
    """A status with icon and word; an unknown status is shown in grey rather than left out."""
    return _chip(str(status), str(label or status), size)


@lru_cache(maxsize=1024, typed=True)  # safe text is another key; a list has fifty of a few
def _chip(status: str, label: str, size: str) -> SafeString:
    colour, picture = _CHIPS.get(status, ("", "info"))
    attributes = format_html(' data-size="{}"', size) if size else ""
    return format_html(
        '<span class="c-chip" data-s="{}"{}>{}{}</span>', colour, attributes, icon(picture), label
    )


def _japanese() -> bool:
    return (get_language() or "ja").startswith("ja")


def _day(value: dt.date | dt.datetime) -> dt.date:
    return time.today(value) if isinstance(value, dt.datetime) else value


@register.filter
def wareki(value: dt.date | dt.datetime | None) -> str:
    """令和8年12月1日（火）; with the English catalogue 2026-12-01."""
    if value is None:
        return ""
    day = _day(value)
    return time.wareki(day) if _japanese() else day.isoformat()


@register.filter
def moment(value: dt.datetime | None) -> str:
    """令和8年11月20日 09:14 in Japan."""
    if value is None:
        return ""
    local = value.astimezone(time.JST)
    day = time.wareki(local.date(), weekday=False) if _japanese() else local.date().isoformat()
    return f"{day} {local:%H:%M}"


@register.filter
def short_date(value: dt.date | dt.datetime | None) -> str:
    """11/20(金); with the year where it is not this year's: 2025/11/20."""
    if value is None:
        return ""
    day = _day(value)
    if day.year != timezone.localdate().year:
        return f"{day.year}/{day.month}/{day.day}"
    return (
        f"{day.month}/{day.day}({'月火水木金土日'[day.weekday()]})"
        if _japanese()
        else f"{day:%a} {day.month}/{day.day}"
    )


@register.filter
def short_moment(value: dt.datetime | None) -> str:
    """11/18 08:55; with the year where it is not this year's."""
    if value is None:
        return ""
    local = value.astimezone(time.JST)
    year = "" if local.year == timezone.localdate().year else f"{local.year}/"
    return f"{year}{local.month}/{local.day} {local:%H:%M}"


@register.filter
def duration(value: dt.timedelta | None) -> str:
    """How long something took: 3分12秒, and hours where there are any."""
    if value is None:
        return ""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)s s") % {"seconds": seconds}


@register.filter
def due(value: dt.date | None) -> str:
    """How far a deadline is, in words: あと4日, 本日期限, 1日超過 (calendar days)."""
    if value is None:
        return ""
    days = (value - timezone.localdate()).days
    if days == 0:
        return _("due today")
    if days > 0:
        return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}
    return ngettext("%(days)s day overdue", "%(days)s days overdue", -days) % {"days": -days}


@register.filter
def due_state(value: dt.date | None) -> str:
    """ "over", "near" (today or tomorrow) or "", for the colour beside the words of `due`."""
    if value is None:
        return ""
    days = (value - timezone.localdate()).days
    if days < 0:
        return "over"
    return "near" if days <= 1 else ""


@register.filter
def item(mapping: Any, key: Any) -> Any:
    """The value under a key that the template only knows as a variable; None when there is none."""
    return mapping.get(key) if mapping else None


@register.filter
def msg(msgid: Any) -> str:
    """The translation of a msgid that was stored or made elsewhere (labels of stages and plans)."""
    return _(str(msgid)) if msgid else ""


@register.filter
def check_text(check: Any) -> str:
    """The sentence of an automatic check, translated and with its values filled in."""
    return _(check.text) % check.values


@register.filter
def without_places(text: str) -> str:
    """The sentence of a check without its values, when it stands for many lines."""
    return re.sub(r"[（(「“]?%\(\w+\)s[）)」”]?", "…", text)


@register.filter
def file_size(value: int) -> str:
    """212 KB, 1.4 MB."""
    return f"{value / 1_048_576:.1f} MB" if value >= 1_048_576 else f"{max(1, round(value / 1024))} KB"


@register.filter
def capped(number: int) -> str:
    """A count as `limited_count` gives it: "1,000+" when there are more than it counts."""
    return f"{COUNT_LIMIT:,}+" if number > COUNT_LIMIT else str(number)
