"""Nobody sees another federation (ORG-02): the one place that decides which organisations a person sees.

`Model.objects` of a scoped model refuses to run until `visible_to(user)` was called. `Model.system` is the plain manager
for services and workers, which act on rows that a person was already allowed to reach; views, forms, selectors and the
API never use it (a test reads the source for it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.utils.encoding import force_str

if TYPE_CHECKING:
    from portal.orgs.models import User

M = TypeVar("M", bound=models.Model)


@cache
def _labels(field: Any) -> dict[Any, Any]:
    """The choices of a field, by value; the labels are translated when they are shown."""
    return dict(field.flatchoices)


class UnscopedQuery(RuntimeError):
    """A query on a scoped model was about to run without `visible_to(user)`: a programming error, never shown."""


@dataclass(frozen=True)
class Scope:
    """What one person may see: everything, or the organisations named here (primary keys)."""

    everything: bool
    organisation_ids: frozenset[int]

    def allows(self, organisation_id: int | None) -> bool:
        """Whether rows of this organisation are visible."""
        return organisation_id is not None and (self.everything or organisation_id in self.organisation_ids)


class ScopedQuerySet(models.QuerySet[M]):
    """A queryset that raises UnscopedQuery when it is evaluated without a scope."""

    _scoped = False
    scope_field = "organisation_id"

    def visible_to(self, user: User) -> Self:
        """Rows of the organisations that `user` may see (ORG-02); applied inside the query, before limits and counts."""
        scope = user.scope
        rows = self._chain()  # type: ignore[attr-defined]
        rows._scoped = True
        if scope.everything:
            return rows
        return rows.filter(**{f"{self.scope_field}__in": scope.organisation_ids})

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._scoped = self._scoped
        return clone

    def _require_scope(self) -> None:
        if not self._scoped:
            raise UnscopedQuery(f"{self.model.__name__}.objects needs visible_to(user)")

    def _fetch_all(self) -> None:
        self._require_scope()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        self._require_scope()
        return super().iterator(chunk_size)

    def count(self) -> int:
        self._require_scope()
        return super().count()

    def exists(self) -> bool:
        self._require_scope()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._require_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_scope()
        return super().delete()

    def in_bulk(self, id_list: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, M]:
        self._require_scope()
        return super().in_bulk(id_list, field_name=field_name)


class ScopedManager(models.Manager.from_queryset(ScopedQuerySet)):  # type: ignore[misc]
    """`objects` of every scoped model."""


class ScopedModel(models.Model):
    """A model whose rows belong to one organisation. Subclasses declare a NOT NULL `organisation` foreign key."""

    system = models.Manager()
    objects = ScopedManager()

    class Meta:
        abstract = True
        default_manager_name = "system"

    def _get_FIELD_display(self, field: Any) -> Any:  # noqa: N802 - Django's name
        """The label of one choice. Django's own translates every choice of the field to find it, for each row of a list."""
        value = getattr(self, field.attname)
        return force_str(_labels(field).get(value, value), strings_only=True)
