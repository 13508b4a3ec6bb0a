"""What a ticket about password settings refuses at entry, and what its plan shows (REQ-03)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.gateways.directory_policies import WantedSettings
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Plan
from requests.password_settings import lookups, planning
from requests.password_settings.payloads import END, EXTEND, START
from tests import factories
from tests.fake_policies import DOMAIN_RULES
from tests.fakes import FakeDirectory
from tests.journeys import Cast
from tests.requests import pso_world as world
from tests.requests.pso_world import account, group, line

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def checked(values: dict[str, Any], kind: str = START, code: str = "13") -> tuple[Any, dict[str, str]]:
    """The plan, and the first text at each field."""
    context = LineContext(
        organisation=factories.organisation(code), actor=None, application=None, today=timezone.localdate()
    )
    found, errors = check_lines(kinds.get(kind), context, [values])
    return found[0].plan if found[0] else None, {
        path.removeprefix("lines.0").strip("."): texts[0] for path, texts in errors.items()
    }


def by_hand(directory: FakeDirectory, name: str, *, days: int = 120, **values: Any) -> Any:
    """Settings that an administrator made."""
    rules = replace(DOMAIN_RULES, maximum_age=days * DAY)
    wanted = WantedSettings(**({"name": name, "precedence": 10, "rules": rules, "marker": ""} | values))
    return directory.put_settings(wanted)


@pytest.fixture
def people(directory: FakeDirectory) -> FakeDirectory:
    """Two people of 13 in a group, one of 14, one protected, one whose password never expires."""
    first, second = account(directory, "tk13-ito"), account(directory, "tk13-abe")
    other = account(directory, "tk14-ueda", code="14")
    account(directory, "tk13-kanri", privileged=True)
    group(directory, "g13-shinsa", first, second)
    group(directory, "g13-mixed", first, other)
    group(directory, "g13-empty")
    group(directory, "g13-local", first, is_global=False)
    group(directory, "g13-mail", first, is_security=False)
    group(directory, "g13-admins", first, privileged=True)
    group(directory, "g14-shinsa", other, code="14")
    directory.containers.append("OU=Kenshu,OU=Users,OU=13,OU=Federations,DC=kokuho,DC=pr")
    by_hand(directory, "PSO-13-taken", precedence=900)
    return directory


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"login_names": [], "group": "g13-local"}, "group", "グローバルグループではありません"),
        ({"login_names": [], "group": "g13-mail"}, "group", "メーリングリスト"),
        ({"login_names": [], "group": "Kenshu"}, "group", "組織単位"),
        ({"login_names": [], "group": "OU=13"}, "group", "組織単位"),
        ({"login_names": [], "group": "g13-admins"}, "group", "保護"),
        ({"login_names": [], "group": "g13-empty"}, "group", "アカウントがありません"),
        ({"login_names": [], "group": "g13-mixed"}, "group", "1件"),
        ({"login_names": [], "group": "g14-shinsa"}, "group", "グループはありません"),
        ({"group": "g13-shinsa"}, "group", "どちらか"),
        ({"login_names": []}, "login_names", "ログイン名"),
        ({"login_names": ["tk14-ueda"]}, "login_names", "ありません：tk14-ueda"),
        ({"login_names": ["tk13-nobody"]}, "login_names", "ありません：tk13-nobody"),
        ({"login_names": ["tk13-kanri"]}, "login_names", "保護"),
        ({"login_names": ["伊藤"]}, "login_names", "伊藤"),
        ({"name": "taken"}, "name", "PSO-13-taken"),
        ({"name": "審査"}, "name", "半角"),
        ({"name": "a_b"}, "name", "ハイフン"),
        ({"lifetime_days": 90}, "lifetime_days", "90日"),
        ({"lifetime_days": 366}, "lifetime_days", "365日"),
        ({"until": "2020-01-01"}, "until", "過ぎています"),
        ({"until": (timezone.localdate() + 400 * DAY).isoformat()}, "until", "まで"),
        ({"until": "2026/2/30"}, "until", "日付"),
    ],
)
def test_req_03_every_mistake_is_told_at_its_field(
    people: FakeDirectory, values: dict[str, Any], field: str, words: str
) -> None:
    _plan, errors = checked(line("tk13-ito") | values)

    assert set(errors) == {field}
    assert words in errors[field]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (5, "一覧"),
        (True, "一覧"),
        (["x" * 300], "長すぎます"),
        ([f"tk13-{number}" for number in range(1001)], "1000件まで"),
    ],
)
def test_req_03_names_that_are_no_list_too_long_or_too_many_ask_nobody(
    people: FakeDirectory, names: Any, words: str
) -> None:
    people.calls.clear()

    _plan, errors = checked(line() | {"login_names": names})

    assert words in errors["login_names"]
    assert "find_by_login_names" not in people.calls


def test_req_03_what_applies_already_and_does_not_fit_is_refused(people: FakeDirectory) -> None:
    ito, abe = (people.find_by_login_name(name) for name in ("tk13-ito", "tk13-abe"))
    assert ito is not None
    assert abe is not None
    by_hand(people, "strict", accounts=frozenset({abe.guid}))

    _plan, named = checked(line("tk13-abe"))
    people.settings.clear()
    by_hand(people, "strict-group", group_dn=next(dn for dn in people.groups if "g13-shinsa" in dn))
    _plan, nobody = checked(line(group="g13-shinsa"))
    alone = account(people, "tk13-alone")
    _plan, mixed = checked(line("tk13-ito", alone.login_name))

    assert "strict" in named["login_names"]
    assert "誰にも" in nobody["group"]
    assert "tk13-ito (strict-group)" in mixed["login_names"]


def test_req_03_a_minimum_age_above_the_maximum_is_refused(people: FakeDirectory) -> None:
    people.domain_rules = replace(DOMAIN_RULES, minimum_age=200 * DAY)

    _plan, errors = checked(line("tk13-ito"))
    people.domain_rules = replace(DOMAIN_RULES, maximum_age=None)
    _plan, endless = checked(line("tk13-ito"))

    assert "変更できません" in errors["lifetime_days"]
    assert "無期限" in endless["lifetime_days"]


def test_req_03_two_open_tickets_never_name_one_account_group_or_object(people: FakeDirectory) -> None:
    cast = Cast()
    world.submitted(cast, line("tk13-ito"))
    world.submitted(cast, line(group="g13-shinsa", name="other"))

    _plan, same_account = checked(line("TK13-ITO", name="third"))
    _plan, same_group = checked(line(group="G13-Shinsa", name="third"))
    with pytest.raises(InvalidApplication) as same_name:
        world.submitted(cast, line("tk13-abe"))

    assert "tk13-ito" in same_account["login_names"].lower()
    assert "グループ" in same_group["group"]
    assert list(same_name.value.errors) == ["lines.0.name"]
    # Another federation may use the same word, and nothing tells it of this one.
    plan, free = checked(line("tk14-ueda"), code="14")
    assert not free
    assert plan.changes[0].after == ("PSO-14-shinsa",)


def test_req_03_the_last_day_lies_not_before_the_effective_date(people: FakeDirectory) -> None:
    cast = Cast()

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, line("tk13-ito"), desired_on=world.day(world.UNTIL + 1))

    assert list(refused.value.errors) == ["lines.0.until"]
    assert world.submitted(cast, line("tk13-ito"), desired_on=world.day()).status == "IN_REVIEW"


def test_req_03_the_plan_names_the_people_the_policy_and_each_expiry(people: FakeDirectory) -> None:
    plan, errors = checked(line(group="g13-shinsa"))

    assert not errors
    changes = {change.attribute or change.label: (change.before, change.after) for change in plan.changes}
    assert changes["msDS-MaximumPasswordAge"] == (("90",), ("180",))
    assert changes["All other rules, as until now"][1][0] == "minPwdLength=8"
    names = changes[planning.PEOPLE][1]
    assert names[:2] == ("表示 tk13-abe (tk13-abe)", "表示 tk13-ito (tk13-ito)")
    expiry = [check for check in plan.checks if check.code == "expiry"]
    set_at = people.find_by_login_name("tk13-abe").password_last_set  # type: ignore[union-attr]
    assert set_at is not None
    local = (set_at + 90 * DAY, set_at + 180 * DAY)
    assert [expiry[0].values["before"], expiry[0].values["after"]] == [
        timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") for moment in local
    ]
    assert next(c for c in plan.checks if c.code == "precedence").values == {"number": "1000"}


def test_req_03_the_plan_says_whom_it_does_not_reach_and_where_a_tie_decides(people: FakeDirectory) -> None:
    first, second = (people.find_by_login_name(name) for name in ("tk13-ito", "tk13-abe"))
    assert first is not None
    assert second is not None
    for name in ("tie-a", "tie-b"):
        by_hand(people, name, precedence=7, accounts=frozenset({first.guid}))

    plan, errors = checked(line(group="g13-shinsa"))

    assert not errors
    unchanged = next(check for check in plan.checks if check.code == "unchanged")
    assert (unchanged.level, unchanged.values["names"]) == ("warning", "tk13-ito")
    assert unchanged.values["other"] in ("tie-a", "tie-b")
    tie = next(check for check in plan.checks if check.code == "tie")
    assert set(tie.values["names"].split("、")) == {"tie-a", "tie-b"}
    people_row = next(change for change in plan.changes if change.label == planning.PEOPLE)
    assert people_row.after[0] == "表示 tk13-abe (tk13-abe)"
    assert len(people_row.after) == 2


def test_req_03_many_are_told_by_number_and_check_value(people: FakeDirectory) -> None:
    crowd = [account(people, f"tk13-n{number:03}") for number in range(45)]
    group(people, "g13-crowd", *crowd)

    plan, _errors = checked(line(group="g13-crowd"))

    row = next(change for change in plan.changes if change.label == planning.PEOPLE)
    affected = next(check for check in plan.checks if check.code == "affected")
    assert row.after[20:] == ("+25", f"#{affected.values['value']}")
    assert affected.values["rest"] == "25"
    assert sum(check.code == "expiry" for check in plan.checks) == 10


def test_req_03_a_longer_lifetime_asks_for_a_longer_password(people: FakeDirectory, settings: Any) -> None:
    settings.PASSWORD_SETTINGS = {**settings.PASSWORD_SETTINGS, "least_length": 12}

    plan, _errors = checked(line("tk13-ito"))

    changes = {change.attribute or change.label: (change.before, change.after) for change in plan.changes}
    assert changes["msDS-MinimumPasswordLength"] == (("8",), ("12",))


def test_req_03_named_accounts_keep_the_rules_that_they_had(people: FakeDirectory) -> None:
    strict = replace(DOMAIN_RULES, minimum_length=14, maximum_age=60 * DAY)
    by_hand(people, "strict", group_dn=next(dn for dn in people.groups if "g13-shinsa" in dn), rules=strict)

    plan, errors = checked(line("tk13-ito", days=80))

    assert not errors
    changes = {change.attribute or change.label: (change.before, change.after) for change in plan.changes}
    assert changes["msDS-MaximumPasswordAge"] == (("60",), ("80",))
    assert changes["All other rules, as until now"][1][0] == "minPwdLength=14"


def test_acc_12_a_silent_directory_is_no_mistake_of_the_applicant(people: FakeDirectory) -> None:
    people.faults["policy_survey"] = [DirectoryUnavailable] * 3

    plan, errors = checked(line("tk13-ito"))

    assert not errors
    assert isinstance(plan, Plan)
    assert plan.unavailable


def test_req_03_only_own_settings_in_force_can_be_extended_or_ended(people: FakeDirectory) -> None:
    row = world.in_force(Cast(), line("tk13-ito"))
    assert row.name == world.NAME

    later, sooner = (world.day(days).isoformat() for days in (90, 30))
    plan, errors = checked({"name": row.name, "until": later}, EXTEND)
    assert not errors
    assert [change.label for change in plan.changes] == ["Last day", planning.PEOPLE]
    assert "早期終了" in checked({"name": row.name, "until": sooner}, EXTEND)[1]["until"]
    assert "すでに" in checked({"name": row.name, "until": row.until.isoformat()}, EXTEND)[1]["until"]
    assert (
        "180日"
        in checked({"name": row.name, "until": later, "lifetime_days": 120}, EXTEND)[1]["lifetime_days"]
    )
    for kind in (EXTEND, END):
        assert set(checked({"name": row.name, "until": later}, kind, "14")[1]) == {"name"}
    plan, errors = checked({"name": row.name}, END)
    assert not errors
    assert [change.label for change in plan.changes] == ["Password settings", "Last day", planning.PEOPLE]


def test_req_03_the_whole_preview_asks_once_for_a_page_of_thousand(people: FakeDirectory) -> None:
    crowd = [account(people, f"tk13-m{number:04}") for number in range(1200)]
    dn = group(people, "g13-crowd")
    for each in crowd:
        people.put(each, groups=(dn,))
    people.calls.clear()

    plan, _errors = checked(line(group="g13-crowd"))

    assert plan.changes
    assert people.calls.count("scan_account_policies") == 1
    assert people.calls.count("policy_survey") == 1
    assert lookups.check_value([]) == lookups.check_value([])
