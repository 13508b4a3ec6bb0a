"""How many requests a person may send. The proxy is not trusted to do it (THREAT_MODEL)."""

from __future__ import annotations

import logging
from typing import Any

from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import UserRateThrottle

logger = logging.getLogger(__name__)


class PersonThrottle(UserRateThrottle):
    """Reads and writes are counted apart, per person. Without Redis nobody is held back: the portal goes on."""

    rates = {"read": "1200/min", "write": "300/min"}  # noqa: RUF012 - DRF reads it from the class

    def __init__(self) -> None:
        """The rate is known only when the request is there."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """Whether the request may go on; DRF asks `wait` when not."""
        self.scope = "read" if request.method in SAFE_METHODS else "write"
        self.rate = self.rates[self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError):
            logger.warning("The cache does not answer; requests are not counted")
            return True
