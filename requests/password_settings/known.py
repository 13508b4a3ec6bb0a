"""What the forms, checks and plans of one application share: what Active Directory holds and the register of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from portal.gateways import directory_factory
from portal.gateways.directory import Directory, DirectoryError
from portal.gateways.directory_policies import PasswordRules, PasswordSettings
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from requests.password_settings import lookups
from requests.password_settings.lookups import Seen
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import START, StartLifetime

_SHARED = "requests.password_settings"


def setting(name: str) -> int:
    """A number of settings.PASSWORD_SETTINGS."""
    return int(settings.PASSWORD_SETTINGS[name])


class Known:
    """Asks each thing once. `error` says why Active Directory could not be asked; then nothing is known of it."""

    def __init__(self, context: LineContext) -> None:
        self.context = context
        self.error: DirectoryError | None = None
        self._seen: dict[str, Seen | None] = {}
        self._lifetimes: dict[str, PasswordLifetime | None] = {}
        self._open: set[str] | None = None

    def start(self, line: StartLifetime) -> Seen | None:
        """For whom new settings would be; None while Active Directory cannot be asked."""
        organisation = self.context.organisation

        def ask(directory: Directory) -> Seen:
            return look(directory, line, self.context)

        return self._ask(f"start:{organisation.pk}:{line}", ask)

    def current(self, lifetime: PasswordLifetime) -> Seen | None:
        """For whom settings in force are now; None while Active Directory cannot be asked."""

        def ask(directory: Directory) -> Seen:
            held = directory.find_password_settings(lifetime.object_guid)
            return lookups.look_at_settings(directory, lifetime.organisation, held)

        return self._ask(f"current:{lifetime.pk}", ask)

    def _ask(self, key: str, question: Callable[[Directory], Seen]) -> Seen | None:
        if key not in self._seen:
            try:
                self._seen[key] = question(directory_factory.get_directory())
            except DirectoryError as error:
                self.error, self._seen[key] = error, None
        return self._seen[key]

    def lifetime(self, name: str) -> PasswordLifetime | None:
        """Settings of the organisation in force; another's do not exist (ORG-02)."""
        if name not in self._lifetimes:
            rows = PasswordLifetime.system.filter(
                organisation=self.context.organisation,
                name__iexact=name,
                state=PasswordLifetime.State.IN_FORCE,
            )
            self._lifetimes[name] = rows.select_related("organisation").first()
        return self._lifetimes[name]

    def open_elsewhere(self, login_names: Iterable[str], group: str = "") -> list[str]:
        """Those of the accounts, or the group, that another open ticket of the organisation names."""
        if self._open is None:
            rows = ApplicationLine.system.filter(
                is_open=True, application__kind=START, organisation=self.context.organisation
            )
            if self.context.application is not None:
                rows = rows.exclude(application=self.context.application)
            payloads = list(rows.values_list("payload", flat=True))
            self._open = {name.lower() for each in payloads for name in each.get("login_names", [])}
            self._open |= {f"group:{each['group'].casefold()}" for each in payloads if each.get("group")}
        if group:
            return [group] if f"group:{group.casefold()}" in self._open else []
        return [name for name in login_names if name.lower() in self._open]


def look(directory: Directory, line: StartLifetime, context: LineContext) -> Seen:
    """For whom a ticket is, as Active Directory says it now. Raises DirectoryError."""
    survey = directory.policy_survey()
    if line.group:
        return lookups.look_at_group(directory, context.organisation, line.group, survey)
    return lookups.look_at_accounts(directory, context.organisation, line.login_names, survey)


def in_force_of(organisation: Organisation) -> QuerySet[PasswordLifetime]:
    """What an organisation can extend or end, for the forms of its own applications."""
    rows = PasswordLifetime.system.filter(organisation=organisation, state=PasswordLifetime.State.IN_FORCE)
    return rows.order_by("until", "name")


def known(context: LineContext) -> Known:
    """What this application shares."""
    found = context.shared.get(_SHARED)
    if found is None:
        found = context.shared[_SHARED] = Known(context)
    return found  # type: ignore[no-any-return]


def base_rules(seen: Seen, *, for_group: bool) -> PasswordRules | None:
    """What all the rest is copied from; None when the named accounts are not under one policy.

    New settings are weaker than all others, so for a group they count only where the policy of the domain did.
    """
    if for_group or not seen.accounts:
        return seen.survey.domain
    every = [seen.survey.rules_for(account) for account in seen.accounts]
    return every[0] if all(rules == every[0] for rules in every) else None


def longer(base: PasswordRules, days: int) -> PasswordRules:
    """The rules of the new settings. Raises ValueError when the lifetime is not longer."""
    rules = base.lengthened(timedelta(days=days))
    least = setting("least_length")
    if rules.minimum_length >= least:
        return rules
    return PasswordRules(**{**vars(rules), "minimum_length": least})


def target_group(held: PasswordSettings) -> str:
    """The DN of the group that settings are for; "" for named accounts."""
    return next((target.dn for target in held.targets if target.is_group), "")
