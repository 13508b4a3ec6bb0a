"""Proof that the state machine can fail: the portal is broken on purpose, one promise at a time, and the machine must notice.

Not part of a usual run, because it takes minutes: `pytest tests/faults/mutations.py` after a change of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase

from accounts import changing, deleting, provisioning, registering, restoring
from accounts.provisioning import Work
from portal.fulfilment import recording, running
from portal.fulfilment.models import Operation
from portal.fulfilment.recording import Result
from portal.fulfilment.registry import Outcome
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import PasswordRecipient
from portal.workflow import fulfilling
from tests.faults.test_invariants import run_machine

Patch = pytest.MonkeyPatch


def another_value_than_approved(patch: Patch) -> None:
    """I1."""
    approved = changing.approved_changes

    def wrong(operation: Operation) -> Any:
        return {name: replace(change, after=("別の課",)) for name, change in approved(operation).items()}

    patch.setattr(changing, "approved_changes", wrong)


def a_change_disables(patch: Patch) -> None:
    """I1: something that no application asked for."""
    finish = changing.ChangeHandler._finish

    def and_disables(self: Any, work: Work) -> Outcome:
        outcome = finish(self, work)
        work.directory.disable(work.payload.guid)
        return outcome

    patch.setattr(changing.ChangeHandler, "_finish", and_disables)


def created_again_without_looking_for_the_marker(patch: Patch) -> None:
    """I2: found by its login name only, which somebody may have changed since."""
    marker = registering._marker

    def find(work: Work) -> DirectoryEntry | None:
        entry = work.directory.find_by_login_name(work.payload.login_name)
        return entry if entry is not None and entry.marker == marker(work) else None

    patch.setattr(registering, "_find_ours", find)


def a_stranger_is_adopted(patch: Patch) -> None:
    """I3: whoever has the name is taken for ours."""
    patch.setattr(
        registering,
        "_find_ours",
        lambda work: work.directory.find_by_login_name(work.payload.login_name),
    )
    patch.setattr(registering, "_require_as_approved", lambda work, entry: None)


def the_password_is_kept(patch: Patch) -> None:
    """I4: among what is certain so far."""
    set_password = provisioning.set_password

    def and_keeps(work: Work, *rest: Any) -> str:
        password = set_password(work, *rest)
        work.run.checkpoint(drawn=password)
        return password

    patch.setattr(provisioning, "set_password", and_keeps)


def a_chosen_password_is_replaced(patch: Patch) -> None:
    """I5: a retry resets instead of comparing."""

    def resets(work: Work, entry: DirectoryEntry, recipient: PasswordRecipient) -> str:
        return provisioning.set_password(
            work,
            recipient,
            entry.login_name,
            lambda drawn: work.directory.reset_password(entry.guid, new_password=drawn),
        )

    patch.setattr(registering, "_replace", resets)


def the_mail_comes_after_the_commit(patch: Patch) -> None:
    """I6."""
    record = running.record

    def mails_later(results: Sequence[Result], now: datetime) -> list[Result]:
        later: list[tuple[Any, ...]] = []
        report = fulfilling._report
        fulfilling._report = lambda *values: later.append(values)
        try:
            mine = record(results, now)
        finally:
            fulfilling._report = report
        for values in later:
            report(*values)
        return mine

    patch.setattr(running, "record", mails_later)


def the_history_forgets_the_end(patch: Patch) -> None:
    """I6: an end without its entry."""
    event_of = recording.event_of

    def forgets(operation: Operation, verb: Any, **values: Any) -> Any:
        return None if verb == "done" else event_of(operation, verb, **values)

    patch.setattr(recording, "event_of", forgets)


def nobody_looks_again(patch: Patch) -> None:
    """I9: an unknown outcome waits for ever."""
    patch.setattr(recording, "_back_off", lambda seconds, attempts: timedelta(days=3650))


def a_lost_worker_is_never_missed(patch: Patch) -> None:
    """I9: an operation stays RUNNING."""
    from portal.fulfilment import services

    patch.setattr(services, "_expire_leases", lambda now: 0)


def a_deletion_stops_half_way(patch: Patch) -> None:
    """I9: done is said before it is."""
    patch.setattr(deleting, "move_to", lambda work, entry, path: None)
    patch.setattr(deleting, "_not_yet", lambda now: [])


def a_restoration_leaves_the_account_locked(patch: Patch) -> None:
    """I9: done is said before it is."""
    patch.setattr(restoring, "_write", lambda work, entry, home: [])
    patch.setattr(restoring, "_lacking", lambda now, home, lost: [])


MUTATIONS: list[Callable[[Patch], None]] = [
    another_value_than_approved,
    a_change_disables,
    created_again_without_looking_for_the_marker,
    a_stranger_is_adopted,
    the_password_is_kept,
    a_chosen_password_is_replaced,
    the_mail_comes_after_the_commit,
    the_history_forgets_the_end,
    nobody_looks_again,
    a_lost_worker_is_never_missed,
    a_deletion_stops_half_way,
    a_restoration_leaves_the_account_locked,
]


@pytest.mark.django_db
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: str(mutation.__name__))
def test_a_broken_promise_is_noticed(monkeypatch: Patch, mutation: Callable[[Patch], None]) -> None:
    mutation(monkeypatch)

    with pytest.raises(AssertionError):
        run_machine(max_examples=80, phases=[Phase.generate], report_multiple_bugs=False)
