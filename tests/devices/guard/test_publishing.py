"""MAC-07: nothing is called verified that a guard has not proven; what fails leaves the old list in force and is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.utils import timezone

from devices.guard import publishing, selectors, services, versions
from devices.guard.models import GuardState, ListedPair, Publication, WhitelistVersion
from devices.whitelist.models import WhitelistEntry
from portal.gateways.guard import Form, Step
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.devices.guard import world
from tests.devices.guard.world import FakeGuard

pytestmark = pytest.mark.django_db


def publish(**options: Any) -> publishing.Round:
    """What the task does."""
    return publishing.publish(now_fn=world.now, **options)


def test_mac_07_an_entry_is_exported_and_verified_when_the_guard_has_proven_it(guard: FakeGuard) -> None:
    entry = world.entry()

    publish()

    entry.refresh_from_db()
    assert entry.exported_at
    assert entry.verified_at
    assert entry.exported_at <= entry.verified_at
    assert guard.steps == [Step.CHECK, Step.SWAP, Step.RELOAD]
    assert [pair.mac for pair in guard.proofs[-1].must_pass] == [entry.mac]
    assert entry.mac.upper().replace(":", "-") in guard.path.read_text()


def test_mac_07_a_removal_is_a_version_and_the_guard_must_reject_the_address(guard: FakeGuard) -> None:
    kept, ended = world.entry(), world.entry()
    publish()
    world.end(ended)

    publish()

    newest = versions.newest()
    assert newest is not None
    assert (newest.number, newest.removed, newest.total) == (2, 1, 1)
    assert [pair.mac for pair in guard.proofs[-1].must_fail] == [ended.mac]
    assert ended.mac.upper().replace(":", "-") not in guard.path.read_text()
    assert kept.mac.upper().replace(":", "-") in guard.path.read_text()


def test_mac_07_the_list_of_every_version_and_what_changed_since_one_are_data(guard: FakeGuard) -> None:
    first, second = world.entry(), world.entry()
    publish()
    world.end(first)
    publish()
    third = world.entry()
    publish()

    lists = {n: {row.entry_id for row in versions.pairs_of(n)} for n in (1, 2, 3)}

    assert lists == {1: {first.pk, second.pk}, 2: {second.pk}, 3: {second.pk, third.pk}}
    assert ListedPair.system.filter(listed_in__gt=1).count() == 1
    assert ListedPair.system.filter(listed_in__lte=1, unlisted_in__gt=1).count() == 1


@pytest.mark.parametrize("step", [Step.CHECK, Step.SWAP])
def test_mac_07_a_list_that_is_refused_leaves_the_old_one_in_force_and_is_told_once(
    guard: FakeGuard, step: Step
) -> None:
    factories.user(Role.OPERATOR, code="operations")
    world.entry()
    publish()
    before, new = guard.path.read_text(), world.entry()
    guard.fails[step] = "Parse error at line 3"

    publish()
    publish()

    state = GuardState.objects.get(name="radius")
    new.refresh_from_db()
    assert guard.path.read_text() == before
    assert (state.outcome, state.step, state.problem) == ("FAILED", step, "Parse error at line 3")
    assert (state.verified_id, new.exported_at, new.verified_at) == (1, None, None)
    assert Notice.system.filter(template="guard_failed").count() == 1
    assert Publication.objects.filter(outcome="FAILED").count() == 1

    guard.fails.clear()
    publish()

    state.refresh_from_db()
    new.refresh_from_db()
    assert (state.outcome, state.verified_id, state.problem, state.failed_since) == ("IN_FORCE", 2, "", None)
    assert new.verified_at


@pytest.mark.parametrize("step", [Step.RELOAD, Step.PROBE])
def test_mac_07_a_dead_reload_or_a_probe_that_fails_verifies_nothing(guard: FakeGuard, step: Step) -> None:
    entry = world.entry()
    guard.fails[step] = "no answer"

    publish()

    entry.refresh_from_db()
    assert entry.exported_at
    assert entry.verified_at is None
    assert GuardState.objects.get(name="radius").step == step

    guard.fails.clear()
    publish()

    entry.refresh_from_db()
    assert entry.verified_at


def test_mac_07_an_entry_that_ends_while_its_list_is_checked_is_never_put_in_force(guard: FakeGuard) -> None:
    world.entry()
    ending = world.entry()
    guard.before[Step.CHECK] = lambda: world.end(ending)

    publish()

    assert guard.steps == [Step.CHECK, Step.CHECK, Step.SWAP, Step.RELOAD]
    assert ending.mac.upper().replace(":", "-") not in guard.path.read_text()
    ending.refresh_from_db()
    assert ending.exported_at is None


def test_mac_07_a_change_that_comes_while_a_list_is_reloaded_follows_at_once(guard: FakeGuard) -> None:
    world.entry()
    ending = world.entry()
    guard.before[Step.RELOAD] = lambda: world.end(ending)

    publish()

    assert guard.obeys == 2
    assert ending.mac.upper().replace(":", "-") not in guard.path.read_text()


def test_mac_07_a_guard_changed_behind_the_portals_back_is_found_by_the_full_round(guard: FakeGuard) -> None:
    world.entry()
    publish()
    good = guard.path.read_text()
    guard.path.write_text("DEFAULT\n")

    publish()
    assert guard.path.read_text() == "DEFAULT\n"
    publish(full=True)

    assert guard.path.read_text() == good


def test_mac_07_two_workers_are_never_at_one_guard(guard: FakeGuard) -> None:
    world.entry()
    GuardState.objects.create(name="radius", lease_until=timezone.now() + timedelta(seconds=60))

    publish()
    assert guard.steps == []
    GuardState.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    publish()

    assert guard.obeys == 1


def test_mac_07_additions_wait_for_each_other_and_removals_do_not(guard: FakeGuard, settings: Any) -> None:
    settings.GUARD = {**settings.GUARD, "batch_seconds": 60}
    first = world.entry()
    publish()
    world.entry()
    publish()
    assert guard.obeys == 1

    world.end(first)
    publish()

    assert guard.obeys == 2
    assert WhitelistVersion.objects.get(number=2).added == 1


def test_mac_07_validity_that_is_over_leaves_the_list(guard: FakeGuard) -> None:
    today = timezone.localdate()
    entry = world.entry(valid_until=today)
    publish()
    WhitelistEntry.system.filter(pk=entry.pk).update(valid_until=today - timedelta(days=1))

    publish()

    assert guard.obeys == 2
    assert not versions.pairs_of(2).exists()


def test_mac_06_an_entry_that_is_replaced_by_itself_is_never_absent_from_the_list(guard: FakeGuard) -> None:
    old = world.entry()
    publish()
    world.end(old)
    new = world.entry(mac=old.mac, ip=old.ip, computer=old.computer)

    version = versions.standing(timezone.now()).number  # a pull, before the publisher comes

    assert [row.entry_id for row in versions.pairs_of(version)] == [new.pk]
    publish()
    old.refresh_from_db()
    assert old.removal_verified_at is None  # nobody was cut off
    assert guard.proofs[-1].must_fail == []


def test_mac_07_a_pull_that_makes_a_version_does_not_let_the_older_list_into_force(guard: FakeGuard) -> None:
    world.entry()
    ending = world.entry()

    def end_and_pull() -> None:
        world.end(ending)
        versions.standing(timezone.now())

    guard.before[Step.CHECK] = end_and_pull

    publish()

    assert guard.steps == [Step.CHECK, Step.CHECK, Step.SWAP, Step.RELOAD]
    ending.refresh_from_db()
    assert ending.exported_at is None


def test_mac_07_a_worker_whose_lease_was_taken_over_puts_nothing_in_force(guard: FakeGuard) -> None:
    world.entry()
    theirs = timezone.now() + timedelta(seconds=300)

    def take_over() -> None:
        GuardState.objects.update(lease_until=theirs)

    guard.before[Step.CHECK] = take_over

    publish()

    assert guard.steps == [Step.CHECK]
    assert GuardState.objects.get(name="radius").lease_until == theirs


def test_mac_07_a_slow_worker_does_not_bring_back_an_older_list(guard: FakeGuard) -> None:
    world.entry()
    older = versions.bring_up_to_date(now=timezone.now(), at_once=True)
    world.entry()
    publish(at_once=True)
    newer, steps = guard.path.read_text(), list(guard.steps)

    for full in (False, True):
        assert publishing._serve(guard, older, world.now, full=full) is None

    assert (guard.path.read_text(), guard.steps, guard.obeys) == (newer, steps, 2)
    assert GuardState.objects.get(name="radius").lease_until is None


def lose(rows: list[WhitelistEntry]) -> None:
    """So many entries end at once."""
    for row in rows:
        world.end(row)


def test_mac_07_a_list_that_lost_most_of_its_entries_waits_for_a_person(
    guard: FakeGuard, settings: Any
) -> None:
    settings.GUARD = settings.GUARD | {"mass_entries": 3}
    operator = factories.user(Role.OPERATOR, code="operations")
    rows = [world.entry() for _n in range(4)]
    publish()
    before = guard.path.read_text()
    lose(rows[:3])

    publish()
    publish()

    state = GuardState.objects.get(name="radius")
    assert (guard.path.read_text(), state.step, state.verified_id) == (before, Step.HOLD, 1)
    assert Notice.system.filter(to_user=operator, template="guard_failed").count() == 2  # the guard, the pull
    held = {row.name: row.loss for row in selectors.held_lists()}
    assert (held["radius"].before, held["radius"].after) == (4, 1)

    now = timezone.now()
    with pytest.raises(services.ReleaseRefused):  # that is not what was shown
        services.release(guard="radius", seen="4-2-13", reason="撤去", actor=operator, now=now)
    services.release(guard="radius", seen=held["radius"].seen, reason="撤去", actor=operator, now=now)
    publish()

    state.refresh_from_db()
    assert (state.outcome, state.row_count, state.verified_id) == (GuardState.Outcome.IN_FORCE, 1, 2)
    assert TrailEntry.objects.filter(action="guard.release").count() == 1


def test_mac_07_a_federation_that_loses_all_is_kept_back_also_in_a_long_list(
    guard: FakeGuard, settings: Any
) -> None:
    settings.GUARD = settings.GUARD | {"mass_entries": 3}
    rows = [world.entry("27") for _n in range(3)]
    for _n in range(9):
        world.entry("13")
    publish()
    lose(rows)
    world.entry("13")

    publish(at_once=True)

    assert selectors.held_lists()[0].loss.parts == (("27", 3, 0),)
    world.entry("27")  # no mass removal any more: it goes out by itself
    publish(at_once=True)
    assert not selectors.held_lists()
    assert GuardState.objects.get(name="radius").outcome == GuardState.Outcome.IN_FORCE


def test_mac_07_as_many_new_entries_as_old_ones_are_no_mass_removal(guard: FakeGuard, settings: Any) -> None:
    settings.GUARD = settings.GUARD | {"mass_entries": 3}
    rows = [world.entry() for _n in range(3)]
    publish()
    lose(rows)
    for _n in range(3):
        world.entry()

    publish(at_once=True)

    assert GuardState.objects.get(name="radius").outcome == GuardState.Outcome.IN_FORCE


def test_mac_07_a_setting_that_names_nobody_is_refused_at_the_start_and_by_the_publisher(
    guard: FakeGuard, settings: Any
) -> None:
    wrong = {"nftables_organisations": ["13", "tokyo"], "nftables_uplinks": ["en p1"], "mass_percent": 0}
    settings.GUARD = settings.GUARD | wrong
    guard.form = Form.NFTABLES
    world.entry()

    found = {error.id for error in run_checks() if str(error.id).startswith("guard.")}
    publish()

    assert found == {"guard.E001", "guard.E002", "guard.E003"}
    state = GuardState.objects.get(name="radius")
    assert (state.step, state.problem) == (Step.HOLD, "GUARD_NFTABLES_ORGANISATIONS: tokyo?")
    assert not guard.path.exists()
