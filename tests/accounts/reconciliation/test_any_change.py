"""Property: whatever somebody changes by hand, the comparison finds exactly that and nothing else."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Finding
from accounts.reconciliation.models import FindingKind
from tests.accounts.reconciliation.conftest import LONG_AGO, Land
from tests.fakes import users_ou

TEXTS = ("display_name", "family_name", "given_name", "kana", "department", "company", "description")
EDITS = st.one_of(
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(["会計課", "﨑山", "x", ""])),
    st.tuples(st.just("enabled"), st.booleans()),
    st.tuples(st.just("move"), st.sampled_from(["13", "27", "central"])),
    st.tuples(st.just("rename"), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("nothing"), st.none()),
)


def _edit(land: Land, guid: Any, what: str, value: Any, n: int) -> None:
    if guid not in land.directory.entries:
        return
    if what == "move":
        land.directory.move(guid, users_ou(value))
    elif what == "rename":
        land.directory.rename(guid, f"tk{n:02}{'x' * value}")
    elif what == "delete":
        land.directory.delete(guid)
    elif what != "nothing":
        land.directory.put(land.directory.entries[guid], **{what: value})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.integers(0, 4), EDITS), max_size=12), strangers=st.integers(0, 3))
def test_the_comparison_finds_exactly_what_was_changed_by_hand(
    land: Land, edits: list[tuple[int, tuple[str, Any]]], strangers: int
) -> None:
    from django.db import transaction

    with transaction.atomic():
        land.directory.entries.clear()
        accounts = [land.account(f"tk{n:02}") for n in range(5)]
        before = dict(land.directory.entries)
        for n, (what, value) in edits:
            _edit(land, accounts[n].object_guid, what, value, n)
        odd = {land.stranger(f"odd{n}", created_at=timezone.now() - LONG_AGO).guid for n in range(strangers)}

        run = land.full()

        expected = {(guid, FindingKind.UNKNOWN.value, frozenset[str]()) for guid in odd}
        for account in accounts:
            expected |= _differences(account.object_guid, before, land)
        found = {
            (f.object_guid, f.kind, frozenset(d["field"] for d in f.differences if f.kind == "CHANGED"))
            for f in Finding.system.filter(first_run=run)
        }
        assert run.status == "DONE"
        assert found == expected
        transaction.set_rollback(True)


def _differences(guid: Any, before: dict[Any, Any], land: Land) -> set[tuple[Any, str, frozenset[str]]]:
    """What a person would say, told from the two entries themselves."""
    old, new = before[guid], land.directory.entries.get(guid)
    nothing = frozenset[str]()
    if new is None:
        return {(guid, "MISSING", nothing)}
    told = set()
    if changed := frozenset(name for name in TEXTS if getattr(old, name) != getattr(new, name)):
        told.add((guid, "CHANGED", changed))
    if old.container_dn != new.container_dn:
        told.add((guid, "MOVED", nothing))
    if old.login_name != new.login_name:
        told.add((guid, "RENAMED", nothing))
    if old.enabled and not new.enabled:
        told.add((guid, "DISABLED", nothing))
    return told
