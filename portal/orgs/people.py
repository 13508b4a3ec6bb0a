"""People and the roles they hold for a time (ORG-03): who is added, what ends, who may decide that."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from portal.common import time
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs import assignments, errors
from portal.orgs.models import ApiToken, Membership, Organisation, User
from portal.orgs.permissions import MANAGE_ALL_MEMBERS, MANAGE_OWN_MEMBERS

_MAIL_LENGTH = 254
NOT_A_MANAGER = _("Only the security manager of this organisation or network operations may change this.")
NOT_OWN = _("You cannot change your own roles. Ask another manager or network operations.")


def may_manage(actor: User, organisation_id: int) -> bool:
    """Whether the person may change people, roles, deputies and recipients of this organisation."""
    return actor.may(MANAGE_ALL_MEMBERS) or actor.may(MANAGE_OWN_MEMBERS, organisation_id)


def require_manager(actor: User, organisation_id: int) -> None:
    """Raises errors.NotAllowed unless may_manage."""
    if not may_manage(actor, organisation_id):
        raise errors.NotAllowed(NOT_A_MANAGER)


def administrators_ou(organisation: Organisation) -> str:
    """Where the administrator accounts of an organisation live (ACC-01, ORG-05)."""
    return f"OU=Administrators,OU={organisation.ou_name},{settings.DIRECTORY['root_ou']}"


def find_account(organisation: Organisation, login_name: str) -> DirectoryEntry:
    """The administrator account of this login name in the organisation's own OU.

    Raises errors.Refused with the reason, errors.DirectoryOutOfReach when it cannot be looked up.
    """
    try:
        entry = directory_factory.get_directory().find_by_login_name(login_name)
    except DirectoryError as exc:
        raise errors.DirectoryOutOfReach from exc
    if entry is None:
        raise errors.Refused(
            "login_name", _("Active Directory has no account of this login name. Check the spelling.")
        )
    if not entry.dn.casefold().endswith("," + administrators_ou(organisation).casefold()) or entry.privileged:
        reason = _(
            "This is not an administrator account of %(organisation)s. Windows user accounts cannot log in here."
        )
        raise errors.Refused("login_name", reason % {"organisation": organisation.short_name})
    if not entry.enabled:
        raise errors.Refused("login_name", _("This account is disabled in Active Directory."))
    return entry


def add_person(
    *,
    actor: User,
    organisation_id: int,
    login_name: str,
    role: str,
    valid_from: date,
    valid_until: date | None,
    now: datetime,
) -> Membership:
    """Give the owner of an administrator account a role, making the person known to the portal when new.

    Raises errors.NotAllowed, errors.Refused and errors.DirectoryOutOfReach.
    """
    require_manager(actor, organisation_id)
    organisation = Organisation.objects.get(pk=organisation_id)
    entry = find_account(organisation, login_name)
    with transaction.atomic():
        person = make_known(entry, organisation, actor=actor, now=now)
        return add_membership(
            actor=actor,
            user_id=person.pk,
            organisation_id=organisation_id,
            role=role,
            valid_from=valid_from,
            valid_until=valid_until,
            now=now,
        )


@transaction.atomic
def add_membership(
    *,
    actor: User,
    user_id: int,
    organisation_id: int,
    role: str,
    valid_from: date,
    valid_until: date | None,
    now: datetime,
) -> Membership:
    """Give a person a role for a time.

    Raises errors.NotAllowed (no manager, or the own role) and errors.Refused (role of another kind, dates, held already).
    """
    require_manager(actor, organisation_id)
    if user_id == actor.pk:
        raise errors.NotAllowed(NOT_OWN)
    organisation = Organisation.objects.get(pk=organisation_id)
    person = User.objects.select_for_update(no_key=True).get(pk=user_id)
    term = assignments.Term(role=role, valid_from=valid_from, valid_until=valid_until)
    return assignments.give(person, organisation, term, actor=actor, now=now)


@transaction.atomic
def end_membership(*, membership_id: int, actor: User, last_day: date | None, now: datetime) -> Membership:
    """End a role: at once, or after `last_day`. It stays in the records (ORG-03).

    Raises errors.NotAllowed and errors.Refused. Ended already is refused too: the first end counts.
    """
    membership = Membership.system.select_for_update(no_key=True).get(pk=membership_id)
    require_manager(actor, membership.organisation_id)
    if membership.user_id == actor.pk:
        raise errors.NotAllowed(NOT_OWN)
    today = time.today(now)
    over = membership.valid_until is not None and membership.valid_until < today
    if over or membership.ended_at is not None:
        raise errors.Refused("", _("This role has ended already."))
    if last_day is None:
        assignments.end(membership, actor=actor, now=now)
        return membership
    if last_day < max(today, membership.valid_from):
        raise errors.Refused("last_day", _("Enter today or a later day on which the role is valid."))
    if membership.valid_until is not None and last_day > membership.valid_until:
        raise errors.Refused("last_day", _("The role ends earlier than that already. Enter an earlier day."))
    membership.valid_until, membership.changed_by = last_day, actor
    membership.save(update_fields=["valid_until", "changed_by", "updated_at"])
    assignments.record("membership.end", membership, actor=actor, now=now)
    return membership


@transaction.atomic
def set_active(*, user_id: int, actor: User, active: bool, now: datetime) -> User:
    """Shut a person out at once, or let them in again. Running sessions and tokens end with it.

    Raises errors.NotAllowed.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=user_id)
    require_manager(actor, person.organisation_id)
    if person.pk == actor.pk:
        raise errors.NotAllowed(NOT_OWN)
    if person.is_active == active:
        return person
    person.is_active = active
    person.save(update_fields=["is_active", "updated_at"])
    if not active:
        from portal.orgs import recipients  # below: it asks this module who may manage

        recipients.end_those_who_left(now=now)  # ACC-09
        ApiToken.objects.filter(user=person, revoked_at=None).update(revoked_at=now)
    action = "person.activate" if active else "person.deactivate"
    assignments.record_person(action, person, actor=actor, now=now)
    return person


def mail_of(entry: DirectoryEntry) -> str:
    """The mail address; none for one that AD holds and no mail server takes because of its length."""
    return entry.mail if entry.mail and len(entry.mail) <= _MAIL_LENGTH else ""


def make_known(
    entry: DirectoryEntry,
    organisation: Organisation,
    *,
    actor: User | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> User:
    """The person of this account, made when the portal does not know it yet; objectGUID is the key.

    Runs in the caller's transaction. Without an actor the portal itself makes it, as `detail` says for which application.
    Raises errors.Refused.
    """
    _one_at_a_time(entry)
    person = User.objects.select_for_update(no_key=True).filter(directory_guid=entry.guid).first()
    if person is not None:
        if person.organisation_id != organisation.pk:
            raise errors.Refused(
                "login_name", _("This person belongs to another organisation. Ask network operations.")
            )
        if not person.is_active:
            raise errors.Refused("login_name", _("This person was shut out. Let them in again first."))
        return person
    if User.objects.filter(login_name__iexact=entry.login_name).exists():
        raise errors.Refused(
            "login_name",
            _("The portal knows another account of this name from before. Ask network operations."),
        )
    person = User(
        login_name=entry.login_name,
        display_name=entry.display_name[:100],
        kana=entry.kana[:100],
        department=entry.department[:64],
        email=mail_of(entry),
        organisation=organisation,
        directory_guid=entry.guid,
    )
    person.set_unusable_password()
    person.save()
    assignments.record_person("person.add", person, actor=actor, now=now, detail=detail)
    return person


def _one_at_a_time(entry: DirectoryEntry) -> None:
    """Let a second request for the same account wait for the first (a double click): there is no row to lock yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"person {entry.guid}"])
