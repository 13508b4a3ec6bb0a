"""Which columns of a register a person wants to see: kept for the person, used by the screen, the files and the print view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from portal.common.tables import Shown, Table
from portal.orgs.models import ColumnChoice, User

R = TypeVar("R")


def shown_to(user: User, table: Table[R]) -> Shown[R]:
    """The table with the columns that this person chose, or with those that everybody begins with."""
    kept = ColumnChoice.objects.filter(user=user, table=table.name).values_list("columns", flat=True).first()
    return table.with_columns(kept)


def choose(*, actor: User, table: Table[R], columns: Sequence[str]) -> None:
    """Keep the person's own choice; names that the table does not have are left out."""
    known = [column.name for column in table.columns if column.name in set(columns)]
    ColumnChoice.objects.update_or_create(user=actor, table=table.name, defaults={"columns": known})


def reset(*, actor: User, table: Table[R]) -> None:
    """Back to the columns that everybody begins with."""
    ColumnChoice.objects.filter(user=actor, table=table.name).delete()
