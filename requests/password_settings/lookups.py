"""What Active Directory says about one ticket, read once for its checks, its plan and its page (REQ-03)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext as _

from portal.gateways.directory import Directory, DirectoryGroup, NotFound
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordSettings,
    PolicySurvey,
    Reach,
)
from portal.orgs.models import Organisation

_NAMED = 10  # groups that a message names


@dataclass(kw_only=True)
class Seen:
    """The settings of the domain, and those for whom a ticket is. `accounts` are in order of their login name."""

    survey: PolicySurvey
    accounts: list[AccountPolicy] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Login names that nobody of the organisation has."""
    protected: list[str] = field(default_factory=list)
    group: DirectoryGroup | None = None
    group_problem: str = ""
    reach: Reach = field(default_factory=Reach)
    strangers: int = 0
    """Members of the group that belong to others: they are counted and never named (ORG-02)."""


def organisation_ou(organisation: Organisation) -> str:
    """The unit that holds everything of one organisation (ORG-05)."""
    return f"OU={organisation.ou_name},{settings.DIRECTORY['root_ou']}"


def is_below(dn: str, base_dn: str) -> bool:
    return _folded(dn).endswith(f",{_folded(base_dn)}")


def _folded(dn: str) -> str:
    return ",".join(part.strip() for part in dn.split(",")).casefold()


def look_at_accounts(
    directory: Directory, organisation: Organisation, login_names: Sequence[str], survey: PolicySurvey
) -> Seen:
    """The named accounts of the organisation; one of another is as missing as none (ORG-02). Raises DirectoryError."""
    base = organisation_ou(organisation)
    found = {
        entry.login_name.lower(): entry
        for entry in directory.find_by_login_names(login_names)
        if is_below(entry.dn, base)
    }
    accounts = directory.account_policies([entry.guid for entry in found.values()])
    return Seen(
        survey=survey,
        accounts=in_order(map(survey.worked_out, accounts)),
        missing=[name for name in login_names if name.lower() not in found],
        protected=[entry.login_name for entry in found.values() if entry.privileged],
    )


def look_at_group(directory: Directory, organisation: Organisation, name: str, survey: PolicySurvey) -> Seen:
    """The organisation's group of this name and all whom it reaches, or why it cannot be. Raises DirectoryError."""
    base = organisation_ou(organisation)
    groups = directory.find_groups(base)
    group = next((each for each in groups if name.casefold() in _names_of(each)), None)
    if group is None:
        return Seen(survey=survey, group_problem=_no_group(directory, base, name, groups))
    if problem := unfit(group):
        return Seen(survey=survey, group=group, group_problem=problem)
    return members(directory, organisation, group.dn, survey, group)


def members(
    directory: Directory,
    organisation: Organisation,
    group_dn: str,
    survey: PolicySurvey,
    group: DirectoryGroup | None = None,
) -> Seen:
    """All whom a group reaches, at any depth; others than the organisation's by their number. Raises DirectoryError."""
    base, reach = organisation_ou(organisation), directory.group_reach(group_dn)
    pages = directory.scan_account_policies(str(settings.DIRECTORY["base_dn"]), survey, reach=reach)
    found = [account for page in pages for account in page]
    own = [account for account in found if is_below(account.dn, base)]
    return Seen(
        survey=survey, accounts=in_order(own), group=group, reach=reach, strangers=len(found) - len(own)
    )


def look_at_settings(directory: Directory, organisation: Organisation, held: PasswordSettings | None) -> Seen:
    """Those for whom settings in force are, as they are now; none when they are gone. Raises DirectoryError.

    Whoever went to another organisation since is counted and not named (ORG-02).
    """
    survey = directory.policy_survey()
    if held is None:
        return Seen(survey=survey)
    group = next((target for target in held.targets if target.is_group), None)
    if group is not None:
        try:
            return members(directory, organisation, group.dn, survey)
        except NotFound:
            return Seen(survey=survey)
    base = organisation_ou(organisation)
    accounts = list(directory.account_policies([target.guid for target in held.targets]))
    own = [account for account in accounts if is_below(account.dn, base)]
    return Seen(
        survey=survey,
        accounts=in_order(map(survey.worked_out, own)),
        strangers=len(accounts) - len(own),
    )


def unfit(group: DirectoryGroup) -> str:
    """Why Active Directory would take the group and should not; "" when it is a global security group."""
    if not group.is_security:
        return _("%(name)s is a mailing list. Enter a global security group.") % {"name": group.name}
    if not group.is_global:
        return _(
            "%(name)s is not a global group: settings do not count for domain-local and universal groups. Enter a global security group."
        ) % {"name": group.name}
    if group.privileged:
        return _("%(name)s is a protected group of administrators. The portal does not touch it.") % {
            "name": group.name
        }
    return ""


def _no_group(directory: Directory, base: str, name: str, groups: Sequence[DirectoryGroup]) -> str:
    units = {_first_name(dn).casefold() for dn in directory.find_containers(base)}
    units |= {dn.casefold() for dn in directory.find_containers(base)}
    if name.casefold() in units or name.upper().startswith("OU="):
        return _(
            "%(name)s is an organisational unit. Settings count for accounts and global groups only."
        ) % {"name": name}
    fit = [group.name for group in groups if not unfit(group)][:_NAMED]
    if fit:
        return _("There is no such group in your organisation. There are: %(names)s") % {
            "names": "、".join(fit)
        }
    return _("There is no such group in your organisation.")


def _names_of(group: DirectoryGroup) -> set[str]:
    return {group.name.casefold(), group.dn.casefold(), _first_name(group.dn).casefold()}


def _first_name(dn: str) -> str:
    return dn.partition(",")[0].partition("=")[2]


def in_order(accounts: Iterable[AccountPolicy]) -> list[AccountPolicy]:
    """By login name, so that the same people always make the same list."""
    return sorted(accounts, key=lambda account: (account.login_name.lower(), account.guid))


def check_value(accounts: Iterable[AccountPolicy]) -> str:
    """A short value that differs as soon as one person more or less is on the list."""
    return hashlib.sha256("".join(sorted(str(a.guid) for a in accounts)).encode()).hexdigest()[:8]
