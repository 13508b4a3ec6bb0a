"""Who is touched by settings that come, change or go: policy and expiry of each before and after (REQ-03)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from portal.common.time import JST
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordSettings,
    PolicySurvey,
    Reach,
    WantedSettings,
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One account before and after. `wins` names the settings that apply afterwards; "" is the policy of the domain."""

    before: AccountPolicy
    after: AccountPolicy
    days_before: int | None
    days_after: int | None
    wins: str
    tied: tuple[str, ...] = ()
    """Settings of the same precedence among which the smaller GUID decides."""

    @property
    def changes(self) -> bool:
        """Whether the password of this account expires at another time, or under another lifetime."""
        return not self.before.never_expires and self.days_before != self.days_after

    def expires_at_once(self, moment: datetime) -> bool:
        """Whether the password is expired as soon as this has happened at `moment`."""
        after, before = self.after.password_expires_at, self.before.password_expires_at
        return after is not None and after <= moment and (before is None or before > moment)

    def remark(self) -> str:
        """Why nothing changes for this account, in words; "" when something does."""
        if self.before.never_expires:
            return _("The password never expires by a flag of the account.")
        if not self.changes and self.wins:
            return _("%(name)s goes before.") % {"name": self.wins}
        if not self.changes:
            return _("Nothing changes.")
        if self.before.password_last_set is None:
            return _("The password must be changed at the next logon; the new lifetime counts from then.")
        if not self.before.enabled:
            return _("The account is disabled.")
        return ""


def effects_of(accounts: Iterable[AccountPolicy], before: PolicySurvey, after: PolicySurvey) -> list[Effect]:
    """What becomes of each account."""
    return [effect_of(account, before, after) for account in accounts]


def effect_of(account: AccountPolicy, before: PolicySurvey, after: PolicySurvey) -> Effect:
    """What becomes of one account."""
    held, wins = before.resulting(account), after.resulting(account)
    return Effect(
        before=before.under(held, account),
        after=after.under(wins, account),
        days_before=_days(before, held),
        days_after=_days(after, wins),
        wins=wins.name if wins else "",
        tied=tuple(each.name for each in _tied(after, account)),
    )


def _days(survey: PolicySurvey, applies: PasswordSettings | None) -> int | None:
    age = (applies.rules if applies else survey.domain).maximum_age
    return age.days if age else None


def _tied(survey: PolicySurvey, account: AccountPolicy) -> Iterator[PasswordSettings]:
    direct = [each for each in survey.settings if account.guid in each.target_guids]
    held = direct or [each for each in survey.settings if each.reach.holds(account)]
    if len(held) > 1 and held[0].precedence == held[1].precedence:
        yield from (each for each in held if each.precedence == held[0].precedence)


def with_settings(
    survey: PolicySurvey, wanted: WantedSettings, reach: Reach, instead_of: UUID | None = None
) -> PolicySurvey:
    """The survey as it would be with these settings."""
    return survey.planned(wanted, reach, instead_of=instead_of)


def next_precedence(survey: PolicySurvey, first: int) -> int:
    """Weaker than all that there is: what is in force for somebody's group is never pushed aside."""
    return max([first - 1, *(each.precedence for each in survey.settings)]) + 1


def end_of(until: date) -> datetime:
    """When the last day is over in Japan."""
    return datetime.combine(until + timedelta(days=1), time(), JST)


def expired_at(effects: Sequence[Effect], moment: datetime) -> list[Effect]:
    """Those whose password is expired at that moment because the longer lifetime is gone."""
    return [effect for effect in effects if effect.expires_at_once(moment)]
