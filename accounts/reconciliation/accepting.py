"""The register takes over what AD has: an account that was changed by hand, or one that is not there any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.attributes import group_paths, lies_below, organisation_ou
from accounts.models import DirectoryAccount, WrittenState
from accounts.reconciliation.errors import AnswerRefused
from accounts.reconciliation.expected import REMOVED, written_of
from accounts.reconciliation.models import Finding, FindingKind
from accounts.reconciliation.snapshot import snapshot_of
from accounts.register import account_search_text
from portal.gateways.directory import DirectoryEntry

State = DirectoryAccount.State
_NAMES = ("login_name", "family_name", "given_name", "department", "staff_number", "description")


def accept_into_register(finding: Finding, entry: DirectoryEntry | None, now: datetime) -> None:
    """Take over what the finding is about and nothing else, in the caller's transaction. Raises AnswerRefused."""
    if finding.account_id is None:
        return  # an object that stays as it is, and is not asked about again while it does
    account = (
        DirectoryAccount.system.select_for_update(of=("self",))
        .select_related("organisation", "written")
        .get(pk=finding.account_id)
    )
    if entry is None:
        account.state, account.remove_on = REMOVED, None
        account.save(update_fields=["state", "remove_on", "updated_at"])
        return
    _require_own_place(finding, account, entry)
    _take_over(account, finding, entry, now)


def _require_own_place(finding: Finding, account: DirectoryAccount, entry: DirectoryEntry) -> None:
    if finding.kind == FindingKind.MOVED and not lies_below(entry.dn, organisation_ou(account.organisation)):
        raise AnswerRefused(
            _("The account lies in another organisation's OU. Restore it; a transfer needs an application.")
        )


def _take_over(account: DirectoryAccount, finding: Finding, entry: DirectoryEntry, now: datetime) -> None:
    fields = {difference["field"] for difference in finding.differences}
    found = snapshot_of(entry)
    written = written_of(account) | {name: found[name] for name in fields}
    for name in fields & set(_NAMES):
        setattr(account, name, found[name])
    if "kana" in fields:
        account.family_kana, _space, account.given_kana = found["kana"].partition(" ")
    if "groups" in fields:
        account.groups = group_paths(entry, account.organisation)
    if "account_expires" in fields:
        account.expires_on = entry.account_expires
    if finding.kind in (FindingKind.MOVED, FindingKind.RENAMED):
        account.distinguished_name = entry.dn
    if finding.kind in (FindingKind.DISABLED, FindingKind.RE_ENABLED):
        account.state = State.ENABLED if entry.enabled else State.DISABLED
        account.deleted_at = account.remove_on = None
    account.search_text = account_search_text(
        family_name=account.family_name,
        given_name=account.given_name,
        family_kana=account.family_kana,
        given_kana=account.given_kana,
        login_name=account.login_name,
        department=account.department,
        staff_number=account.staff_number,
    )
    account.verified_at = now
    _require_storable(account)
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise AnswerRefused(_("The register already holds another account with this login name.")) from None
    WrittenState.system.update_or_create(
        account=account,
        defaults={
            "organisation_id": account.organisation_id,
            "values": written,
            "usn": entry.usn_changed,
            "at": now,
        },
    )


def _require_storable(account: DirectoryAccount) -> None:
    for name in (*_NAMES, "family_kana", "given_kana"):
        field: Any = DirectoryAccount._meta.get_field(name)
        if len(getattr(account, name)) > field.max_length:
            raise AnswerRefused(
                _("%(label)s is longer than the register can hold (%(limit)d characters).")
                % {"label": field.verbose_name, "limit": field.max_length}
            )
