"""Which login names are free (ACC-06): one answer for the proposal and for the check of what people type.

Free is a name that is not in AD, not in the register or lately removed, not applied for, not held for a draft, not a portal
person's and not in a block that is kept for an outage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import asking
from accounts.models import DirectoryAccount
from accounts.naming.models import NameReservation, UsedLoginName
from portal.common.time import JST, today
from portal.common.upsert import upsert
from portal.gateways.directory import DirectoryError
from portal.orgs.models import Organisation, User
from portal.workflow.models import Application, ApplicationLine

RESERVATION = "login:"  # accounts.checks.reservation_of

# Whoever keeps names aside (the blocks of the continuity pack) adds a function here: of these names in lower case, which?
KeptAside = Callable[[Collection[str]], Iterable[str]]
kept_aside: list[KeptAside] = []


def taken(names: Collection[str], *, application_id: int | None, now: datetime) -> set[str]:
    """Of `names`, in lower case, those that the portal's own tables know as taken.

    What `application_id` itself holds is free to it. The number of statements does not depend on the number of names.
    """
    folded = {name.lower() for name in names}
    lines = ApplicationLine.system.filter(
        is_open=True, reservation_key__in=[f"{RESERVATION}{name}" for name in folded]
    ).exclude(application_id=application_id or 0)
    found = {key.removeprefix(RESERVATION) for key in lines.values_list("reservation_key", flat=True) if key}
    held = NameReservation.system.filter(folded__in=folded, ends_at__gt=now)
    found |= set(held.exclude(application_id=application_id or 0).values_list("folded", flat=True))
    removals = dict(UsedLoginName.system.filter(folded__in=folded).values_list("folded", "removed_at"))
    again = {name for name, removed_at in removals.items() if removed_at and removed_at < free_after(now)}
    found |= set(removals) - again
    for rows in (accounts_except_removed(again), User.objects.all()):
        same = rows.alias(lowered=Lower("login_name")).filter(lowered__in=folded)
        found |= {name.lower() for name in same.values_list("login_name", flat=True)}
    for kept in kept_aside:
        found |= set(kept(folded))
    return found


def taken_in_directory(names: Collection[str]) -> set[str]:
    """Of `names`, in lower case, those that any object of the domain has; empty while AD cannot be asked (ACC-12)."""
    if not names:
        return set()
    try:
        return asking.ask(lambda directory: directory.login_names_in_use(sorted(names)))
    except DirectoryError:
        return set()


def free_after(now: datetime) -> datetime:
    """Names of accounts that were removed before this moment may be given again: the same day, years later, they may."""
    day = today(now)
    year = day.year - int(settings.LOGIN_NAME_REUSE_YEARS)
    try:
        border = day.replace(year=year)
    except ValueError:  # 29 February
        border = date(year, 2, 28)
    return datetime.combine(border + timedelta(days=1), time(), JST)


def accounts_except_removed(names: Collection[str]) -> QuerySet[DirectoryAccount]:
    """The register without removed accounts of these names (in lower case)."""
    removed = DirectoryAccount.system.alias(lowered=Lower("login_name")).filter(
        lowered__in=names, state=DirectoryAccount.State.REMOVED
    )
    return DirectoryAccount.system.exclude(pk__in=removed)


def given_again(names: Collection[str], now: datetime) -> set[str]:
    """Of `names`, in lower case, those of removed accounts whose years have passed."""
    rows = UsedLoginName.system.filter(
        folded__in={name.lower() for name in names}, removed_at__lt=free_after(now)
    )
    return set(rows.values_list("folded", flat=True))


def problem(login_name: str, organisation: Organisation, *, application_id: int | None, now: datetime) -> str:
    """Why a typed name is not free although nobody applied for it and no account has it now; "" when it is."""
    folded = login_name.lower()
    return problems([folded], organisation, application_id=application_id, now=now).get(folded, "")


def problems(
    names: Collection[str], organisation: Organisation, *, application_id: int | None, now: datetime
) -> dict[str, str]:
    """`problem` of each of these names in lower case that has one; the statements do not depend on their number."""
    held = NameReservation.system.filter(folded__in=names, ends_at__gt=now)
    holders = dict(held.exclude(application_id=application_id or 0).values_list("folded", "organisation_id"))
    used = UsedLoginName.system.filter(folded__in=names, removed_at__gte=free_after(now))
    users = dict(used.values_list("folded", "organisation_id"))
    people = User.objects.annotate(lowered=Lower("login_name")).filter(lowered__in=names)
    others = {*holders, *users, *people.values_list("lowered", flat=True)}
    for kept in kept_aside:
        others |= set(kept(set(names)))
    # Says nothing about whose it is: it may belong to another federation (ORG-02).
    found = {name: _("This login name is already in use. Choose another one.") for name in others}
    for name, owner in users.items():
        if owner == organisation.pk:
            found[name] = _(
                "This login name belonged to an account that was removed and is not given out again yet. Choose another one."
            )
    for name, owner in holders.items():
        if owner == organisation.pk:
            found[name] = _(
                "This login name is held for another application that is being written. Choose another one."
            )
    return found


def is_held(application: Application, folded: str) -> bool:
    """Whether the draft holds this proposed name."""
    return NameReservation.system.filter(application=application, folded=folded).exists()


def note_used(login_name: str, *, organisation_id: int, now: datetime, guid: UUID | None = None) -> None:
    """An account has this name now. Call it in the transaction that enters the account; safe to repeat."""
    values = {"organisation_id": organisation_id, **({"object_guid": guid} if guid else {})}
    upsert(
        UsedLoginName.system,
        key={"folded": login_name.lower()},
        values={**values, "removed_at": None},
        first={"used_at": now},
    )


def note_removed(login_name: str, *, organisation_id: int, now: datetime, guid: UUID | None = None) -> None:
    """The account of this name was removed for good, or got another name: the years begin (LOGIN_NAME_REUSE_YEARS)."""
    values = {
        "organisation_id": organisation_id,
        "removed_at": now,
        **({"object_guid": guid} if guid else {}),
    }
    upsert(UsedLoginName.system, key={"folded": login_name.lower()}, values=values, first={"used_at": now})


def names_of(guid: UUID) -> set[str]:
    """Every name that this account has or had, in lower case; not those that others were given since."""
    return set(UsedLoginName.system.filter(object_guid=guid).values_list("folded", flat=True))


def let_go_of(application_id: int, *, keep: Iterable[str]) -> None:
    """What an application held and does not name any more is free for others."""
    names = {name.lower() for name in keep}
    NameReservation.system.filter(Q(application_id=application_id) & ~Q(folded__in=names)).delete()


def purge_reservations(*, now: datetime) -> int:
    """Remove reservations that ended; they count no more anyway. How many they were."""
    count, _by_model = NameReservation.system.filter(ends_at__lte=now).delete()
    return count
