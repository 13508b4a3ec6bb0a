"""ACC-07 (password rules) and ACC-08 (initial passwords)."""

from __future__ import annotations

import itertools
import re
import string
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.passwords import (
    Rule,
    check_password,
    earliest_change,
    generate_initial_password,
    is_acceptable,
)

UPPER, LOWER, DIGITS, SYMBOLS = (
    string.ascii_uppercase,
    string.ascii_lowercase,
    string.digits,
    string.punctuation + " ",
)
# How fast a machine draws examples is no rule of the domain.
whenever_it_is_ready = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LOGIN_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}", fullmatch=True)


def broken_rules(password: str, login_name: str = "tk13hanako") -> set[Rule]:
    return {result.rule for result in check_password(password, login_name) if not result.met}


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Xy34-abz", set()),
        ("Xy34-ab", {Rule.LENGTH}),
        ("ﬁXy34-a", {Rule.LENGTH}),  # NFKC could only make it longer: seven characters stay seven
        ("xywzqvut", {Rule.CATEGORIES}),
        ("xywzqv12", {Rule.CATEGORIES}),
        ("Xywzqv12", set()),
        ("xywzqv1!", set()),
        ("XYWZQV1!", set()),
        ("パスワード12ab", {Rule.CATEGORIES}),  # AD takes kana for a category, the rule does not
        ("ＡＢｃｄ１２！！", {Rule.CATEGORIES}),  # full-width characters count for nothing
        ("Zz9-Hanx", {Rule.LOGIN_NAME}),
        ("Zz9-ＨＡＮx", {Rule.LOGIN_NAME}),
        ("Zz9-Hxan", set()),
        ("tk1", {Rule.LENGTH, Rule.CATEGORIES, Rule.LOGIN_NAME}),
        ("Xy34-ab\tz", {Rule.CHARACTERS}),
        ("Xy34-ab\u200bz", {Rule.CHARACTERS}),
        ("Xy3-" * 32, {Rule.CHARACTERS}),
        ("", {Rule.LENGTH, Rule.CATEGORIES}),
    ],
)
def test_each_rule_is_judged_by_itself(password: str, broken: set[Rule]) -> None:
    assert broken_rules(password) == broken


def test_every_rule_is_listed_whatever_the_password() -> None:
    assert [result.rule for result in check_password("", "")] == list(Rule)
    assert all(str(result.text) for result in check_password("", ""))


def test_a_login_name_of_two_characters_forbids_nothing() -> None:
    assert is_acceptable("Xy34-abz", "xy")


def test_the_setting_can_forbid_the_whole_login_name_only(settings) -> None:
    settings.PASSWORD_NAME_RUN_LENGTH = 0

    assert broken_rules("Zz9-Hanx") == set()
    assert broken_rules("Zz9-TK13Hanako") == {Rule.LOGIN_NAME}


@whenever_it_is_ready
@given(login_name=LOGIN_NAMES, prefix=st.text(max_size=8), suffix=st.text(max_size=8), data=st.data())
def test_any_run_of_three_of_the_login_name_is_found(login_name, prefix, suffix, data) -> None:
    if len(login_name) < 3:
        return
    start = data.draw(st.integers(0, len(login_name) - 3))
    run = data.draw(st.sampled_from([str.upper, str.lower]))(login_name[start : start + 3])

    # Hyphens keep the neighbours from combining with the run under normalisation.
    assert Rule.LOGIN_NAME in broken_rules(f"{prefix}-{run}-{suffix}", login_name)


@whenever_it_is_ready
@given(
    login_name=LOGIN_NAMES,
    avoid=st.lists(st.text(alphabet="acdefhjnrtACDEFGH3479@.", max_size=20), max_size=4),
)
def test_initial_passwords_meet_every_rule_and_hold_nothing_of_the_person(login_name, avoid) -> None:
    password = generate_initial_password(login_name=login_name, avoid=avoid)

    assert is_acceptable(password, login_name)
    assert re.fullmatch(r"[A-Za-z3479]{4}(-[A-Za-z3479]{4}){2}", password)
    assert not set(password) & set("01258BIOSZbcgiklmopqsuvwxyz")
    spellings = password.casefold(), password.replace("-", "").casefold()
    runs = {text.casefold()[i : i + 3] for text in [login_name, *avoid] for i in range(len(text) - 2)}
    assert not any(run in spelling for run in runs for spelling in spellings)


def test_initial_passwords_hold_no_three_characters_of_what_is_to_be_avoided() -> None:
    # So many texts to avoid that almost every careless draw would hold a piece of one.
    glyphs, first = "acdefghjklmnpqrtuvwxy3479", "acdefg"
    avoid = ["".join(run) for run in itertools.product(first, glyphs, glyphs)]

    for _ in range(30):
        password = generate_initial_password(login_name="tk13hanako", avoid=avoid)

        assert not set(password.replace("-", "").casefold()[:-2]) & set(first)


def test_initial_passwords_have_all_four_categories_and_no_sequences() -> None:
    drawn = {generate_initial_password(login_name="tk13hanako") for _ in range(2000)}

    assert len(drawn) == 2000
    for password in drawn:
        joined = password.replace("-", "").casefold()
        assert re.search("[A-Z]", password)
        assert re.search("[a-z]", password)
        assert re.search("[0-9]", password)
        assert not re.search(r"(.)\1\1", joined)
        assert not re.search(
            "cde|def|efg|fgh|klm|lmn|uvw|vwx|wxy|edc|fed|gfe|hgf|mlk|nml|wvu|xwv|yxw", joined
        )


def test_a_password_may_be_changed_a_day_after_the_last_change() -> None:
    set_at = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

    assert earliest_change(set_at) == set_at + timedelta(days=1)


def test_an_initial_password_may_be_changed_at_once() -> None:
    assert earliest_change(None) is None


@whenever_it_is_ready
@given(password=st.text(max_size=20), login_name=LOGIN_NAMES)
def test_the_validator_agrees_with_a_second_reading_of_the_rule(password: str, login_name: str) -> None:
    """ACC-07 written down once more, as plainly as it goes."""
    folded, name = (unicodedata.normalize("NFKC", text).casefold() for text in (password, login_name))
    kinds = [any(c in group for c in password) for group in (UPPER, LOWER, DIGITS, SYMBOLS)]
    holds_name = any(name[i : i + 3] in folded for i in range(len(name) - 2))
    invisible = any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in password)

    broken = broken_rules(password, login_name)

    assert (Rule.LENGTH in broken) == (len(password) < 8 or len(folded) < 8)
    assert (Rule.CATEGORIES in broken) == (sum(kinds) < 3)
    assert (Rule.LOGIN_NAME in broken) == holds_name
    assert (Rule.CHARACTERS in broken) == invisible


def test_initial_passwords_for_every_three_characters_of_a_name_break_no_rule() -> None:
    """Each for another person; counted without the validator, so that both would have to be wrong (ACC-07, ACC-08)."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    broken = 0
    for number, three in enumerate(itertools.product(letters, repeat=3)):
        name = f"tk{number % 47 + 1:02d}{''.join(three)}"
        romaji = f"{letters[number % 26]}atohana"
        password = generate_initial_password(login_name=name, avoid=[romaji])
        folded, joined = password.lower(), password.lower().replace("-", "")
        runs = {text[i : i + 3] for text in (name, romaji) for i in range(len(text) - 2)}
        kinds = (UPPER, LOWER, DIGITS, "-")
        broken += (
            len(password) < 8
            or not all(any(c in kind for c in password) for kind in kinds)
            or any(run in folded or run in joined for run in runs)
        )

    assert broken == 0
