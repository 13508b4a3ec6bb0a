"""What is known about locked accounts: from AD, from the portal's own logins, and from earlier unlocks (REQ-04)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q

from portal.common.time import JST
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.gateways.directory_lockouts import all_attempts
from portal.gateways.directory_policies import PasswordRules
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from requests.unlock.models import AccountUnlock

_REFUSALS = ("login.refused", "password.change_refused")
_REFUSED_WITHIN = timedelta(days=1)
_SHOWN_PLACES = 3


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """The wrong passwords since the last right one, as the domain controllers count them together."""

    count: int
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One account as AD has it now."""

    entry: DirectoryEntry
    since: datetime | None
    """None: it is not locked."""
    attempts: Attempts | None
    """None: no domain controller told."""
    duration: timedelta | None
    """Of the policy that applies to the account; None: until somebody unlocks it."""

    @property
    def ends_at(self) -> datetime | None:
        """When the lock ends by itself; None when it is not locked, or does not end."""
        return self.since + self.duration if self.since and self.duration else None

    def has_expired(self, day: date) -> bool:
        """Whether the account's last day of use has passed."""
        return self.entry.account_expires is not None and self.entry.account_expires < day


def read_locks(directory: Directory, guids: Collection[UUID]) -> dict[UUID, Lock]:
    """The accounts that exist of these, each with its lock. Raises DirectoryError.

    A few searches however many accounts there are; only what is locked is looked at one by one.
    """
    entries = directory.find_by_guids(guids)
    since = {entry.guid: directory.lock_state(entry.guid).locked_since for entry in entries if entry.locked}
    counted = _counted(directory, list(since))
    durations = _durations(directory, since)
    return {
        entry.guid: Lock(
            entry=entry,
            since=since.get(entry.guid),
            attempts=counted.get(entry.guid),
            duration=durations.get(entry.guid),
        )
        for entry in entries
    }


def read_attempts(directory: Directory, guid: UUID) -> Attempts | None:
    """The wrong passwords of one account; None when no domain controller told."""
    return _counted(directory, [guid]).get(guid)


def _counted(directory: Directory, guids: Sequence[UUID]) -> dict[UUID, Attempts]:
    """badPwdCount is not replicated; every controller also counts at the PDC, so the highest number is the nearest."""
    if not guids:
        return {}
    try:
        everywhere = all_attempts(directory, guids)
    except DirectoryError:
        return {}
    found = {}
    for guid in guids:
        told = [counted[guid] for counted in everywhere.values() if guid in counted]
        if told:
            moments = [each.last_at for each in told if each.last_at is not None]
            found[guid] = Attempts(count=max(each.count for each in told), last_at=max(moments, default=None))
    return found


def _durations(directory: Directory, guids: Collection[UUID]) -> Mapping[UUID, timedelta | None]:
    if not guids:
        return {}
    survey = directory.policy_survey()
    rules: dict[str, PasswordRules] = {each.dn.casefold(): each.rules for each in survey.settings}
    return {
        account.guid: rules.get(account.settings_dn.casefold(), survey.domain).lockout_duration
        for account in directory.account_policies(guids)
    }


# --- What the portal knows ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Place:
    """From where somebody tried a wrong password at the portal."""

    ip: str
    at: datetime  # the last time
    count: int


def owners(guids: Collection[UUID]) -> dict[UUID, User]:
    """The people of the portal whose accounts these are."""
    people = User.objects.filter(directory_guid__in=guids, is_break_glass=False)
    return {person.directory_guid: person for person in people if person.directory_guid is not None}


def places(guids: Collection[UUID], now: datetime) -> dict[UUID, list[Place]]:
    """From where wrong passwords came within the last day, the latest first. Only the portal's own pages know addresses."""
    people = {str(person.pk): guid for guid, person in owners(guids).items()}
    mine = Q(object_type="orgs.user", object_id__in=people)
    mine |= Q(object_type="account", object_id__in=[str(guid) for guid in guids])
    rows = TrailEntry.objects.filter(mine, action__in=_REFUSALS, at__gt=now - _REFUSED_WITHIN, at__lte=now)
    found: dict[UUID, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for object_id, ip, at in rows.order_by("-id").values_list("object_id", "ip", "at")[:1000]:
        found[people.get(object_id) or UUID(object_id)][ip or ""].append(at)
    return {
        guid: [Place(ip=ip, at=max(times), count=len(times)) for ip, times in by_ip.items() if ip]
        for guid, by_ip in found.items()
    }


def place_words(found: Iterable[Place]) -> str:
    """The places in one line: address, last time, how often."""
    shown = [f"{each.ip} ({each.at.astimezone(JST):%m-%d %H:%M}, {each.count})" for each in found]
    return ", ".join(shown[:_SHOWN_PLACES]) + (" …" if len(shown) > _SHOWN_PLACES else "")


# --- Several in short time ------------------------------------------------------------------------------------------------
def recent_unlocks(guids: Collection[UUID], now: datetime) -> dict[UUID, int]:
    """How often each of these was unlocked within UNLOCK["repeat_days"]; those never are left out."""
    since = now - timedelta(days=settings.UNLOCK["repeat_days"])
    rows = AccountUnlock.system.filter(object_guid__in=guids, unlocked_at__gt=since, unlocked_at__lte=now)
    counted = rows.exclude(locked_since=None).order_by().values("object_guid").annotate(times=Count("pk"))
    return {row["object_guid"]: row["times"] for row in counted}


def is_repeated(earlier: int) -> bool:
    """Whether one more unlock after so many makes several in short time."""
    return earlier + 1 >= settings.UNLOCK["repeat_count"]
