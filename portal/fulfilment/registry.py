"""Who carries out which operation, and whom to tell when it is settled.

Fulfilment stands below the workflow engine and the feature apps, so they register themselves here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from portal.fulfilment.models import Operation


@dataclass(frozen=True, kw_only=True)
class Done:
    """The target holds what was approved; `evidence` is what was read back (never a secret)."""

    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NeedsPerson:
    """Going on automatically would be wrong; a person decides. `message` is a Japanese sentence for operations."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class TryLater:
    """Nothing was changed, or it is safe to look and go on later. `target_down` feeds the circuit breaker."""

    code: str
    message: str
    target_down: bool = False


@dataclass(frozen=True, kw_only=True)
class NotKnown:
    """The request went out and no reply came: the next attempt looks before it acts."""

    code: str
    message: str


WAITS_FOR = "waits_for_"


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Nothing is wrong and there is nothing to try: what the operation waits for has not come yet.

    It costs no attempt and says nothing about the target. Whoever sees it come wakes the operation
    (portal.fulfilment.services.wake); at `until` the operation looks for itself.
    `code` begins with WAITS_FOR, and `message` is shown to the applicant too.
    """

    code: str
    message: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class NotNeeded:
    """There is nothing to carry out any more, such as when what it builds on was closed: it is closed too.

    `message` is the reason that the applicant reads.
    """

    code: str
    message: str


Outcome = Done | NeedsPerson | TryLater | NotKnown | Waits | NotNeeded


class Run(Protocol):
    """One claimed attempt, as a handler sees it."""

    operation: Operation

    def checkpoint(self, **progress: Any) -> None:
        """Store what is certain now in Operation.progress, at once, in its own transaction.

        Raises portal.fulfilment.errors.LeaseLost when another worker has claimed the operation since.
        """

    def note(self, **progress: Any) -> None:
        """Add to Operation.progress what is stored with the outcome only: for what the next attempt can see for itself."""

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """What `read` gives, asked once for all operations that a worker took together: for what they share."""

    def still_mine(self) -> None:
        """Raise LeaseLost unless this worker holds the newest fencing number; called right before every write."""


class Handler(Protocol):
    """What a feature app brings for one kind and target."""

    def run(self, run: Run) -> Outcome:
        """Look, act, read back. No database lock is held. Safe to call again after any interruption."""

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After a person did it by hand: read the target and compare with the application; never writes."""

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Label and value pairs for the printed work sheet; no secrets."""

    def ping(self) -> None:
        """Raise when the target cannot be reached: the breaker's probe."""


class Recognises(Protocol):
    """What a handler may offer on top: telling by reading alone that its very operation was done (ACC-12)."""

    def recognise(self, run: Run) -> Outcome | None:
        """Done when the target holds an object with this operation's marker as approved; None when it holds none.

        Never writes to the target. Entering what was found into a register is part of it.
        """


class Records(Protocol):
    """What a handler may offer on top where the portal cannot look itself: what its record asks for (REQ-12).

    The fields beside `note` come to `verify` in `recorded`, by their names, as text.
    """

    record_form: type[Any]  # a portal.common.forms.PortalForm with a field `note`


_handlers: dict[tuple[str, str, str], Handler] = {}
_settled: list[Callable[[Sequence[Operation], datetime], None]] = []


def register_handler(kind: str, target: str, handler: Handler, step: str = "") -> None:
    """Make `handler` responsible for one step of a kind; raises ValueError when somebody else already is."""
    if (kind, target, step) in _handlers:
        raise ValueError(f"{kind} at {target} has two handlers for the step {step!r}")
    _handlers[(kind, target, step)] = handler


def handler_for(kind: str, target: str, step: str = "") -> Handler:
    """The responsible handler; raises KeyError."""
    return _handlers[(kind, target, base_step(step))]


def base_step(step: str) -> str:
    """A step without its turn: "restore_state#2" is the second time that the same line has this step."""
    return step.partition("#")[0]


_steps: dict[str, Any] = {}


def name_step(step: str, label: Any) -> None:
    """Give a later step the name that people know it by; `label` is a lazy translation."""
    _steps[step] = label


def step_label(step: str) -> str:
    """What screens call a later step; "" for what was applied for."""
    return str(_steps.get(base_step(step), step))


def targets() -> list[str]:
    """Every target that has a handler, in order of name."""
    return sorted({target for _, target, _ in _handlers})


def handler_of_target(target: str) -> Handler:
    """Any handler of the target, for a probe; raises KeyError."""
    return next(handler for (_, name, _), handler in _handlers.items() if name == target)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A page on which a person of operations puts right what stopped an operation; its URL takes the operation's id."""

    label: Any  # gettext_lazy
    url_name: str


_remedies: dict[tuple[str, str], Remedy] = {}


def register_remedy(kind: str, error_code: str, remedy: Remedy) -> None:
    """Offer `remedy` on the page of operations of this kind that stopped with this code."""
    _remedies[(kind, error_code)] = remedy


def remedy_for(kind: str, error_code: str) -> Remedy | None:
    """What was offered for this kind and code."""
    return _remedies.get((kind, error_code))


def on_settled(callback: Callable[[Sequence[Operation], datetime], None]) -> None:
    """Call `callback(operations, now)` in the same transaction whenever operations change their status.

    Several come at once when a worker carried them out together; they are of one application then.
    Moves among WAITING, RUNNING and OUTCOME_UNKNOWN are not told: for the application the portal is at work in all of them.
    The callback may lock the application row; fulfilment holds the operation rows then, so the order is always
    operation before application.
    """
    _settled.append(callback)


def tell_settled(operations: Sequence[Operation], now: datetime) -> None:
    """Call everybody who registered with `on_settled`."""
    for callback in _settled:
        callback(operations, now)


_Hold = Callable[[Sequence["Operation"], datetime], Mapping[int, Waits]]
_holds: list[_Hold] = []


def hold_back(callback: _Hold) -> None:
    """Ask `callback(operations, now)` before they are carried out: Waits, by id, for whom something must be done before.

    Asked without any lock and before every attempt, so it reads as little as it can. Whoever sees the thing done wakes the
    operation (portal.fulfilment.services.wake).
    """
    _holds.append(callback)


def held_back(operations: Sequence[Operation], now: datetime) -> dict[int, Waits]:
    """Why operations must wait for something else, by id; without those that nothing holds."""
    found: dict[int, Waits] = {}
    for hold in _holds:
        free = [each for each in operations if each.pk not in found]
        found |= hold(free, now) if free else {}
    return found


_drained: dict[str, Callable[[datetime], None]] = {}


def on_drained(target: str, callback: Callable[[datetime], None]) -> None:
    """Call `callback(now)` when a worker has carried out all that was due at the target: to hand over many at once."""
    _drained[target] = callback


def tell_drained(target: str, now: datetime) -> None:
    """Call who registered with `on_drained` for this target."""
    if target in _drained:
        _drained[target](now)


_labels: dict[str, Any] = {}
_in_use: dict[str, Callable[[], bool]] = {}
_at_once: dict[str, int] = {}


def name_target(
    target: str, label: Any, *, in_use: Callable[[], bool] | None = None, at_once: int = 1
) -> None:
    """Give a target the name that people know it by, such as "Active Directory" (text or lazy translation).

    `in_use` says whether this installation has the target at all; without it, it has. `at_once` is how many operations of
    one application a worker takes together there (docs/adr/0039); more than one is for a target that answers within
    milliseconds.
    """
    _labels[target] = label
    _at_once[target] = at_once
    if in_use is not None:
        _in_use[target] = in_use


def at_once(target: str) -> int:
    """How many operations of one application a worker takes together."""
    return _at_once.get(target, 1)


def target_label(target: str) -> str:
    """What screens call the target."""
    return str(_labels.get(target, target))


def has_handler(kind: str, target: str, step: str = "") -> bool:
    """Whether somebody carries out this step of a kind at the target."""
    return (kind, target, step) in _handlers


def is_in_use(target: str) -> bool:
    """Whether this installation has the target: a kind's operations at one that it has not are never queued."""
    return _in_use[target]() if target in _in_use else True
