"""Columns that most registers have (portal.common.tables)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.common.tables import Column
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import plain_moment


def organisation(*, default: bool = True) -> Column[Any]:
    """Whose row it is: short on the screen, whole in files."""
    return Column(
        name="organisation",
        label=_("Organisation"),
        text=lambda row: row.organisation.name,
        cell=lambda row: row.organisation.short_name,
        default=default,
        reads=("organisation__name", "organisation__short_name"),
    )


def state(name: str = "state", label: Any = None) -> Column[Any]:
    """Where the row stands, by a field with choices."""

    def words(row: Any) -> Any:
        return getattr(row, f"get_{name}_display")()

    return Column(
        name=name,
        label=label or _("State"),
        text=words,
        cell=lambda row: status_chip(getattr(row, name), words(row)),
        css="st",
        reads=(name,),
    )


def moment(
    name: str, label: Any, *, short: Callable[[Any], str] = short_date, default: bool = True
) -> Column[Any]:
    """When something happened: `short` on the screen, day and minute in files."""
    return Column(
        name=name,
        label=label,
        text=lambda row: plain_moment(getattr(row, name)),
        cell=lambda row: short(getattr(row, name)),
        css="u-num u-nowrap",
        default=default,
        reads=(name,),
    )
