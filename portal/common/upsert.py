"""Enter or renew one row in a single statement."""

from __future__ import annotations

from typing import Any

from django.db import models


def upsert(
    manager: models.Manager[Any], *, key: dict[str, Any], values: dict[str, Any], first: dict[str, Any]
) -> None:
    """Write the row of this unique key with `values`; `first` counts only when there is none yet.

    Instead of update_or_create, which takes two to four statements: workers do this for each account. The model's
    signals are not sent, so it is not for models whose changes django-auditlog keeps.
    """
    manager.bulk_create(
        [manager.model(**key, **values, **first)],
        update_conflicts=True,
        unique_fields=list(key),
        update_fields=list(values),
    )
