"""The type of a request behind PersonMiddleware."""

from __future__ import annotations

from django.http import HttpRequest

from portal.orgs.models import User


class PersonRequest(HttpRequest):
    """A request of somebody who is logged in: PersonMiddleware lets nobody else through. Never instantiated."""

    user: User  # type: ignore[assignment]
