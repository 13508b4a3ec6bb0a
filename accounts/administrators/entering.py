"""Entering an administrator account into the portal's tables: register row, person and roles, in one transaction (ACC-01)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.administrators import roles
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import enter_account
from portal.fulfilment.registry import NeedsPerson
from portal.gateways import clock
from portal.gateways.directory import DirectoryEntry
from portal.orgs import assignments, errors, people


def enter_new(work: Work, entry: DirectoryEntry) -> dict[str, Any]:
    """The new account with its person and roles. An attempt that comes back after it was done gives nothing again.

    Raises RegisterConflict, and Stop when the portal knows somebody else under this name.
    """
    line, now = work.operation.line, clock.now()
    try:
        with transaction.atomic():
            done = DirectoryAccount.system.filter(object_guid=entry.guid, last_line=line).exists()
            enter_account(
                line=line,
                payload=work.payload,
                entry=entry,
                now=now,
                account_type=DirectoryAccount.AccountType.ADMINISTRATOR,
            )
            detail = {"application": work.operation.application_number}
            person = people.make_known(entry, work.organisation, actor=None, now=now, detail=detail)
            if not done:
                assignments.bring_to(
                    user_id=person.pk,
                    organisation=work.organisation,
                    wanted=work.payload.terms,
                    among=[term.role for term in work.payload.terms],
                    expected=None,
                    now=now,
                    detail=detail,
                )
    except errors.Refused as error:
        raise Stop(NeedsPerson(code="person_conflict", message=str(error.message))) from None
    return {"roles": roles.strict(work.payload.terms)}
