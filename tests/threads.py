"""Real threads on real rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections


def at_once(*calls: Callable[[], Any], refusals: tuple[type[Exception], ...] = ()) -> list[Any]:
    """Run the calls in threads that start together, each on a connection of its own; results and `refusals`, in order.

    An error that is no refusal is raised: nobody expected it.
    """
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            start.wait(10)
            return call()
        except refusals as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, timeout=60))
