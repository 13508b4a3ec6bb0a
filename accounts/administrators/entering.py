"""Entering an administrator account into the portal's tables: register row, person and roles, in one transaction (ACC-01)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.administrators import persons, roles
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import account_search_text, enter_account
from portal.common.time import today
from portal.fulfilment.registry import NeedsPerson
from portal.gateways import clock
from portal.gateways.directory import DirectoryEntry
from portal.orgs import assignments, errors, people
from portal.orgs.assignments import RoleChange, Term
from portal.orgs.backends import refresh
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.workflow import upkeep


def enter_new(work: Work, entry: DirectoryEntry) -> dict[str, Any]:
    """The new account with its person and roles. An attempt that comes back after it was done gives nothing again.

    Raises RegisterConflict, and Stop when the portal knows somebody else under this name.
    """
    terms = work.payload.terms
    _enter(work, entry, _Wanted(terms=terms, among=[term.role for term in terms], expected=None))
    return {"roles": roles.strict(terms)}


def enter_change(work: Work, entry: DirectoryEntry) -> None:
    """A changed account: the person as AD has them now, and the roles that were applied for. Safe to repeat.

    Raises RegisterConflict, and Stop when the roles are no longer those that the applicant saw.
    """
    among = roles.applied_for(work.organisation) if work.payload.roles else []
    wanted = _Wanted(terms=work.payload.terms, among=among, expected=work.payload.terms_before)
    ended = [change for change in _enter(work, entry, wanted) if change.after is None]
    if ended:  # at once, not only in the night: somebody waits for a decision
        upkeep.check_open_stages(now=clock.now(), organisation_ids=[work.organisation.pk])


def require_roles_as_seen(work: Work) -> None:
    """Before anything is written: nobody has changed the roles since the application. Raises Stop."""
    payload, organisation = work.payload, work.organisation
    person = User.objects.filter(directory_guid=payload.guid).first()
    if not payload.roles or person is None or _is_entered(work, payload.guid):
        return
    among = roles.applied_for(organisation)
    present = assignments.held(person.pk, organisation.pk, today(clock.now()))
    if list(assignments.compare(present, payload.terms, among)) and list(
        assignments.compare(present, payload.terms_before, among)
    ):
        raise Stop(_roles_changed())


def close(work: Work) -> None:
    """Shut the person of a deleted account out at this moment: before AD is written, so that nothing waits for AD.

    Safe to repeat. Raises Stop for the last one of a role without whom an organisation stands still.
    """
    _enter_unregistered(work)
    person = User.objects.filter(directory_guid=work.payload.guid).first()
    if person is None:
        return
    now = clock.now()
    places = Membership.system.filter(user=person).values_list("organisation_id", flat=True)
    organisation_ids = set(places)
    detail = {"application": work.operation.application_number}
    try:
        closed = assignments.close_person(user_id=person.pk, now=now, detail=detail)
    except errors.LastOne as error:
        raise Stop(_last_one(error.role)) from None
    except errors.NotAllowed as error:
        raise Stop(NeedsPerson(code="break_glass", message=str(error.reason))) from None
    if closed:
        upkeep.check_open_stages(now=now, organisation_ids=organisation_ids)


def let_in(work: Work) -> None:
    """The person of a restored account can log in again, without any role yet. Safe to repeat."""
    detail = {"application": work.operation.application_number}
    with transaction.atomic():
        rows = User.objects.select_for_update(no_key=True).filter(is_active=False, is_break_glass=False)
        person = rows.filter(directory_guid=work.payload.guid).first()
        if person is not None:
            person.is_active = True
            person.save(update_fields=["is_active", "updated_at"])
            assignments.record_person("person.activate", person, actor=None, now=clock.now(), detail=detail)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """The roles that an application asks for, among those it may speak of."""

    terms: Sequence[Term]
    among: Collection[str]
    expected: Sequence[Term] | None


def _enter(work: Work, entry: DirectoryEntry, wanted: _Wanted) -> list[RoleChange]:
    """Register row, person and roles; the roles only the first time that this line is entered."""
    line, now = work.operation.line, clock.now()
    detail = {"application": work.operation.application_number}
    try:
        with transaction.atomic():
            done = _is_entered(work, entry.guid)
            enter_account(
                line=line, payload=work.payload, entry=entry, now=now, account_type=work.payload.account_type
            )
            person = people.make_known(entry, work.organisation, actor=None, now=now, detail=detail)
            refresh(person, entry)
            if done or not wanted.among:
                return []
            return assignments.bring_to(
                user_id=person.pk,
                organisation=work.organisation,
                wanted=wanted.terms,
                among=wanted.among,
                expected=wanted.expected,
                now=now,
                detail=detail,
            )
    except errors.Refused as error:
        raise Stop(NeedsPerson(code="person_conflict", message=str(error.message))) from None
    except errors.ChangedMeanwhile:
        raise Stop(_roles_changed()) from None
    except errors.LastOne as error:
        raise Stop(_last_one(error.role)) from None


def _enter_unregistered(work: Work) -> None:
    """Store the row of a person's account that the register does not hold yet, so that a deletion has what to note in."""
    row = persons.unregistered(work.organisation, guid=work.payload.guid)
    if row is None:
        return
    names = ("family_name", "given_name", "family_kana", "given_kana", "login_name", "department")
    row.search_text = account_search_text(**{name: getattr(row, name) for name in names})
    row.last_line = work.operation.line
    row.save()


def _is_entered(work: Work, guid: UUID) -> bool:
    return DirectoryAccount.system.filter(object_guid=guid, last_line=work.operation.line).exists()


def _roles_changed() -> NeedsPerson:
    text = _(
        "The roles were changed since this was applied for. Close this operation and have it applied for again."
    )
    return NeedsPerson(code="roles_changed", message=text)


def _last_one(role: str) -> NeedsPerson:
    text = _("Nobody else holds the role %(role)s. Give it to somebody else first, then retry.")
    return NeedsPerson(code="last_one", message=text % {"role": Role(role).label})
