"""The password rules of the network (ACC-07) and initial passwords that follow them (ACC-08).

AD is no judge of these rules: it takes kana as a category and looks for the whole login name only. The portal
checks before it sends; what a person changes with Ctrl+Alt+Del is judged by AD alone.
"""

from __future__ import annotations

import enum
import secrets
import string
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MIN_LENGTH = 8
MAX_LENGTH = 127
MIN_CATEGORIES = 3
MIN_AGE = timedelta(days=1)

_SYMBOLS = frozenset(string.punctuation + " ")

# Characters that nobody mistakes for one another in print, nor finds elsewhere on another keyboard.
_UPPER, _LOWER, _DIGITS = "ACDEFGHJKLMNPQRTUVWXY", "adefhjnrt", "3479"
_GLYPHS = _UPPER + _LOWER + _DIGITS
_GROUPS, _GROUP_LENGTH = 3, 4


class Rule(enum.StrEnum):
    """One rule of ACC-07 that a password meets or not."""

    LENGTH = "length"
    CATEGORIES = "categories"
    LOGIN_NAME = "login_name"
    CHARACTERS = "characters"


RULE_TEXTS: Mapping[Rule, Promise] = {
    Rule.LENGTH: _("At least 8 characters"),
    Rule.CATEGORIES: _(
        "At least 3 of these 4: upper-case letters, lower-case letters, digits, symbols such as - . ! #"
    ),
    Rule.LOGIN_NAME: _("No 3 or more consecutive characters of the login name"),
    Rule.CHARACTERS: _("No line breaks, tabs or other invisible characters, and at most 127 characters"),
}


@dataclass(frozen=True)
class RuleResult:
    """Whether a password meets one rule."""

    rule: Rule
    met: bool

    @property
    def text(self) -> Promise:
        return RULE_TEXTS[self.rule]


def check_password(password: str, login_name: str) -> list[RuleResult]:
    """Every rule with whether the password meets it, always all of them, so that a screen can list them (ACC-07)."""
    checks: Mapping[Rule, Callable[[], bool]] = {
        Rule.LENGTH: lambda: min(len(password), len(_folded(password))) >= MIN_LENGTH,
        Rule.CATEGORIES: lambda: _count_categories(password) >= MIN_CATEGORIES,
        Rule.LOGIN_NAME: lambda: not _holds_login_name(password, login_name),
        Rule.CHARACTERS: lambda: len(password) <= MAX_LENGTH and not _has_invisible(password),
    }
    return [RuleResult(rule, check()) for rule, check in checks.items()]


def is_acceptable(password: str, login_name: str) -> bool:
    """Whether the password meets all rules that can be judged without the directory."""
    return all(result.met for result in check_password(password, login_name))


def earliest_change(last_set: datetime | None) -> datetime | None:
    """From when a person may change a password set at `last_set` (ACC-07).

    None: at once, because it is an initial one that must be changed.
    """
    return last_set + MIN_AGE if last_set is not None else None


def generate_initial_password(*, login_name: str, avoid: Iterable[str] = (), draw: int = 1) -> str:
    """A random password of the form XXXX-XXXX-XXXX with about 60 bits (ACC-08).

    Each further `draw`, after AD refused one, is a group longer: a policy may have been tightened to more characters.
    It holds no three characters in a row of the login name or of any text in `avoid` (romanised name, federation
    code, mail address), not across the hyphens either. Never store, log or show what this returns (ACC-10).
    """
    unwanted = {run for text in (login_name, *avoid) for run in _runs(_folded(text), 3)}
    while True:
        count = _GROUPS + draw - 1
        groups = ["".join(secrets.choice(_GLYPHS) for _ in range(_GROUP_LENGTH)) for _ in range(count)]
        password = "-".join(groups)
        if _is_good_draw(password, unwanted) and is_acceptable(password, login_name):
            return password


def _is_good_draw(password: str, unwanted: set[str]) -> bool:
    joined = password.replace("-", "")
    has_all = all(set(joined) & set(kind) for kind in (_UPPER, _LOWER, _DIGITS))
    runs = {*_runs(joined.casefold(), 3), *_runs(password.casefold(), 3)}
    return has_all and not runs & unwanted and not any(_is_sequence(run) for run in runs)


def _is_sequence(run: str) -> bool:
    """Three equal, ascending or descending characters."""
    steps = {ord(after) - ord(before) for before, after in pairwise(run)}
    return len(steps) == 1 and steps <= {-1, 0, 1}


def _count_categories(password: str) -> int:
    """Of the four categories. Kana, kanji and full-width characters count for none of them."""
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SYMBOLS)
    return sum(bool(set(password) & set(kind)) for kind in kinds)


def _holds_login_name(password: str, login_name: str) -> bool:
    """By the setting PASSWORD_NAME_RUN_LENGTH: any run of that length; 0 looks for the whole name only."""
    folded, name = _folded(password), _folded(login_name)
    length = settings.PASSWORD_NAME_RUN_LENGTH or len(name)
    return any(run in folded for run in _runs(name, length))


def _runs(text: str, length: int) -> Iterator[str]:
    if length > 0:
        for start in range(len(text) - length + 1):
            yield text[start : start + length]


def _folded(text: str) -> str:
    """Case and width do not tell characters apart here."""
    return unicodedata.normalize("NFKC", text).casefold()


def _has_invisible(password: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in password)
