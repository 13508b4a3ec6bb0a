"""How many requests a person may send. The proxy is not trusted to do it (THREAT_MODEL)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle

_MINUTE = 60


class PersonThrottle(BaseThrottle):
    """Reads and writes are counted apart, per person, a minute from the first. Without Redis nobody is held back."""

    a_minute: ClassVar[dict[str, int]] = {"read": 1200, "write": 300}
    _left = 0

    def allow_request(self, request: Any, view: Any) -> bool:
        """Whether the request may go on; DRF asks `wait` when not."""
        kind = "read" if request.method in SAFE_METHODS else "write"
        count, self._left = cache.count(f"requests-{kind}-{request.user.pk}", _MINUTE)  # type: ignore[attr-defined]
        return bool(count <= self.a_minute[kind])

    def wait(self) -> float:
        """Seconds until the person may go on."""
        return self._left
