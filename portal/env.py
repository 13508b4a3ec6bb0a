"""The one place that reads the process environment. Every value is described in docs/OPERATIONS.md."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import environ

env = environ.Env()


def text(name: str, default: str = "") -> str:
    """The variable as text; `default` when it is not set."""
    return str(env.str(name, default=default))


def number(name: str, default: int) -> int:
    """The variable as a whole number.

    Raises django.core.exceptions.ImproperlyConfigured when it is not one.
    """
    return int(env.int(name, default=default))


def flag(name: str, default: bool = False) -> bool:
    """The variable as yes or no (`true`, `1`, `on` are yes)."""
    return bool(env.bool(name, default=default))


def names(name: str, default: str = "") -> list[str]:
    """The variable as a comma-separated list without empty entries."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def database(name: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's database settings from a URL such as `postgres://user:pw@host:5432/portal?sslmode=verify-full`.

    A unix socket is written `postgres://user@/portal?host=/path/of/the/folder`.
    """
    parts = urlsplit(text(name, "postgres:///portal"))
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/") or "portal",
        "USER": parts.username or query.pop("user", ""),
        "PASSWORD": unquote(parts.password or "") or query.pop("password", ""),
        "HOST": query.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or query.pop("port", "") or ""),
        "OPTIONS": query,
    }
