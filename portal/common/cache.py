"""A cache that may be missing. It holds nothing that the portal needs, so its absence slows nothing down and breaks nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """While Redis does not answer, nothing is found and nothing is kept.

    `add` then says that the key was new. What must happen once does not depend on it: codes of an authenticator app and
    the limit on guessing are kept in the database (portal.orgs.codes, portal.orgs.factors).
    """

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).set(*args, **kwargs), None)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try(lambda: super(ForgivingRedisCache, self).add(*args, **kwargs), True))

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try(lambda: super(ForgivingRedisCache, self).touch(*args, **kwargs), False))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._try(lambda: super(ForgivingRedisCache, self).delete(key, version), False))

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return bool(self._try(lambda: super(ForgivingRedisCache, self).has_key(key, version), False))

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = self._try(
            lambda: super(ForgivingRedisCache, self).get_many(keys, version), {}
        )
        return found

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        failed: list[Any] = self._try(
            lambda: super(ForgivingRedisCache, self).set_many(data, *args, **kwargs), list(data)
        )
        return failed

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).delete_many(keys, version), None)

    def count(self, key: str, seconds: int) -> tuple[int, int]:
        """How often this was asked since the first time, at most `seconds` ago, and how many of them are left.

        One round trip. (0, 0) while Redis does not answer.
        """
        name = self.make_and_validate_key(key)

        def ask() -> tuple[int, int]:
            client = self._cache.get_client(name, write=True)
            asked: Any = client.pipeline()
            _made, count, left = asked.set(name, 0, ex=seconds, nx=True).incr(name).ttl(name).execute()
            if left < 0:  # it ended between the two: never count without an end
                client.expire(name, seconds)
            return count, max(left, 1)

        counted: tuple[int, int] = self._try(ask, (0, 0))
        return counted

    def clear(self) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).clear(), None)

    @staticmethod
    def _try(call: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return call()
        except (RedisError, OSError) as exc:
            log.warning("the cache does not answer (%s)", type(exc).__name__)
            return otherwise
