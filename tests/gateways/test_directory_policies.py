"""Password settings as values: spans of time in AD's form, and which settings cannot be (REQ-03)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gateways import _ldap3_policies as policies
from portal.gateways import _ldap3_values as values
from portal.gateways.directory import DirectoryError
from portal.gateways.directory_policies import (
    ACCOUNTS_LIMIT,
    AccountPolicy,
    SettingsReason,
    WantedSettings,
    refusals,
)
from tests.fake_policies import DOMAIN_RULES

DAY = timedelta(days=1)
SPANS = st.none() | st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10**6))
GOOD = WantedSettings(
    name="portal-12",
    precedence=10,
    rules=replace(DOMAIN_RULES, maximum_age=180 * DAY),
    marker="op-12",
    accounts=frozenset({uuid4()}),
)


@given(SPANS)
def test_a_span_survives_the_way_to_ad_and_back(span: timedelta | None) -> None:
    stored = values.to_interval(span)

    assert -(2**63) <= stored <= 0  # AD refuses what counts upwards
    assert values.from_interval(stored) == span


@given(st.integers(min_value=-(2**63), max_value=0))
def test_every_span_that_ad_may_hold_is_read_to_the_microsecond(ticks: int) -> None:
    span = values.from_interval(ticks)

    assert (span is None) == (ticks == -(2**63))
    assert 0 <= values.to_interval(span) - ticks < 10


def test_spans_in_ads_own_numbers() -> None:
    assert values.to_interval(90 * DAY) == -77760000000000
    assert values.to_interval(timedelta(minutes=30)) == -18000000000
    assert values.to_interval(None) == -9223372036854775808
    for wrong in (lambda: values.to_interval(-DAY), lambda: values.from_interval(1)):
        with pytest.raises(ValueError, match="no span"):
            wrong()


def rules(**other: Any) -> dict[str, Any]:
    return {"rules": replace(GOOD.rules, **other)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": ""}, SettingsReason.NAME),
        ({"name": "a,b"}, SettingsReason.NAME),
        ({"name": "a" * 65}, SettingsReason.NAME),
        ({"name": " a"}, SettingsReason.NAME),
        ({"precedence": 0}, SettingsReason.PRECEDENCE),
        ({"precedence": 2**31}, SettingsReason.PRECEDENCE),
        ({"marker": ""}, SettingsReason.MARKER),
        ({"description": "x" * 1025}, SettingsReason.DESCRIPTION),
        ({"accounts": frozenset()}, SettingsReason.NO_TARGET),
        ({"group_dn": "CN=g"}, SettingsReason.TWO_TARGETS),
        (
            {"accounts": frozenset(map(UUID, map("{:032x}".format, range(ACCOUNTS_LIMIT + 1))))},
            SettingsReason.TOO_MANY_ACCOUNTS,
        ),
        (rules(maximum_age=None), SettingsReason.ENDLESS),
        (rules(minimum_age=180 * DAY), SettingsReason.AGES),
        (rules(lockout_window=timedelta(hours=1)), SettingsReason.WINDOW),
        (rules(reversible_encryption=True), SettingsReason.REVERSIBLE),
        (rules(minimum_length=256), SettingsReason.NUMBERS),
        (rules(history_length=1025), SettingsReason.NUMBERS),
        (rules(lockout_threshold=65536), SettingsReason.NUMBERS),
        (rules(lockout_window=-DAY), SettingsReason.NUMBERS),
    ],
)
def test_req_03_each_reason_for_refusing_settings(change: dict[str, Any], reason: SettingsReason) -> None:
    assert refusals(replace(GOOD, **change)) == [reason]


def test_req_03_good_settings_and_those_up_to_the_limits_are_not_refused() -> None:
    endless_lock = replace(GOOD.rules, lockout_duration=None, minimum_age=timedelta(), lockout_threshold=0)
    largest = replace(GOOD.rules, minimum_length=255, history_length=1024, lockout_threshold=65535)

    for settings in (endless_lock, largest):
        assert refusals(replace(GOOD, rules=settings, name="あ" * 64, precedence=2**31 - 1)) == []


@pytest.mark.parametrize(
    "change", [{"never_expires": True}, {"password_last_set": None}], ids=["flag", "must change"]
)
def test_req_03_an_account_without_an_expiry_has_none_under_any_policy(change: dict[str, Any]) -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    account = AccountPolicy(
        guid=uuid4(),
        dn="",
        login_name="",
        display_name="",
        enabled=True,
        password_last_set=moment,
        never_expires=False,
        groups=frozenset(),
        primary_group_id=513,
        settings_dn="",
        password_expires_at=None,
    )

    assert GOOD.rules.expiry(account) == moment + 180 * DAY
    assert GOOD.rules.expiry(replace(account, **change)) is None
    assert replace(GOOD.rules, maximum_age=None).expiry(account) is None


@pytest.mark.parametrize(
    "lacking",
    [{"maxPwdAge": None}, {"minPwdAge": b"5"}, {"minPwdAge": b"-9223372036854775808"}],
    ids=["not readable", "upwards", "never"],
)
def test_req_03_a_policy_that_cannot_be_judged_is_an_error(lacking: dict[str, bytes | None]) -> None:
    raw = {name.lower(): [b"0"] for name in policies._DOMAIN_NAMES.values()}
    assert policies._domain_rules(raw).maximum_age is None  # 0 says "never" as well

    for name, value in lacking.items():
        raw.pop(name.lower())
        raw |= {name.lower(): [value]} if value is not None else {}

    with pytest.raises(DirectoryError) as refused:
        policies._domain_rules(raw)
    assert refused.value.code == "policy_unreadable"
