"""Changing the naming rule of an organisation, and showing beforehand what it makes (ACC-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.naming.models import NamingRule
from accounts.naming.pattern import Namesake, PatternError
from accounts.naming.proposals import rule_of
from portal.gateways.directory_rules import REASON_TEXTS, validate_login_name
from portal.orgs import errors, people
from portal.orgs.models import Organisation, User
from portal.trail import services as trail


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A person of the preview, and the names that the first, the second and the third of them would get."""

    name: str
    reading: str
    staff_number: str
    names: tuple[str, ...] = ()


SAMPLES = (
    Sample(name="鈴木 一郎", reading="スズキ イチロウ", staff_number="000412"),
    Sample(name="佐々木 優子", reading="ササキ ユウコ", staff_number="001207"),
    Sample(name="勅使河原 慎太郎", reading="テシガワラ シンタロウ", staff_number="012345"),
)
_SHOWN = 3


def preview(rule: NamingRule) -> list[Sample]:
    """What the rule makes of three people, each of whom comes three times. Asks nobody. Raises PatternError.

    A rule that cannot name each of them three times is refused: it would soon have nothing to propose.
    """
    pattern = rule.compiled()
    made = []
    for sample in SAMPLES:
        family, given = sample.reading.split()
        person = Namesake(family_kana=family, given_kana=given, staff_number=sample.staff_number)
        names = tuple(islice(pattern.names(person), _SHOWN))
        if len(names) < _SHOWN or len(set(names)) < _SHOWN:
            raise PatternError(_why_not(sample, names))
        made.append(
            Sample(name=sample.name, reading=sample.reading, staff_number=sample.staff_number, names=names)
        )
    return made


def _why_not(sample: Sample, names: tuple[str, ...]) -> str:
    values = {"name": sample.name, "made": "、".join(names) or _("nothing")}
    return (
        _("The pattern cannot give three people called %(name)s a login name each (it makes: %(made)s).")
        % values
    )


@transaction.atomic
def change_rule(
    *,
    organisation_id: int,
    actor: User,
    pattern: str,
    prefix: str,
    suffix: str,
    short_vowels: bool,
    version: int,
    now: datetime,
) -> NamingRule:
    """A new version of the rule; names that were proposed or given stay as they are.

    `version` is the one that the person saw. Raises errors.NotAllowed, and errors.Refused with the reason at its field.
    """
    people.require_manager(actor, organisation_id)
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)
    before = rule_of(organisation)
    if before.version != version:
        raise errors.Refused("", _("Somebody changed the rule meanwhile. Look at it again."))
    if prefix and (reasons := validate_login_name(prefix)):
        raise errors.Refused("prefix", REASON_TEXTS[reasons[0]])
    rule = NamingRule(
        organisation=organisation,
        version=before.version + 1,
        pattern=pattern,
        prefix=prefix.lower(),
        suffix=suffix,
        short_vowels=short_vowels,
        made_at=now,
        made_by=actor,
    )
    try:
        preview(rule)
    except PatternError as error:
        raise errors.Refused("pattern", error.reason) from None
    rule.save()
    trail.record(
        action="naming.change",
        now=now,
        actor=actor,
        object_type="accounts.namingrule",
        object_id=rule.pk,
        object_label=organisation.short_name,
        object_organisation=organisation,
        detail={"version": rule.version, "before": _told(before), "after": _told(rule)},
    )
    return rule


def _told(rule: NamingRule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in ("pattern", "prefix", "suffix", "short_vowels")}
