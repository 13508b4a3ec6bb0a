"""What other rooms know about an application of a kind: links on its page, without this room knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from portal.orgs.models import User
from portal.workflow.models import Application


@dataclass(frozen=True, kw_only=True)
class Related:
    """One link among what is related."""

    label: Any  # gettext_lazy
    text: str
    url: str


Provider = Callable[[User, Application], Iterable[Related]]

_providers: dict[str, list[Provider]] = {}


def register(kind: str, provider: Provider) -> None:
    """Let another room add links to applications of `kind`; the provider minds what the person may see (ORG-02)."""
    found = _providers.setdefault(kind, [])
    if provider not in found:
        found.append(provider)


def related_to(user: User, application: Application) -> list[Related]:
    """The links for this person; other kinds cost nothing."""
    return [link for provider in _providers.get(application.kind, ()) for link in provider(user, application)]
