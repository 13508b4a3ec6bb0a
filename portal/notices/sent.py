"""Who wants to know that a mail was handed over: rooms above ask for it by the kind of mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.notices.models import Notice

Callback = Callable[["Notice", datetime], None]

_callbacks: dict[str, Callback] = {}


def on_sent(template: str, callback: Callback) -> None:
    """Call `callback(notice, now)` in the transaction that records that the mail server accepted the mail."""
    _callbacks[template] = callback


def callback_for(template: str) -> Callback | None:
    """Who asked for this kind of mail."""
    return _callbacks.get(template)
