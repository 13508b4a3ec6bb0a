"""What a ticket about password settings will change, for the people who decide: policy, people, expiry of each (REQ-03).

The changes say what is approved: the object, its rules, its people. When each password expires moves with every password
that somebody changes; so that this voids no approval, it stands in the checks, which are shown live and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from portal.common.time import plain_moment
from portal.gateways import clock
from portal.gateways.directory_policies import PasswordRules, WantedSettings
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from requests.password_settings import checks, effects, wanted
from requests.password_settings.effects import Effect
from requests.password_settings.known import known
from requests.password_settings.lookups import Seen, check_value
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import EndLifetime, ExtendLifetime, StartLifetime

SHOWN_NAMES, SHOWN_EXPIRIES = 20, 10
_OBJECT = gettext_noop("Password settings")
_LIFETIME = gettext_noop("Password lifetime (days)")
_REST = gettext_noop("All other rules, as until now")
_LENGTH = gettext_noop("Minimum length")
_UNTIL = gettext_noop("Last day")
_APPLIES = gettext_noop("Applied to")
PEOPLE = gettext_noop("Accounts affected")


def plan_start(context: LineContext, line: StartLifetime) -> Plan:
    """New settings."""
    asked = known(context)
    problems = checks.check_start(context, line)
    seen = asked.start(line)
    if seen is None:
        return _unavailable(asked.error)
    if problems:
        return _refused(problems)
    made = wanted.new_settings(line, seen)
    found = effects.effects_of(
        seen.accounts, seen.survey, effects.with_settings(seen.survey, made, seen.reach)
    )
    notes = (*_start_notes(made, line, found), *_expiries(found))
    return Plan(changes=tuple(_start_changes(line, seen, made, found)), checks=notes)


def start_changes(line: StartLifetime, seen: Seen, made: WantedSettings) -> list[Change]:
    """What is approved. The handler works it out again and carries it out only when it is the same."""
    later = effects.with_settings(seen.survey, made, seen.reach)
    return _start_changes(line, seen, made, effects.effects_of(seen.accounts, seen.survey, later))


def _start_changes(
    line: StartLifetime, seen: Seen, made: WantedSettings, found: Sequence[Effect]
) -> list[Change]:
    base = seen.survey.domain if line.group else seen.survey.rules_for(seen.accounts[0])
    touched = [each for each in found if each.changes]
    return [
        Change(action=plans.ADD, label=_OBJECT, attribute="msDS-PasswordSettings", after=(made.name,)),
        *rules_changes(base, made.rules),
        Change(action=plans.SET, label=_UNTIL, after=(line.until,)),
        Change(action=plans.ADD, label=_APPLIES, attribute="msDS-PSOAppliesTo", after=_applied(line, seen)),
        Change(action=plans.CHANGE, label=PEOPLE, after=people(touched)),
    ]


def _applied(line: StartLifetime, seen: Seen) -> tuple[str, ...]:
    if seen.group is not None:
        return (seen.group.dn,)
    # Who they are, not what they are called: one who was made anew under the old name is somebody else.
    return (*(a.login_name for a in seen.accounts), f"#{check_value(seen.accounts)}")


def rules_changes(before: PasswordRules, after: PasswordRules) -> Iterator[Change]:
    """The lifetime, the length where it rises, and all the rest as it stays."""
    ages = [str(rules.maximum_age.days) if rules.maximum_age else "–" for rules in (before, after)]
    yield Change(
        action=plans.CHANGE,
        label=_LIFETIME,
        attribute="msDS-MaximumPasswordAge",
        before=(ages[0],),
        after=(ages[1],),
    )
    if before.minimum_length != after.minimum_length:
        yield Change(
            action=plans.CHANGE,
            label=_LENGTH,
            attribute="msDS-MinimumPasswordLength",
            before=(str(before.minimum_length),),
            after=(str(after.minimum_length),),
        )
    yield Change(action=plans.SET, label=_REST, after=rest_of(after))


def rest_of(rules: PasswordRules) -> tuple[str, ...]:
    """The rules besides the lifetime, as technical names: the same in every language, since they are compared."""
    locks = _minutes(rules.lockout_duration) if rules.lockout_duration else "-"
    return (
        f"minPwdLength={rules.minimum_length}",
        f"pwdHistoryLength={rules.history_length}",
        f"complexity={rules.complexity}",
        f"minPwdAge={rules.minimum_age.total_seconds() / 86400:g}d",
        f"lockoutThreshold={rules.lockout_threshold}/{_minutes(rules.lockout_window)}/{locks}",
    )


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g}min"


def people(touched: Sequence[Effect]) -> tuple[str, ...]:
    """Those for whom something changes: the first by name, the number of the others, and the check value of the whole list."""
    names = [shown_name(each) for each in touched[:SHOWN_NAMES]]
    rest = len(touched) - len(names)
    return (*names, *([f"+{rest}"] if rest else []), f"#{check_value(e.before for e in touched)}")


def shown_name(effect: Effect) -> str:
    account = effect.before
    return f"{account.display_name} ({account.login_name})" if account.display_name else account.login_name


# --- Settings in force ------------------------------------------------------------------------------------------------------
def plan_extend(context: LineContext, line: ExtendLifetime) -> Plan:
    """A later last day, perhaps a longer lifetime."""
    asked = known(context)
    problems = checks.check_extend(context, line)
    lifetime = asked.lifetime(line.name)
    if problems or lifetime is None:
        return _refused(problems)
    seen = asked.current(lifetime)
    if seen is None:
        return _unavailable(asked.error)
    held = next(each for each in seen.survey.settings if each.guid == lifetime.object_guid)
    made = wanted.extended(held, line.last_day, line.lifetime_days)
    if reasons := wanted.impossible(made):
        return _refused({"": [checks.reason_text(reason) for reason in reasons]})
    later = effects.with_settings(seen.survey, made, seen.reach, instead_of=held.guid)
    without = seen.survey.without(held.guid)
    found = effects.effects_of(seen.accounts, without, later)
    notes = (_affected(found), *_conflicts(found), *_at_the_end(found, line.until), *_expiries(found))
    return Plan(changes=tuple(extend_changes(lifetime, line, held.rules, made, found)), checks=notes)


def extend_changes(
    lifetime: PasswordLifetime,
    line: ExtendLifetime,
    rules: PasswordRules,
    made: WantedSettings,
    found: Sequence[Effect],
) -> list[Change]:
    """What is approved."""
    changes = [
        Change(
            action=plans.CHANGE,
            label=_UNTIL,
            before=(lifetime.until.isoformat(),),
            after=(line.until,),
        ),
    ]
    if made.rules != rules:
        changes += rules_changes(rules, made.rules)
    touched = [each for each in found if each.changes]
    return [
        *changes,
        Change(action=plans.CHANGE, label=PEOPLE, after=people(touched)),
    ]


def plan_end(context: LineContext, line: EndLifetime) -> Plan:
    """The settings go before their last day."""
    asked = known(context)
    problems = checks.check_end(context, line)
    lifetime = asked.lifetime(line.name)
    if problems or lifetime is None:
        return _refused(problems)
    seen = asked.current(lifetime)
    if seen is None:
        return _unavailable(asked.error)
    found = effects.effects_of(seen.accounts, seen.survey, seen.survey.without(lifetime.object_guid))
    touched = [each for each in found if each.changes]
    changes = (
        Change(
            action=plans.REMOVE, label=_OBJECT, attribute="msDS-PasswordSettings", before=(lifetime.name,)
        ),
        Change(
            action=plans.CHANGE,
            label=_UNTIL,
            before=(lifetime.until.isoformat(),),
        ),
        Change(action=plans.CHANGE, label=PEOPLE, after=people(touched)),
    )
    notes = (_affected(found), *_gone_at_once(found, clock.now()), *_expiries(found))
    return Plan(changes=changes, checks=notes)


# --- What else they should see ---------------------------------------------------------------------------------------------
def _start_notes(made: WantedSettings, line: StartLifetime, found: Sequence[Effect]) -> Iterator[Check]:
    yield _affected(found)
    text = gettext_noop(
        "Precedence %(number)s: weaker than all settings that there are, so none of a group is pushed aside."
    )
    yield Check(code="precedence", level=plans.PASSED, text=text, values={"number": str(made.precedence)})
    yield from _conflicts(found)
    yield from _at_the_end(found, line.until)


def _affected(found: Sequence[Effect]) -> Check:
    touched = [each for each in found if each.changes]
    values = {"count": str(len(touched)), "value": check_value(e.before for e in touched)}
    rest = len(touched) - SHOWN_NAMES
    if rest > 0:
        text = gettext_noop(
            "%(count)s accounts are affected (check value %(value)s). The page names %(shown)s of them; the list of accounts names the other %(rest)s as well."
        )
        values |= {"shown": str(SHOWN_NAMES), "rest": str(rest)}
    else:
        text = gettext_noop("%(count)s accounts are affected (check value %(value)s).")
    return Check(code="affected", level=plans.PASSED, text=text, values=values)


def _conflicts(found: Sequence[Effect]) -> Iterator[Check]:
    """Whom it does not reach, and where the smaller GUID decides."""
    unchanged: dict[str, list[Effect]] = {}
    for each in found:
        if not each.changes:
            unchanged.setdefault("" if each.before.never_expires else each.wins, []).append(each)
    for name, held in sorted(unchanged.items()):
        who = {
            "count": str(len(held)),
            "names": checks.listed([e.before.login_name for e in held]),
            "other": name,
        }
        text = (
            gettext_noop("Nothing changes for %(count)s accounts, because %(other)s goes before: %(names)s")
            if name
            else gettext_noop(
                "Nothing changes for %(count)s accounts, because their passwords never expire: %(names)s"
            )
        )
        yield Check(code="unchanged", level=plans.WARNING, text=text, values=who)
    ties = sorted({each.tied for each in found if each.tied})
    for tied in ties:
        text = gettext_noop(
            "%(names)s have the same precedence. Active Directory lets the one with the smaller GUID win; operations should tell them apart."
        )
        yield Check(code="tie", level=plans.WARNING, text=text, values={"names": "、".join(tied)})


def _at_the_end(found: Sequence[Effect], until: str) -> Iterator[Check]:
    """Said at the beginning: on the last day the old lifetime counts again, for passwords that are older by then too."""
    text = gettext_noop(
        "After %(until)s the portal takes it back by itself. Passwords that are older than the usual lifetime then are expired at once; their owners are told beforehand."
    )
    if any(each.changes for each in found):
        yield Check(code="at_the_end", level=plans.PASSED, text=text, values={"until": until})


def _gone_at_once(found: Sequence[Effect], moment: datetime) -> Iterator[Check]:
    gone = effects.expired_at(found, moment)
    if gone:
        text = gettext_noop("The passwords of %(count)s accounts are expired at once: %(names)s")
        names = checks.listed([each.before.login_name for each in gone])
        yield Check(
            code="expired", level=plans.WARNING, text=text, values={"count": str(len(gone)), "names": names}
        )


def _expiries(found: Sequence[Effect]) -> Iterator[Check]:
    """When the password of each expires, before and after; the list of accounts has all of them."""
    for each in [e for e in found if e.changes][:SHOWN_EXPIRIES]:
        text = gettext_noop("%(who)s: expires %(before)s, afterwards %(after)s")
        if each.before.password_last_set is None:
            text = gettext_noop(
                "%(who)s: must be changed at the next logon, the new lifetime counts from then"
            )
        values = {
            "who": shown_name(each),
            "before": plain_moment(each.before.password_expires_at) or "–",
            "after": plain_moment(each.after.password_expires_at) or "–",
        }
        yield Check(code="expiry", level=plans.PASSED, text=text, values=values)


def _refused(problems: checks.Errors) -> Plan:
    texts = [text for found in problems.values() for text in found]
    return Plan(
        checks=tuple(
            Check(
                code="refused", level=plans.BLOCKED, text=gettext_noop("%(reason)s"), values={"reason": text}
            )
            for text in texts
        )
    )


def _unavailable(error: Exception | None) -> Plan:
    return Plan(unavailable=str(getattr(error, "code", "") or "unavailable"))
