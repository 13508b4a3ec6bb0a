"""The steps that people of operations can take with an operation, as pages that ask once more before they act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.common.forms import PortalForm
from portal.fulfilment import by_hand, registry
from portal.fulfilment.forms import ConfirmForm, LetThroughForm, NoteForm, ReasonForm
from portal.fulfilment.freezes import holding
from portal.fulfilment.freezes import services as freezes
from portal.fulfilment.models import Operation, OperationStatus


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: its service, from which states, and the words of its page."""

    name: str  # part of the URL and of its name: operation_<name>
    service: Callable[..., Operation]
    allowed: frozenset[str]
    label: Any
    explanation: Any
    form_class: type[PortalForm] = ConfirmForm
    kind: str = ""  # colour of the button
    code: str = ""  # only for operations that stopped or wait with this code

    def is_open_to(self, operation: Operation) -> bool:
        """Whether the operation can take this step as it stands."""
        return operation.status in self.allowed and self.code in ("", operation.error_code)

    @property
    def url_name(self) -> str:
        """The name of its page."""
        return f"operation_{self.name}"


STEPS: tuple[Step, ...] = (
    Step(
        name="record",
        service=by_hand.record_done,
        allowed=frozenset({OperationStatus.MANUAL}),
        label=_("Record as done and verify"),
        explanation=_(
            "The portal reads the target and compares it with the application. It counts as done only when both agree."
        ),
        form_class=NoteForm,
        kind="primary",
    ),
    Step(
        name="retry",
        service=by_hand.retry,
        allowed=by_hand.MAY_RETRY,
        label=_("Try again now"),
        explanation=_("The portal looks at the target first and then goes on from there."),
        kind="primary",
    ),
    Step(
        name="let_through",
        service=freezes.let_through,
        allowed=frozenset({OperationStatus.WAITING}),
        code=holding.CODE,
        label=_("Carry out in spite of the freeze"),
        explanation=_("This change alone is carried out now. The reason is kept with it."),
        form_class=LetThroughForm,
        kind="warn",
    ),
    Step(
        name="take",
        service=by_hand.take_by_hand,
        allowed=by_hand.MAY_TAKE,
        label=_("Take by hand"),
        explanation=_(
            "It leaves the automatic queue at once. While it was running the target may already have been changed: "
            "look there before you do anything."
        ),
    ),
    Step(
        name="give_back",
        service=by_hand.give_back,
        allowed=frozenset({OperationStatus.MANUAL}),
        label=_("Give back to the portal"),
        explanation=_(
            "The portal carries it out after all. It looks at the target first, whatever you did there."
        ),
    ),
    Step(
        name="close",
        service=by_hand.close,
        allowed=by_hand.MAY_CLOSE,
        label=_("Close without result"),
        explanation=_("This cannot be undone. What was already changed at the target stays as it is."),
        form_class=ReasonForm,
        kind="danger",
    ),
)


def form_class(step: Step, operation: Operation) -> type[PortalForm]:
    """What a step asks for; the record of some operations asks for more (registry.Records)."""
    if step.name != "record" or not registry.has_handler(operation.kind, operation.target, operation.step):
        return step.form_class
    handler = registry.handler_for(operation.kind, operation.target, operation.step)
    found: type[PortalForm] = getattr(handler, "record_form", step.form_class)
    return found


def explanation(step: Step, operation: Operation) -> Any:
    """What a step does, in words: where the portal cannot look itself, the record is the proof."""
    if form_class(step, operation) is step.form_class:
        return step.explanation
    return _(
        "The portal cannot look at this target itself. What you record here is what the applicant and every later reader get as proof."
    )


def possible(operation: Operation) -> list[Step]:
    """The steps that the operation's state allows."""
    return [step for step in STEPS if step.is_open_to(operation)]
