"""A program that speaks to /api/v1/ as one person."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from portal.orgs.models import User
from tests.roles import client_of

BASE = "/api/v1/"


class Api:
    """Short calls; `check` looks at the status and returns the parsed body."""

    def __init__(self, user: User | None) -> None:
        self.browser = client_of(user) if user else Client()
        self.last: Any = None

    def get(self, path: str, check: int = 200, **headers: str) -> Any:
        """GET; `path` is below /api/v1/."""
        return self._keep(self.browser.get(BASE + path, headers=headers), check)

    def post(self, path: str, body: Any = None, check: int = 200, **headers: str) -> Any:
        """POST with a JSON body (text is sent as it is)."""
        return self._send("post", path, body, check, headers)

    def patch(self, path: str, body: Any, check: int = 200, **headers: str) -> Any:
        """PATCH with a JSON body."""
        return self._send("patch", path, body, check, headers)

    def _send(self, method: str, path: str, body: Any, check: int, headers: dict[str, str]) -> Any:
        data = body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        send = getattr(self.browser, method)
        return self._keep(send(BASE + path, data=data, content_type="application/json", headers=named), check)

    def _keep(self, response: Any, check: int) -> Any:
        self.last = response
        assert response.status_code == check, (response.status_code, response.content[:2000])
        if check >= 400:
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["status"] == check
        return response.json() if response.content else None
