"""What a service offers one person: applications of the kinds that name it, and pages of rooms that need no application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from portal.common.text import search_key, search_terms
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import Permission
from portal.workflow import kinds
from portal.workflow.catalogue.reading import Service, services
from portal.workflow.kinds import ApplicationKind


@dataclass(frozen=True, kw_only=True)
class PageOffer:
    """A page on which people do without an application what a service needs, such as a record (REQ-14)."""

    services: tuple[int, ...]
    label: Any
    description: Any
    icon: str
    url_name: str
    permission: Permission


@dataclass(frozen=True, kw_only=True)
class KindOffer:
    """A kind of application, and the organisations for which this person may apply."""

    kind: ApplicationKind[Any]
    places: Sequence[Organisation]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A service with what it offers. `service` None: what belongs to no row of table 2-1."""

    service: Service | None
    kinds: Sequence[KindOffer]
    pages: Sequence[PageOffer]


_pages: list[PageOffer] = []


def register_page(page: PageOffer) -> None:
    """Let a room offer a page in the catalogue; called when apps are ready."""
    if page not in _pages:
        _pages.append(page)


def entries(user: User, q: str = "") -> list[Entry]:
    """Every service, with what this person may do; with a search those in which, or in whose offers, every word occurs."""
    found = [_entry(user, service, service.number) for service in services()]
    rest = _entry(user, None, 0)
    if rest.kinds or rest.pages:
        found.append(rest)
    terms = search_terms(q)
    return [entry for entry in found if all(term in _text(entry) for term in terms)] if terms else found


def _entry(user: User, service: Service | None, number: int) -> Entry:
    return Entry(
        service=service,
        kinds=[_offer(user, kind) for kind in kinds.all_kinds() if _belongs(kind, number)],
        pages=[page for page in _pages if number in page.services and user.may(page.permission)],
    )


def _belongs(kind: ApplicationKind[Any], number: int) -> bool:
    return kind.is_offered and bool(kind.organisation_kinds) and number in (kind.services or (0,))


def _offer(user: User, kind: ApplicationKind[Any]) -> KindOffer:
    places = [p for p in user.organisations_where(kind.applied_by) if p.kind in kind.organisation_kinds]
    return KindOffer(kind=kind, places=places)


def _text(entry: Entry) -> str:
    words = [entry.service.text] if entry.service else []
    offered: list[Any] = [offer.kind for offer in entry.kinds] + list(entry.pages)
    return search_key(*words, *(f"{each.label} {each.description}" for each in offered))


def page_url(page: PageOffer) -> str:
    """Where a page is."""
    return reverse(page.url_name)
