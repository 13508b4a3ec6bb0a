"""A worker of the two-factor exchange that kills itself at a named point."""

from __future__ import annotations

from collections.abc import Callable


def arm(point: str) -> None:
    """Make this process die at `point`. Raises KeyError for an unknown one."""
    from portal.fulfilment import running
    from portal.gateways.exchange_folder import ExchangeFolder
    from portal.two_factor import acknowledgements, exchange
    from tests.faults.worker import _after, _before, _wrap

    points: dict[str, Callable[[], None]] = {
        "before_row": lambda: _wrap(exchange, "_new_row", _before),
        "after_row": lambda: _wrap(exchange, "_new_row", _after),
        "before_record": lambda: _wrap(running, "record", _before),
        "after_stage": lambda: _wrap(ExchangeFolder, "stage", _after),
        "after_publish": lambda: _wrap(ExchangeFolder, "publish", _after),
        "after_apply": lambda: _wrap(acknowledgements, "apply", _after),
    }
    points[point]()


def work(point: str) -> None:
    """Drain the target's queue and do the round of the minute, until the point."""
    from portal.fulfilment import services
    from portal.gateways import clock
    from portal.gateways.two_factor import TARGET
    from portal.two_factor.services import exchange

    arm(point)
    services.drain(TARGET, now_fn=clock.now)
    exchange(clock.now())
