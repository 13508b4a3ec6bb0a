"""The publisher: the list on its way into force, guard by guard, and the truth about it when it does not get there (MAC-07).

render -> the consumer's own checker -> one rename -> reload -> probes -> only then "verified". Files, commands and sockets
are used while no row is locked: a lease says which worker is at a guard. What fails leaves the list before in force, is
told once and tried again each minute, and with every change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from devices.computers.models import Segment
from devices.guard import factory, mass, versions
from devices.guard.mappings import current_mapping, layout_of
from devices.guard.models import GuardState, ListedPair, Mode, Publication, WhitelistVersion
from devices.guard.render import Extract, render
from devices.whitelist import register
from portal.common.time import today
from portal.gateways.guard import Form, Guard, GuardError, Proof, Staged, Step
from portal.orgs import outbox, selectors
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS

log = logging.getLogger(__name__)

NowFn = Callable[[], datetime]
_ROUNDS = 10  # changes that come while a list is on its way
_LEASE = timedelta(seconds=120)
_TOLD = ("outcome", "tried_at", "step", "problem", "failed_since", "told_at", "verified", "verified_at")


class _Overtaken(Exception):
    """An entry of the staged list ended meanwhile, or another worker took the guard over: it must not be put in force."""


@dataclass
class Round:
    """What one call did, for the page of the jobs."""

    version: int = 0
    in_force: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"{self.version}: {self.in_force}, {self.failed}"


def publish(*, now_fn: NowFn, full: bool = False, at_once: bool = False) -> Round:
    """Bring every guard to the newest list. With `full` also what seems to be in force is rendered and asked again.

    A guard that another worker is at is left to it: that one looks again at its end.
    """
    done = Round()
    found = factory.guards()
    for _number in range(_ROUNDS):
        version = versions.bring_up_to_date(now=now_fn(), at_once=at_once)
        done.version = version.number
        results = [_serve(guard, version, now_fn, full=full) for guard in found]
        done.in_force = results.count(True)
        done.failed = results.count(False)
        if _offer(version, now_fn) and not found:
            # Where the list is only pulled, an entry is exported when it can be had.
            _record_exported(version.number, None, now_fn())
        full = False
        current = versions.newest()
        if current is not None and current.number == version.number and not versions.has_removals(now_fn()):
            break
    return done


def _serve(guard: Guard, version: WhitelistVersion, now_fn: NowFn, *, full: bool) -> bool | None:
    """One guard; True when it obeys the version, False when not, None when another worker is at it."""
    state = _claim(guard.name, now_fn())
    if state is None:
        return None
    try:
        if (state.swapped_id or 0) > version.number:
            return None  # somebody else was faster with a newer list; the next round looks at that one
        if not full and _obeys(state, guard, version):
            return True
        return _bring(guard, state, version, now_fn)
    finally:
        _held(state).update(lease_until=None)


def _offer(version: WhitelistVersion, now_fn: NowFn) -> bool:
    """What is pulled over REST stands here like a guard; False while a mass removal keeps the version back."""
    began = time.monotonic()
    state, _new = GuardState.objects.get_or_create(name=mass.PULL)
    if (state.swapped_id or 0) >= version.number:
        return True
    counts = mass.counts_of(version.number)
    try:
        mass.refuse(state.baseline, counts)
    except GuardError as error:
        _note_failed(state, version, error, now_fn(), began)
        return False
    state.swapped, state.baseline, state.row_count = version, counts, sum(counts.values())
    state.outcome, state.tried_at = GuardState.Outcome.HANDED_OVER, now_fn()
    state.step, state.problem, state.failed_since, state.told_at = "", "", None, None
    state.save(update_fields=[*_TOLD, "swapped", "baseline", "row_count"])
    return True


def _claim(name: str, now: datetime) -> GuardState | None:
    GuardState.objects.get_or_create(name=name)
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    if not GuardState.objects.filter(free, name=name).update(lease_until=now + _LEASE):
        return None
    return GuardState.objects.select_related("swapped").get(name=name)


def _held(state: GuardState) -> QuerySet[GuardState]:
    """The row while the lease is the one that this worker took; none when it was slow and another one took over."""
    return GuardState.objects.filter(pk=state.pk, lease_until=state.lease_until)


def _obeys(state: GuardState, guard: Guard, version: WhitelistVersion) -> bool:
    reached = state.verified_id if guard.can_prove else state.swapped_id
    return state.outcome != GuardState.Outcome.FAILED and reached == version.number


def _bring(guard: Guard, state: GuardState, version: WhitelistVersion, now_fn: NowFn) -> bool:
    """All steps. Whatever goes wrong is written down; nobody above needs to know more than that it did."""
    began = time.monotonic()
    try:
        extract = extract_for(guard.form, version, now_fn())
        counts = mass.counts_of(version.number, extract.organisations)
        mass.refuse(state.baseline, counts)
        must_pass, must_fail = versions.samples(version.number, extract.organisations)
        proof = Proof(version=version.number, must_pass=must_pass, must_fail=must_fail)
        staged = guard.stage(render(guard.form, extract))
        obeys = guard.holds(staged.sha256) and _in_force(guard, proof)
        if not obeys:
            guard.check(staged)
            if versions.is_overtaken(version.number, now_fn()) or not _held(state).exists():
                raise _Overtaken
            guard.swap(staged)
        _note_swapped(state, version, staged, extract, counts, now_fn())
        if not obeys:
            guard.activate(proof)
        _note_in_force(guard, state, version, extract, now_fn(), began)
    except _Overtaken:
        return False  # the next round renders without it
    except GuardError as error:
        _note_failed(state, version, error, now_fn(), began)
        return False
    except (UnicodeEncodeError, LookupError) as error:
        _note_failed(state, version, GuardError(Step.WRITE, type(error).__name__), now_fn(), began)
        return False
    return True


def _in_force(guard: Guard, proof: Proof) -> bool:
    """Whether the guard obeys this very list already."""
    try:
        guard.verify(proof)
    except GuardError:
        return False
    return True


def extract_for(form: Form, version: WhitelistVersion, now: datetime) -> Extract:
    """What one form of a version is rendered from. Raises GuardError for settings that name no federation."""
    day = today(now)
    if form != Form.NFTABLES:
        return Extract(
            version=version.number,
            mark=versions.mark_of(version.number, version.made_at),
            day=day,
            modes=version.modes,
            layout=layout_of(current_mapping()),
        )
    codes, chosen = chosen_organisations(form)
    modes = {code: mode for code, mode in version.modes.items() if not codes or code in codes}
    watched = [code for code, mode in modes.items() if mode == Mode.MONITOR]
    networks = Segment.system.filter(
        Q(valid_until=None) | Q(valid_until__gte=day), organisation__code__in=watched
    ).exclude(Q(purpose=Segment.Purpose.OWN_SYSTEM) | Q(network__contains=":"))
    return Extract(
        version=version.number,
        day=day,
        modes=modes,
        organisations=chosen,
        monitored_networks=list(networks.order_by("network").values_list("network", flat=True)),
        uplinks=factory.nftables_uplinks(),
    )


def chosen_organisations(form: Form) -> tuple[list[str], tuple[int, ...] | None]:
    """The organisations that a form of the list is cut down to (codes and keys); none and None for the whole list.

    Raises GuardError for a code that nobody has: a list without entries would cut everybody off.
    """
    codes = factory.nftables_organisations() if form == Form.NFTABLES else []
    if not codes:
        return [], None
    known = dict(Organisation.objects.filter(code__in=codes, kind__in=FEDERATIONS).values_list("code", "pk"))
    if unknown := sorted(set(codes) - set(known)):
        raise GuardError(Step.HOLD, f"GUARD_NFTABLES_ORGANISATIONS: {', '.join(unknown)}?")
    return codes, tuple(known.values())


def _note_swapped(
    state: GuardState,
    version: WhitelistVersion,
    staged: Staged,
    extract: Extract,
    counts: dict[str, int],
    now: datetime,
) -> None:
    """The list lies where the guard reads: its entries are exported."""
    state.swapped, state.sha256 = version, staged.sha256
    state.baseline, state.row_count = counts, sum(counts.values())
    state.save(update_fields=["swapped", "sha256", "baseline", "row_count"])
    _record_exported(version.number, extract.organisations, now)


@transaction.atomic
def _note_in_force(
    guard: Guard, state: GuardState, version: WhitelistVersion, extract: Extract, now: datetime, began: float
) -> None:
    """The guard has answered as it must. Only what every guard that can prove it obeys is verified."""
    outcome = GuardState.Outcome.IN_FORCE if guard.can_prove else GuardState.Outcome.HANDED_OVER
    news = state.outcome != outcome or state.verified_id != version.number
    state.outcome, state.tried_at, state.step, state.problem = outcome, now, "", ""
    state.failed_since = state.told_at = None
    if guard.can_prove:
        state.verified, state.verified_at = version, now
    state.save(update_fields=_TOLD)
    if news and (guard.can_prove or _last_version(guard.name) != version.number):
        _publication(state, version, now, began)
    if guard.can_prove:
        lowest = _verified_everywhere()
        if lowest is not None:
            _record_verified(lowest, extract.organisations, now)


def _last_version(name: str) -> int | None:
    return Publication.objects.filter(guard=name).values_list("version_id", flat=True).first()


def _verified_everywhere() -> int | None:
    """The newest version that every guard which can prove it obeys."""
    names = [guard.name for guard in factory.guards() if guard.can_prove]
    reached = dict(GuardState.objects.filter(name__in=names).values_list("name", "verified_id"))
    numbers = [reached.get(name) for name in names]
    known = [number for number in numbers if number is not None]
    return min(known) if known and len(known) == len(names) else None


@transaction.atomic
def _note_failed(
    state: GuardState, version: WhitelistVersion, error: GuardError, now: datetime, began: float
) -> None:
    """The truth for the screen; operations are mailed once while it lasts, the history keeps one line for failures alike."""
    alike = state.outcome == GuardState.Outcome.FAILED and state.step == error.step
    state.outcome, state.tried_at = GuardState.Outcome.FAILED, now
    state.step, state.problem = error.step, error.detail
    state.failed_since = state.failed_since or now
    log.error("guard %s: version %s not in force (%s)", state.name, version.number, error.step)
    if state.told_at is None:
        state.told_at = now
        _tell_operations(state, now)
    state.save(update_fields=_TOLD)
    if not alike:
        _publication(state, version, now, began)


def _publication(state: GuardState, version: WhitelistVersion, now: datetime, began: float) -> None:
    Publication.objects.create(
        guard=state.name,
        version=version,
        at=now,
        outcome=state.outcome,
        step=state.step,
        detail=state.problem,
        milliseconds=int((time.monotonic() - began) * 1000),
        row_count=state.row_count,
        sha256=state.sha256,
    )


def _tell_operations(state: GuardState, now: datetime) -> None:
    for operator in selectors.operators(now):
        outbox.queue(
            template="guard_failed",
            now=now,
            organisation_id=operator.organisation_id,
            to_user=operator,
            context={"guard": state.name},
        )


def _record_exported(version: int, organisations: tuple[int, ...] | None, now: datetime) -> None:
    """Entries of a version that none before held, and entries whose end it is the first to know."""
    listed, gone = versions.pairs_of(version, organisations), versions.gone_in(version, organisations)
    register.record_exported(entry_ids=_entries(listed.filter(entry__exported_at=None)), now=now)
    ended = gone.filter(entry__removal_exported_at=None)
    register.record_removal_exported(entry_ids=_entries(ended), now=now)


def _record_verified(version: int, organisations: tuple[int, ...] | None, now: datetime) -> None:
    """The same for what was proven."""
    listed, gone = versions.pairs_of(version, organisations), versions.gone_in(version, organisations)
    register.record_verified(entry_ids=_entries(listed.filter(entry__verified_at=None)), now=now)
    ended = gone.filter(entry__removal_verified_at=None)
    register.record_removal_verified(entry_ids=_entries(ended), now=now)


def _entries(rows: QuerySet[ListedPair]) -> list[int]:
    return list(rows.values_list("entry_id", flat=True).distinct())
