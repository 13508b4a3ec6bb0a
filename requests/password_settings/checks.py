"""What must be true before a lifetime is lengthened, moved or ended (REQ-03). Form, REST and plan all ask here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _

from portal.gateways.directory_policies import ACCOUNTS_LIMIT, SettingsReason
from portal.workflow.kinds import LineContext
from requests.password_settings import effects, wanted
from requests.password_settings.known import Known, base_rules, known, setting
from requests.password_settings.lookups import Seen
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import EndLifetime, ExtendLifetime, StartLifetime

Errors = Mapping[str, Sequence[str]]
_NAMED = 10


def reservation_of(full_name: str) -> str:
    """What two open tickets must not both hold: one settings object."""
    return f"pso:{full_name.lower()}"


def until_problem(until: date, today: date) -> str:
    """Why a day cannot be the last one; "" when it can."""
    if until < today:
        return _("This day has passed. Enter today or a later day.")
    last = today + timedelta(days=setting("longest_period_days"))
    if until > last:
        return _(
            "A longer lifetime is given until %(last)s at most. Enter an earlier day; it can be extended later."
        ) % {"last": f"{last.year}/{last.month}/{last.day}"}
    return ""


def _before_effect(context: LineContext, until: date) -> str:
    """The settings would be over before they begin."""
    begins = context.application.desired_on if context.application else None
    if begins is None or begins <= until:
        return ""
    return _("The last day lies before the effective date of the application. Enter a later day.")


def lifetime_problem(days: int) -> str:
    """Why so many days cannot be a lifetime, as far as the setting says; "" when they can."""
    longest = setting("longest_days")
    if days > longest:
        return _("A password lives %(days)d days at most. Enter fewer days.") % {"days": longest}
    return ""


# --- New settings ---------------------------------------------------------------------------------------------------------
def check_start(context: LineContext, line: StartLifetime) -> Errors:
    """Everything that forbids this ticket, by field. Says nothing while Active Directory cannot be asked (ACC-12)."""
    asked = known(context)
    found = {
        "until": until_problem(line.last_day, context.today) or _before_effect(context, line.last_day),
        "lifetime_days": lifetime_problem(line.lifetime_days),
    }
    seen = asked.start(line)
    if seen is not None:
        found["name"] = _name_problem(asked, line, seen)
        found["group" if line.group else "login_names"] = (
            _group_problem(asked, line, seen) if line.group else _accounts_problem(asked, line, seen)
        )
        if not any(found.values()):
            found |= _rules_problem(line, seen)
    return {field: [text] for field, text in found.items() if text}


def _name_problem(asked: Known, line: StartLifetime, seen: Seen) -> str:
    full = line.full_name
    if asked.lifetime(full) is not None:  # also when somebody removed the object in Active Directory
        return _("Settings named %(name)s are in force already. Choose another name.") % {"name": full}
    if any(each.name.lower() == full.lower() for each in seen.survey.settings):
        return _("Active Directory has settings named %(name)s already. Choose another name.") % {
            "name": full
        }
    return ""


def _group_problem(asked: Known, line: StartLifetime, seen: Seen) -> str:
    if seen.group_problem:
        return seen.group_problem
    if asked.open_elsewhere((), line.group):
        return _("Another ticket that is not finished yet names this group.")
    if seen.strangers:
        return _(
            "The group also holds %(count)d accounts that are not of your organisation. Enter a group of your own people only."
        ) % {"count": seen.strangers}
    if not seen.accounts:
        return _("The group holds no accounts.")
    return ""


def _accounts_problem(asked: Known, line: StartLifetime, seen: Seen) -> str:
    if len(line.login_names) > ACCOUNTS_LIMIT:
        return too_many_accounts()
    if seen.missing:
        return _("There are no such accounts in your organisation: %(names)s") % {
            "names": listed(seen.missing)
        }
    if seen.protected:
        return _(
            "These accounts belong to protected groups of administrators. The portal does not touch them: %(names)s"
        ) % {"names": listed(seen.protected)}
    if taken := asked.open_elsewhere(line.login_names):
        return _("Another ticket that is not finished yet names these accounts: %(names)s") % {
            "names": listed(taken)
        }
    if endless := [a.login_name for a in seen.accounts if a.never_expires]:
        return _("The passwords of these accounts never expire. Remove them from the list: %(names)s") % {
            "names": listed(endless)
        }
    direct = {t.guid: each.name for each in seen.survey.settings for t in each.targets if not t.is_group}
    if held := [f"{a.login_name} ({direct[a.guid]})" for a in seen.accounts if a.guid in direct]:
        return _(
            "Other settings name these accounts already and would go before. Extend or end those first: %(names)s"
        ) % {"names": listed(held)}
    if base_rules(seen, for_group=False) is None:
        return _(
            "These accounts are not all under the same policy, so one object would take something from some of them. Apply for them separately: %(names)s"
        ) % {"names": listed(_policies(seen))}
    return ""


def too_many_accounts() -> str:
    """More than one object can name."""
    return _("At most %(count)d accounts can be named. For more, have a group made.") % {
        "count": ACCOUNTS_LIMIT
    }


def _policies(seen: Seen) -> list[str]:
    found = []
    for account in seen.accounts:
        applies = seen.survey.resulting(account)
        found.append(f"{account.login_name} ({applies.name if applies else _('policy of the domain')})")
    return found


def _rules_problem(line: StartLifetime, seen: Seen) -> dict[str, str]:
    base = base_rules(seen, for_group=bool(line.group))
    if base is None:
        return {}
    if base.maximum_age is None or line.lifetime_days <= base.maximum_age.days:
        return {"lifetime_days": not_longer(base.maximum_age)}
    made = wanted.new_settings(line, seen)
    if reasons := wanted.impossible(made):
        return _told(reasons)
    later = effects.with_settings(seen.survey, made, seen.reach)
    if not any(effects.effect_of(each, seen.survey, later).changes for each in seen.accounts):
        return {
            "group" if line.group else "login_names": _(
                "Nothing would change for anybody: other settings go before, or the passwords never expire."
            )
        }
    return {}


def not_longer(age: timedelta | None) -> str:
    """The lifetime is not longer than what applies now."""
    if age is None:
        return _("Passwords never expire under the policy that applies now. There is nothing to lengthen.")
    return _("The lifetime is %(days)d days now. Enter more days than that.") % {"days": age.days}


def _told(reasons: Sequence[SettingsReason]) -> dict[str, str]:
    """What Active Directory would take and should not, at the field that can put it right."""
    fields = {SettingsReason.NAME: "name", SettingsReason.AGES: "lifetime_days"}
    return {fields.get(reason, ""): reason_text(reason) for reason in reversed(reasons)}


def reason_text(code: str) -> str:
    """Why the port refuses settings, in words."""
    texts = {
        SettingsReason.NAME: _("This name cannot be used in Active Directory. Choose another one."),
        SettingsReason.AGES: _(
            "The policy that applies now forbids changing a password for longer than this lifetime. Nobody could change it before it expires."
        ),
        SettingsReason.ENDLESS: _("Passwords that never expire are not given by the portal."),
        SettingsReason.REVERSIBLE: _(
            "The policy that applies now keeps passwords in a form that can be read. The portal does not copy that. Ask network operations."
        ),
        SettingsReason.WINDOW: _(
            "The policy that applies now counts wrong attempts for longer than it locks. Ask network operations."
        ),
        SettingsReason.NUMBERS: _(
            "The policy that applies now has numbers that settings cannot hold. Ask network operations."
        ),
        SettingsReason.NO_TARGET: _("Nobody is left for whom the settings are."),
        SettingsReason.TARGET_SCOPE: _("The group is not global any more."),
        SettingsReason.TARGET_NO_SECURITY: _("The group is a mailing list now."),
        SettingsReason.TARGET_KIND: _("Settings count for accounts and global groups only."),
        SettingsReason.TARGET_OUTSIDE: _(
            "An account or the group lies outside the unit that the portal looks after."
        ),
    }
    known_reason = next((reason for reason in texts if reason == code), None)
    return texts[known_reason] if known_reason else _("Active Directory cannot hold these settings.")


# --- Settings in force ------------------------------------------------------------------------------------------------------
def check_extend(context: LineContext, line: ExtendLifetime) -> Errors:
    """A later last day, or a longer lifetime, of settings in force."""
    lifetime = known(context).lifetime(line.name)
    if lifetime is None:
        return {"name": [no_settings()]}
    if lifetime.is_overdue:
        return {"name": [_("The last day of these settings is over. Apply for new ones.")]}
    if strangers := _strangers(context, lifetime):
        return {"name": [strangers_word(strangers)]}
    found = {
        "until": until_problem(line.last_day, context.today),
        "lifetime_days": lifetime_problem(line.lifetime_days),
    }
    is_longer = line.lifetime_days > lifetime.lifetime_days
    if line.lifetime_days and line.lifetime_days < lifetime.lifetime_days:
        found["lifetime_days"] = not_longer(timedelta(days=lifetime.lifetime_days))
    if line.last_day < lifetime.until:
        found["until"] = _("The last day is %(day)s now. Enter a later day, or apply for the early end.") % {
            "day": lifetime.until.isoformat()
        }
    elif line.last_day == lifetime.until and not is_longer:
        found["until"] = _("This is the last day already. Enter a later day.")
    return {field: [text] for field, text in found.items() if text} or _gone(context, line.name)


def _strangers(context: LineContext, lifetime: PasswordLifetime) -> int:
    """How many accounts of others the settings reach now; 0 while Active Directory cannot be asked."""
    seen = known(context).current(lifetime)
    return seen.strangers if seen is not None else 0


def strangers_word(count: int) -> str:
    """Says how many and never who (ORG-02)."""
    return _(
        "These settings also reach %(count)d accounts that are not of your organisation any more, so they are not extended. Let them end, and apply for new ones for your own people."
    ) % {"count": count}


def check_end(context: LineContext, line: EndLifetime) -> Errors:
    """Settings in force; that they are gone from Active Directory meanwhile is no reason against ending them."""
    return {} if known(context).lifetime(line.name) else {"name": [no_settings()]}


def _gone(context: LineContext, name: str) -> Errors:
    asked = known(context)
    lifetime = asked.lifetime(name)
    if lifetime is None:
        return {}
    seen = asked.current(lifetime)
    if seen is None or any(each.guid == lifetime.object_guid for each in seen.survey.settings):
        return {}
    return {"name": [_("Active Directory does not have these settings any more. Ask network operations.")]}


def no_settings() -> str:
    """Says nothing about those of other organisations (ORG-02)."""
    return _("No settings of your organisation with this name are in force.")


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    rest = len(names) - _NAMED
    shown = "、".join(names[:_NAMED])
    return _("%(names)s and %(count)d more") % {"names": shown, "count": rest} if rest > 0 else shown
