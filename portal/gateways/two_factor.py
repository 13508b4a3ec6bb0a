"""The port to the two-factor system (ACC-05): values, errors, and what the portal may ask for.

Adapters: portal.gateways.two_factor_scim (SCIM 2.0, answers at once) and portal.two_factor.exchange (files in a folder,
answered by an acknowledgement file later). Callers take one from `portal.two_factor.factory` and handle the errors by class.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

TARGET = "two_factor"

# As with the directory: texts of other systems may hold what PostgreSQL refuses or what breaks a page.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MESSAGE_LIMIT = 500


class Action(enum.StrEnum):
    """What an order asks for. A person that has to be disabled or removed and is not there is as good as done."""

    ADD = "add"
    CHANGE = "change"
    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as the two-factor system shall hold them. `external_id` is the objectGUID, which survives renames.

    There is no password in it and never will be (ACC-10).
    """

    external_id: str
    login_name: str
    principal_name: str
    display_name: str
    family_name: str
    given_name: str
    kana: str
    department: str
    organisation_code: str
    organisation_name: str
    enabled: bool


@dataclass(frozen=True, kw_only=True)
class Order:
    """One change. `marker` says which operation of ours asks, so that a repetition is recognised."""

    marker: str
    action: Action
    person: Person


@dataclass(frozen=True, kw_only=True)
class Applied:
    """The two-factor system holds what was ordered; `evidence` is what it said."""

    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """The order is on its way and the answer comes later. `message` says how far it is; look again at `until`."""

    message: str
    until: datetime


Receipt = Applied | HandedOver


class TwoFactorError(Exception):
    """The two-factor system did not do what was asked. `message` is safe to store and to show to operators."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        self.code = code
        self.message = _CONTROL.sub(" ", message).strip()[:_MESSAGE_LIMIT]
        super().__init__(f"{code} {self.message}".strip())


class Unavailable(TwoFactorError):
    """Nothing was applied: the system or the folder cannot be reached. Safe to try again."""


class OutcomeUnknown(TwoFactorError):
    """The order was sent and no answer came. It may have been applied: look before trying again."""


class Refused(TwoFactorError):
    """The system refuses the order, with its reason. A person decides."""


class NotFound(TwoFactorError):
    """The person that the order names is not there."""


class Conflict(TwoFactorError):
    """Another person there has this login name. It is never adopted."""


class AccessRefused(Unavailable):
    """The system refuses the portal itself. Nothing was applied, and nothing will be until somebody mends that."""


class Overdue(TwoFactorError):
    """The answer to an order did not come within the agreed time."""


class TwoFactor(Protocol):
    """What the portal may do at the two-factor system."""

    can_be_read: bool
    """Whether `look` sees the system itself. Where it does not, work done by hand is confirmed by a second person."""

    def ping(self) -> None:
        """Prove that the system (or the folder) is there. Raises Unavailable."""
        ...

    def carry_out(self, order: Order, *, before_write: Callable[[], None]) -> Receipt:
        """Look whether the order was carried out already, else do it; `before_write` is called right before each write.

        Repeating an order does it once. Raises every error of this module.
        """
        ...

    def look(self, order: Order) -> Receipt | None:
        """Only read: what became of the order, None when there is no trace of it. Raises as `carry_out` does."""
        ...
