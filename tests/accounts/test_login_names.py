"""Login names are proposed by a rule, are free, and are nobody else's for as long as they are held (ACC-06)."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import checks
from accounts.kinds import REGISTER
from accounts.models import DirectoryAccount, NameReservation, NamingRule, UsedLoginName
from accounts.naming import free, rules
from accounts.naming.models import DEFAULT_PATTERN, default_rule
from accounts.naming.pattern import Namesake, PatternError, make_pattern, read_pattern, short_romaji
from accounts.naming.proposals import propose_login_names
from accounts.payloads import RegisterAccount
from portal.common.time import JST
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs import errors
from portal.orgs.models import Organisation
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, Status
from tests import factories
from tests.accounts.world import LINE, PostOffice, attempt, registration
from tests.fakes import FakeDirectory
from tests.threads import at_once

ICHIRO = Namesake(family_kana="スズキ", given_kana="イチロウ", staff_number="000412")


def names(pattern: str, person: Namesake = ICHIRO, count: int = 3, **values: Any) -> list[str]:
    options = {"prefix": "tk", "prefecture": "13", "suffix": "{n}", "short_vowels": True} | values
    return list(islice(make_pattern(pattern, **options).names(person), count))


def propose(*people: Namesake, code: str = "13", **values: Any) -> list[str]:
    return propose_login_names(factories.organisation(code), people, **({"now": timezone.now()} | values))


def draft(code: str = "13") -> Application:
    return factories.application(code, kind=REGISTER, status=Status.DRAFT)


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("{prefix}{-}{family}{-}{given1}", ["tk-suzuki-i", "tk-suzuki-i2", "tk-suzuki-i3"]),
        ("{prefix}{number:4}{-}{family}", ["tk0001-suzuki", "tk0002-suzuki", "tk0003-suzuki"]),
        ("{given1}.{family}", ["i.suzuki", "i.suzuki2", "i.suzuki3"]),
        ("{prefecture}{staff}", ["13000412", "130004122", "130004123"]),
        ("k{prefecture}_{family:4}{number}", ["k13_suzu1", "k13_suzu2", "k13_suzu3"]),
        ("{family}{_}{given}", ["suzuki_ichiro", "suzuki_ichiro2", "suzuki_ichiro3"]),
    ],
)
def test_pattern_makes_names_and_counts_on(pattern: str, made: list[str]) -> None:
    assert names(pattern) == made


def test_separator_stands_between_two_texts_only() -> None:
    assert names("{prefix}{-}{family}{-}", prefix="", count=1) == ["suzuki"]


def test_suffix_of_the_second_person_follows_the_rule() -> None:
    assert names(DEFAULT_PATTERN, suffix="{nn}") == ["tk-suzuki-i", "tk-suzuki-i02", "tk-suzuki-i03"]
    assert names(DEFAULT_PATTERN, suffix="-{n}")[1] == "tk-suzuki-i-2"


def test_no_name_is_longer_than_twenty_characters() -> None:
    person = Namesake(family_kana="テシガワラ", given_kana="シンノスケ")

    made = names("{prefix}{-}{family}{-}{given}", person, count=200)

    assert made[0] == "tk-teshig-shinnosuke"
    assert max(map(len, made)) == 20
    assert len(set(made)) == 200


def test_person_without_what_the_pattern_needs_gets_no_name() -> None:
    assert names("{staff}", Namesake(family_kana="スズキ", given_kana="イチロウ")) == []
    assert names("{family}", Namesake(family_kana="", given_kana="イチロウ")) == []


@pytest.mark.parametrize(
    "pattern",
    ["", "{unknown}", "{prefix}", "山{family}", "{family", "{family}{number}{number}", "{family:99}"],
)
def test_unusable_pattern_is_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        read_pattern(pattern)

    assert caught.value.reason


@pytest.mark.parametrize(
    ("reading", "spelt"),
    [
        ("サトウ", "sato"),
        ("オオノ", "ono"),
        ("ユウコ", "yuko"),
        ("イノウエ", "inoue"),
        ("マツウラ", "matsuura"),
        ("シュウイチ", "shuichi"),
    ],
)
def test_long_vowels_are_written_as_people_spell_them(reading: str, spelt: str) -> None:
    assert short_romaji(reading) == spelt


@pytest.mark.django_db
def test_every_organisation_has_a_rule_from_the_start_and_its_preview_works() -> None:
    firsts = set()

    for organisation in Organisation.objects.all():
        samples = rules.preview(default_rule(organisation))
        assert [len(sample.names) for sample in samples] == [3, 3, 3]
        firsts.add(samples[0].names[0])

    assert len(firsts) == Organisation.objects.count(), "two organisations would propose the same name"


@pytest.mark.django_db
def test_proposal_leaves_out_every_name_that_is_not_free(directory: FakeDirectory) -> None:
    directory.add("k13-suzuki-i")  # in AD
    factories.directory_account(
        code="27", login_name="K13-Suzuki-I2"
    )  # in the register, another federation's
    factories.directory_account(login_name="k13-suzuki-i3", state=DirectoryAccount.State.DELETED)
    factories.line(is_open=True, reservation_key="login:k13-suzuki-i4")  # applied for
    factories.user(login_name="k13-suzuki-i5")  # a portal person
    NameReservation.system.create(
        organisation=factories.organisation("27"),
        application=draft("27"),
        folded="k13-suzuki-i6",
        ends_at=timezone.now() + dt.timedelta(days=1),
    )
    free.note_removed("k13-suzuki-i7", organisation_id=factories.organisation().pk, now=timezone.now())

    assert propose(ICHIRO) == ["k13-suzuki-i8"]


@pytest.mark.django_db
def test_names_kept_aside_for_an_outage_are_not_proposed(
    directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free, "kept_aside", [lambda folded: {"k13-suzuki-i"} & set(folded)])

    assert propose(ICHIRO) == ["k13-suzuki-i2"]


@pytest.mark.django_db
def test_people_of_one_batch_get_different_names(directory: FakeDirectory) -> None:
    made = propose(*[ICHIRO] * 40, Namesake(family_kana="", given_kana=""))

    assert made[-1] == ""
    assert len(set(made)) == 41
    assert made[1] == "k13-suzuki-i2"


@pytest.mark.django_db
def test_proposing_costs_the_same_statements_for_one_person_and_for_three_hundred(
    directory: FakeDirectory,
) -> None:
    application = draft()
    readings = "アイウエオカキクケコサシスセソタチツテト"
    people = [Namesake(family_kana=f"{a}{b}タ", given_kana="イチロウ") for a in readings for b in readings][
        :300
    ]

    def statements(asked: list[Namesake]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            propose(*asked, application=application)
        return len(captured)

    one, many = statements(people[:1]), statements(people)

    assert many <= one + 2
    assert directory.calls.count("login_names_in_use") <= 4


@pytest.mark.django_db
def test_name_is_held_for_its_application_and_proposed_again_to_it(directory: FakeDirectory) -> None:
    mine, other = draft(), draft("27")
    NamingRule.system.create(
        organisation=factories.organisation("27"),
        version=1,
        pattern="k13{-}{family}{-}{given1}",
        suffix="{n}",
        made_at=timezone.now(),
    )

    assert propose(ICHIRO, application=mine) == ["k13-suzuki-i"]
    assert propose(ICHIRO, application=mine) == ["k13-suzuki-i"]
    assert propose(ICHIRO, application=other, code="27") == ["k13-suzuki-i2"]
    later = timezone.now() + dt.timedelta(days=15)
    assert propose(ICHIRO, application=other, code="27", now=later) == ["k13-suzuki-i"]


@pytest.mark.django_db
def test_what_an_application_does_not_name_any_more_is_let_go(directory: FakeDirectory) -> None:
    application = draft()
    propose(ICHIRO, application=application)

    propose(Namesake(family_kana="サトウ", given_kana="アヤ"), application=application, keep=["k13-abe-m"])

    assert set(NameReservation.system.values_list("folded", flat=True)) == {"k13-sato-a"}


@pytest.mark.django_db
def test_directory_that_is_down_leaves_its_part_to_the_checks(directory: FakeDirectory) -> None:  # ACC-12
    directory.faults["login_names_in_use"] = [DirectoryUnavailable]

    assert propose(ICHIRO) == ["k13-suzuki-i"]


@pytest.mark.django_db(transaction=True)
def test_eight_who_ask_at_once_get_eight_names(directory: FakeDirectory) -> None:
    applications = [draft() for _ in range(8)]

    made = at_once(*(lambda a=a: propose(ICHIRO, application=a)[0] for a in applications))

    assert len({str(name) for name in made}) == 8, made
    assert set(made) == set(NameReservation.system.values_list("folded", flat=True))


# --- Names that were used -------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_name_of_a_removed_account_is_given_again_after_the_years(
    directory: FakeDirectory, settings: Any
) -> None:
    settings.LOGIN_NAME_REUSE_YEARS = 5
    removed = dt.datetime(2021, 11, 25, 23, 59, tzinfo=JST)
    free.note_removed("k13-suzuki-i", organisation_id=factories.organisation().pk, now=removed)
    factories.directory_account(login_name="k13-suzuki-i", state=DirectoryAccount.State.REMOVED)

    day_before = dt.datetime(2026, 11, 24, 23, 59, 59, tzinfo=JST)
    the_day = dt.datetime(2026, 11, 25, 0, 0, tzinfo=JST)

    assert propose(ICHIRO, now=day_before) == ["k13-suzuki-i2"]
    assert propose(ICHIRO, now=the_day) == ["k13-suzuki-i"]


@pytest.mark.parametrize(
    ("now", "border"),
    [
        (dt.datetime(2028, 2, 29, 12, tzinfo=JST), dt.date(2023, 3, 1)),
        (dt.datetime(2029, 2, 28, 12, tzinfo=JST), dt.date(2024, 2, 29)),
        (dt.datetime(2029, 3, 1, 12, tzinfo=JST), dt.date(2024, 3, 2)),
    ],
)
def test_border_day_in_leap_years(settings: Any, now: dt.datetime, border: dt.date) -> None:
    settings.LOGIN_NAME_REUSE_YEARS = 5

    assert free.free_after(now) == dt.datetime.combine(border, dt.time(), JST)


@pytest.mark.django_db
def test_registered_account_uses_its_name(directory: FakeDirectory, post: PostOffice) -> None:
    attempt(registration(factories.recipient(), login_name="Tk0412-Suzuki"))

    used = UsedLoginName.system.get()
    assert (used.folded, used.removed_at) == ("tk0412-suzuki", None)


@pytest.mark.django_db
@pytest.mark.parametrize("whose", ["own", "other"])
def test_typed_name_that_is_held_or_was_used_is_refused(directory: FakeDirectory, whose: str) -> None:
    code = "13" if whose == "own" else "27"
    NameReservation.system.create(
        organisation=factories.organisation(code),
        application=draft(code),
        folded="held-name",
        ends_at=timezone.now() + dt.timedelta(days=1),
    )
    free.note_removed("used-name", organisation_id=factories.organisation(code).pk, now=timezone.now())
    factories.user(login_name="portal-person", code=code)
    context = LineContext(
        organisation=factories.organisation(), actor=None, application=None, today=timezone.localdate()
    )

    def said(name: str) -> str:
        payload = RegisterAccount(**{**LINE, "login_name": name, "recipient_id": factories.recipient().pk})
        return "".join(checks.check_register(context, payload).get("login_name", []))

    assert said("free-name") == ""
    assert said("Held-Name")
    assert said("used-name")
    assert said("portal-person")
    if whose == "other":  # ORG-02: whose it is is not told
        assert said("held-name") == said("used-name") == said("portal-person") == checks.name_taken()


# --- The rule as data -----------------------------------------------------------------------------------------------------
def change(actor: Any, **values: Any) -> NamingRule:
    rule = {
        "pattern": "{family}{-}{given1}",
        "prefix": "",
        "suffix": "{n}",
        "short_vowels": True,
        "version": 0,
    }
    return rules.change_rule(
        organisation_id=factories.organisation().pk, actor=actor, now=timezone.now(), **(rule | values)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["manager", "operator"])
def test_rule_is_changed_in_versions_and_on_record(directory: FakeDirectory, who: str) -> None:
    actor = factories.user(Role.SECURITY_MANAGER) if who == "manager" else factories.operator()

    change(actor)
    change(actor, pattern="{prefix}{number:4}-{family}", prefix="TK", version=1)

    assert list(NamingRule.system.values_list("version", "prefix")) == [(2, "tk"), (1, "")]
    assert propose(ICHIRO) == ["tk0001-suzuki"]
    entry = TrailEntry.objects.filter(action="naming.change").first()
    assert entry is not None
    assert entry.detail["before"]["pattern"] != entry.detail["after"]["pattern"]


@pytest.mark.django_db
def test_rule_is_refused_to_strangers_when_late_and_when_it_names_nobody() -> None:
    manager = factories.user(Role.SECURITY_MANAGER)

    with pytest.raises(errors.NotAllowed):
        change(factories.user(Role.SECURITY_MANAGER, code="27"))
    with pytest.raises(errors.NotAllowed):
        change(factories.applicant())
    with pytest.raises(errors.Refused) as late:
        change(manager, version=7)
    with pytest.raises(errors.Refused) as too_long:
        change(manager, pattern="abcdefghijklmnopqrst{family}")

    assert (late.value.field, too_long.value.field) == ("", "pattern")
    assert not NamingRule.system.exists()


@pytest.mark.django_db
def test_database_keeps_every_version(directory: FakeDirectory) -> None:
    change(factories.user(Role.SECURITY_MANAGER))

    with pytest.raises(Exception, match="insert-only"):
        NamingRule.system.update(pattern="{family}")
