"""Password settings: a longer lifetime for a group or for named accounts, and back (REQ-03)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from portal.gateways.directory import (
    AccessDenied,
    ChangedMeanwhile,
    Directory,
    DirectoryEntry,
    InvalidValue,
    NameTaken,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordRules,
    Reach,
    SettingsReason,
    WantedSettings,
)
from tests.contract.conftest import Server
from tests.contract.policy_places import FakeHouse, House, RealHouse, house, real_house, wanted
from tests.contract.proxy import CuttingProxy, Mode

DAY = timedelta(days=1)
__all__ = ["house", "real_house"]  # fixtures


def policy(house: House, account: DirectoryEntry) -> AccountPolicy:
    """What applies to the account, as the directory itself works it out."""
    (found,) = house.directory.account_policies([account.guid])
    return found


def expiry(house: House, account: DirectoryEntry) -> datetime:
    found = policy(house, account).password_expires_at
    assert found is not None
    return found


def test_req_03_a_group_lives_180_days_instead_of_90_and_then_90_again(house: House) -> None:
    person, other = house.account(), house.account()
    group = house.group(person)
    set_at = person.password_last_set
    assert set_at is not None
    assert house.directory.policy_survey().domain.maximum_age == 90 * DAY
    assert expiry(house, person) == set_at + 90 * DAY

    longer = wanted(house, group=group)
    made = house.directory.create_password_settings(longer)

    assert longer.met_by(made)
    assert expiry(house, person) == set_at + 180 * DAY
    assert policy(house, person).settings_dn == made.dn
    assert policy(house, other).settings_dn == ""
    # All the rest stays as the domain has it.
    assert replace(made.rules, maximum_age=90 * DAY) == house.directory.policy_survey().domain

    house.directory.remove_password_settings(made)

    assert expiry(house, person) == set_at + 90 * DAY
    assert house.directory.find_password_settings(made.guid) is None
    with pytest.raises(NotFound):
        house.directory.remove_password_settings(made)


def test_req_03_what_the_portal_works_out_for_many_is_what_the_directory_says_of_each(house: House) -> None:
    named, member, nested, nobody = (house.account() for _ in range(4))
    inner = house.group(nested)
    outer = house.group(member, named)
    house.nest(inner, outer)
    for_named = house.directory.create_password_settings(wanted(house, named, precedence=900, days=120))
    for_group = house.directory.create_password_settings(wanted(house, group=outer, precedence=800))

    survey = house.directory.policy_survey()
    scanned = {a.guid: a for page in house.directory.scan_account_policies(house.unit, survey) for a in page}

    # Settings that name the account go before those of a group, whatever their precedence.
    for account, expected in ((named, for_named), (member, for_group), (nested, for_group)):
        assert scanned[account.guid].settings_dn == expected.dn
    assert scanned[nobody.guid].settings_dn == ""
    assert scanned == {a.guid: a for a in house.directory.account_policies(scanned)}
    held = house.directory.group_reach(outer)
    affected = [
        a for page in house.directory.scan_account_policies(house.unit, survey, reach=held) for a in page
    ]
    assert {a.guid for a in affected} == {named.guid, member.guid, nested.guid}
    assert [*house.directory.scan_account_policies(house.unit, survey, reach=Reach())] in ([], [[]])


def test_req_03_the_plan_shows_before_what_the_directory_says_after(house: House) -> None:
    person = house.account()
    group = house.group(person)
    house.directory.create_password_settings(wanted(house, group=group, precedence=700, days=120))
    survey = house.directory.policy_survey()
    stronger = wanted(house, group=group, precedence=600, days=200)

    planned = survey.planned(stronger, house.directory.group_reach(group)).worked_out(policy(house, person))
    made = house.directory.create_password_settings(stronger)

    assert planned.password_expires_at == expiry(house, person)
    assert house.directory.policy_survey().without(made.guid).worked_out(policy(house, person)) == (
        survey.worked_out(policy(house, person))
    )


Change = Callable[[House, WantedSettings], WantedSettings]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda house, w: replace(w, group_dn=house.unit), SettingsReason.TARGET_KIND),
        (lambda house, w: replace(w, group_dn=house.group(scope="local")), SettingsReason.TARGET_SCOPE),
        (lambda house, w: replace(w, group_dn=house.group(inside=False)), SettingsReason.TARGET_OUTSIDE),
        (
            lambda house, w: replace(w, rules=replace(w.rules, minimum_age=181 * DAY)),
            SettingsReason.AGES,
        ),
        (
            lambda house, w: replace(w, precedence=house.by_hand(wanted(house, marker="")).precedence),
            SettingsReason.PRECEDENCE_TAKEN,
        ),
    ],
    ids=["unit", "domain-local", "outside", "ages", "precedence"],
)
def test_req_03_what_the_directory_takes_but_should_not_is_refused(
    house: House, change: Change, reason: SettingsReason
) -> None:
    asked = change(house, wanted(house, group=house.group()))

    with pytest.raises(InvalidValue) as refused:
        house.directory.create_password_settings(asked)

    assert refused.value.code == reason
    assert house.directory.find_password_settings_by_marker(asked.marker) is None


def test_req_03_whom_settings_name_must_be_there_and_not_protected(house: House) -> None:
    gone, protected, free = house.account(), house.account(), house.account()
    house.directory.delete(gone.guid)
    house.protect(protected)

    with pytest.raises(NotFound):
        house.directory.create_password_settings(wanted(house, gone, free))
    with pytest.raises(NotFound):
        house.directory.create_password_settings(wanted(house, group=f"CN=nobody,{house.unit}"))
    with pytest.raises(Privileged):
        house.directory.create_password_settings(wanted(house, protected, free))
    taken = house.directory.create_password_settings(wanted(house, free))
    with pytest.raises(NameTaken):
        house.directory.create_password_settings(wanted(house, free, name=taken.name.upper()))


def test_req_03_a_change_happens_whole_while_nothing_else_did_and_once(house: House) -> None:
    first, second = house.account(), house.account()
    before = wanted(house, first)
    made = house.directory.create_password_settings(before)
    rules = replace(before.rules, maximum_age=240 * DAY)
    longer = replace(before, marker=f"{before.marker}-2", rules=rules, accounts=frozenset({second.guid}))

    changed = house.directory.change_password_settings(made, longer)

    assert longer.met_by(changed)
    assert policy(house, first).settings_dn == ""
    assert policy(house, second).settings_dn == made.dn
    # As after a lost answer: the same again is success, another one on the old state is not.
    assert house.directory.change_password_settings(made, longer) == changed
    with pytest.raises(ChangedMeanwhile):
        house.directory.change_password_settings(made, replace(longer, marker="op-else"))
    with pytest.raises(ChangedMeanwhile):
        house.directory.remove_password_settings(made)


def test_req_03_settings_of_an_administrator_are_shown_and_never_touched(house: House) -> None:
    account = house.account()
    theirs = house.by_hand(wanted(house, account, marker="", description=""))

    assert not theirs.ours
    assert policy(house, account).settings_dn == theirs.dn
    with pytest.raises(Privileged):
        house.directory.remove_password_settings(theirs)
    with pytest.raises(Privileged):
        house.directory.change_password_settings(theirs, wanted(house, account, name=theirs.name))


def test_req_03_an_account_that_is_deleted_meanwhile_does_not_stop_taking_back(house: House) -> None:
    stays, goes = house.account(), house.account()
    made = house.directory.create_password_settings(wanted(house, stays, goes))
    house.directory.delete(goes.guid)

    now = house.directory.find_password_settings(made.guid)

    assert now is not None
    assert [target.name for target in now.targets] == [stays.login_name]
    house.directory.remove_password_settings(made)


# What only a server can do


def test_req_03_after_a_lost_answer_the_marker_tells(server: Server, real_house: RealHouse) -> None:
    house = real_house
    person = house.account()
    asked = wanted(house, person)
    with CuttingProxy.before(server.url) as proxy:
        through = server.connect(urls=[proxy.url], receive_timeout=2, connect_timeout=2)
        _cut_the_next_write(through, proxy)
        with pytest.raises(OutcomeUnknown):
            through.create_password_settings(asked)

    made = house.directory.find_password_settings_by_marker(asked.marker)

    assert made is not None
    assert asked.met_by(made)


def _cut_the_next_write(directory: Directory, proxy: CuttingProxy) -> None:
    kept = directory._kept  # type: ignore[attr-defined]
    real_write = kept.write

    def cut_then_write(operation: object) -> object:
        proxy.mode = Mode.CUT_ON_REPLY
        return real_write(operation)

    kept.write = cut_then_write


def test_req_03_what_others_write_between_reading_and_writing_is_not_overwritten(
    server: Server, real_house: RealHouse
) -> None:
    house = real_house
    asked = wanted(house, house.account())
    made = house.directory.create_password_settings(asked)
    read_first = house.directory._writable_settings  # type: ignore[attr-defined]

    def then_another_changes(guid: object) -> object:
        found = read_first(guid)
        server.connect().change_password_settings(made, replace(asked, marker="op-other"))
        return found

    house.directory._writable_settings = then_another_changes  # type: ignore[attr-defined]
    with pytest.raises(ChangedMeanwhile):
        house.directory.change_password_settings(made, replace(asked, marker="op-mine"))


def test_req_03_the_directory_itself_forgets_whom_it_deleted(real_house: RealHouse) -> None:
    stays, goes = real_house.account(), real_house.account()
    real_house.directory.create_password_settings(asked := wanted(real_house, stays, goes))

    real_house.directory.delete(goes.guid)

    every = real_house.directory._all_settings()  # type: ignore[attr-defined]
    (links,) = [raw["msds-psoappliesto"] for raw in every if raw["cn"] == [asked.name.encode()]]
    assert links == [stays.dn.encode()]


def test_req_03_a_page_of_accounts_is_one_question(server: Server, real_house: RealHouse) -> None:
    house = real_house
    group = house.group(*(house.account() for _ in range(2)))
    survey = house.directory.policy_survey()
    reach = house.directory.group_reach(group)
    kept = house.directory._kept  # type: ignore[attr-defined]
    questions, real_read = [], kept.read

    def counted(operation: object) -> object:
        questions.append(operation)
        return real_read(operation)

    kept.read = counted
    (page,) = house.directory.scan_account_policies(house.unit, survey, reach=reach)

    assert (len(page), len(questions)) == (2, 1)


def test_req_03_settings_that_cannot_be_seen_are_an_error_and_not_none(server: Server) -> None:
    # Samba hides the container from who may not read it; then it looks as if nothing applied to anybody.
    nowhere = server.connect(base_dn=f"OU=13,{server.root_ou}")

    with pytest.raises(AccessDenied):
        nowhere.find_password_settings_by_marker("op")


def test_req_03_rules_are_only_ever_lengthened() -> None:
    rules: PasswordRules = FakeHouse().directory.policy_survey().domain

    assert rules.lengthened(91 * DAY) == replace(rules, maximum_age=91 * DAY)
    for days in (89, 90):
        with pytest.raises(ValueError, match="no longer lifetime"):
            rules.lengthened(days * DAY)
    with pytest.raises(ValueError, match="no longer lifetime"):
        replace(rules, maximum_age=None).lengthened(91 * DAY)
