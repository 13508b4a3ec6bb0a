"""The handler of every operation at the two-factor system: after Active Directory, once, verified (ACC-05).

The feature app says what to order (`order_of`); when, how often and what an answer means is the same for all kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils.translation import gettext as _

from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, NotNeeded, Outcome, Run, TryLater, Waits
from portal.gateways import clock
from portal.gateways.two_factor import (
    AccessRefused,
    Applied,
    Conflict,
    NotFound,
    Order,
    OutcomeUnknown,
    Overdue,
    Receipt,
    TwoFactorError,
    Unavailable,
)
from portal.two_factor import factory, sheets
from portal.two_factor.waiting import WAITS_FOR_ANSWER, WAITS_FOR_DIRECTORY, directory_operation

_LOOK_AT_DIRECTORY = timedelta(days=1)  # it is woken long before


class NothingToOrder(Exception):
    """There is nothing to do at the two-factor system. `reason` is what the applicant reads."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


OrderOf = Callable[[Operation], Order]


class TwoFactorHandler:
    """portal.fulfilment.registry.Handler for one step of a kind."""

    def __init__(self, order_of: OrderOf) -> None:
        self._order_of = order_of

    def run(self, run: Run) -> Outcome:
        """Wait for Active Directory, then order; a repetition finds what was ordered before."""
        held_back = _held_back(run.operation)
        if held_back is not None:
            return held_back
        try:
            order = self._order_of(run.operation)
            receipt = factory.get_two_factor().carry_out(order, before_write=run.still_mine)
        except NothingToOrder as nothing:
            return NotNeeded(code="nothing_to_order", message=nothing.reason)
        except TwoFactorError as error:
            return outcome_of(error)
        return _outcome_of_receipt(receipt)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: by what the system or an acknowledgement says, else by a second person (ACC-12)."""
        try:
            adapter = factory.get_two_factor()
            receipt = adapter.look(self._order_of(run.operation))
        except NothingToOrder as nothing:
            return NeedsPerson(code="nothing_to_order", message=nothing.reason)
        except Unavailable as error:
            return outcome_of(error)
        except TwoFactorError as error:
            if (
                not factory.get_two_factor().can_be_read
            ):  # a refusal or delay from before it was taken by hand
                return _confirmed_by_another(run.operation, recorded)
            return outcome_of(error)
        if isinstance(receipt, Applied):
            return Done(evidence=receipt.evidence)
        if not adapter.can_be_read:
            return _confirmed_by_another(run.operation, recorded)
        return NeedsPerson(
            code="not_there", message=_("The two-factor system does not hold what was approved.")
        )

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to enter by hand, and whether a file with it is on its way."""
        try:
            order = self._order_of(operation)
        except NothingToOrder as nothing:
            return [(_("Note"), nothing.reason)]
        except TwoFactorError:  # not in the register yet: nobody can enter it here before it is in AD
            text = _("Nothing to enter yet: first it is carried out in Active Directory.")
            return [(_("Note"), text)]
        return sheets.rows_of(operation, order)

    def ping(self) -> None:
        """Raise when the two-factor system cannot be reached."""
        factory.get_two_factor().ping()


def _held_back(operation: Operation) -> Outcome | None:
    """Active Directory comes first: what is not there gets no second factor, and what was closed there needs none."""
    before = directory_operation(operation)
    if before is None or before.status == OperationStatus.DONE:
        return None
    if before.status == OperationStatus.CLOSED:
        text = _("It was closed in Active Directory, so nothing is done at the two-factor system.")
        return NotNeeded(code="directory_closed", message=text)
    return Waits(
        code=WAITS_FOR_DIRECTORY,
        message=_("Waits until it is done in Active Directory."),
        until=clock.now() + _LOOK_AT_DIRECTORY,
    )


def _outcome_of_receipt(receipt: Receipt) -> Outcome:
    if isinstance(receipt, Applied):
        return Done(evidence=receipt.evidence)
    return Waits(code=WAITS_FOR_ANSWER, message=receipt.message, until=receipt.until)


def outcome_of(error: TwoFactorError) -> Outcome:
    """What an error of the two-factor system means for the operation. What is not known goes to a person."""
    if isinstance(error, AccessRefused):
        text = _("The two-factor system refuses the portal's access. Check the token.")
        return TryLater(code="auth", message=text, target_down=True)
    if isinstance(error, Unavailable):
        text = _("The two-factor system cannot be reached. The portal goes on by itself when it is back.")
        return TryLater(code=error.code or "unavailable", message=text, target_down=True)
    if isinstance(error, OutcomeUnknown):
        text = _("No answer came from the two-factor system. The portal looks whether the change is there.")
        return NotKnown(code=error.code or "no_answer", message=text)
    detail = {"detail": error.message}
    if isinstance(error, Overdue):
        text = _("%(detail)s It is overdue: ask the two-factor system's people, then retry to wait on.")
        return NeedsPerson(code="answer_overdue", message=text % detail)
    if isinstance(error, Conflict):
        text = _(
            "Another person in the two-factor system has this login name. Find out who that is: %(detail)s"
        )
        return NeedsPerson(code="conflict", message=text % detail)
    if isinstance(error, NotFound):
        return NeedsPerson(code="person_missing", message=_("The person is not in the two-factor system."))
    text = _("The two-factor system refuses the change: %(detail)s")
    return NeedsPerson(code=error.code or "refused", message=text % detail)


def _confirmed_by_another(operation: Operation, recorded: dict[str, str]) -> Outcome:
    """There is nothing to read: what one person wrote down, another one must confirm (ADR 0014)."""
    actor = recorded.get("actor", "")
    if operation.manual_note and operation.taken_by_id is not None and actor != str(operation.taken_by_id):
        return Done(
            evidence={"verified_by": "second_person", "done_by": operation.taken_by_id, "person": int(actor)}
        )
    text = _(
        "The two-factor system cannot be read and no acknowledgement has come. "
        "Another person of network operations must look there and record it as done as well."
    )
    return NeedsPerson(code="second_person", message=text)
