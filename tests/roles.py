"""Clients that are logged in, one line each. Login itself is proven in tests/orgs; everywhere else it is taken as done."""

from __future__ import annotations

from typing import Any

from django.test import Client

from portal.orgs.models import User
from tests import factories

BACKEND = "portal.orgs.backends.DirectoryBackend"


def login(client: Client, user: User) -> Client:
    """Make `client` the browser of `user`, as after a login with password and second factor."""
    client.force_login(user, backend=BACKEND)
    return client


def client_of(user: User, **options: Any) -> Client:
    """A browser in which `user` is logged in."""
    return login(Client(**options), user)


def client_for(*roles: str, code: str = "13", **fields: Any) -> Client:
    """A browser of a new person with these roles in one organisation; the person is `client.user`."""
    user = factories.user(*roles, code=code, **fields)
    client = client_of(user)
    client.user = user  # type: ignore[attr-defined]
    return client
