"""What may be typed into the lines of account applications, and what is said when it may not (ACC-06, ACC-09)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.forms import RegisterForm, ResetForm
from portal.common import text
from portal.gateways.directory_rules import validate_login_name
from portal.orgs.models import PasswordRecipient
from portal.workflow.kinds import LineContext
from tests import factories
from tests.fakes import FakeDirectory, administrators_ou, users_ou

pytestmark = pytest.mark.django_db


def context(code: str = "13") -> LineContext:
    return LineContext(
        organisation=factories.organisation(code), actor=None, application=None, today=dt.date(2026, 11, 20)
    )


def bound(line: dict[str, Any], **changes: Any) -> RegisterForm:
    recipient = PasswordRecipient.system.first() or factories.recipient()
    return RegisterForm(data={**line, "recipient_id": recipient.pk, **changes}, context=context())


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("login_name", "ｔｋ０４１２－ｓｕｚｕｋｉ", "tk0412-suzuki"),
        ("login_name", " tk0412 ", "tk0412"),
        ("family_kana", "すずき", "スズキ"),
        ("family_kana", "ｽｽﾞｷ", "スズキ"),
        ("family_name", "　鈴木 ", "鈴木"),
        ("family_name", "髙﨑", "髙﨑"),
        ("family_name", "\ufa10田", "\ufa10田"),  # a compatibility kanji stays as it is written
        ("department", "審査  第二課", "審査 第二課"),
    ],
)
def test_what_can_be_corrected_is_corrected(
    register_line: dict[str, Any], field: str, typed: str, kept: str
) -> None:
    form = bound(register_line, **{field: typed})

    assert form.is_valid(), form.errors
    assert getattr(form.to_payload(), field) == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("login_name", ""),
        ("login_name", "a" * 21),
        ("login_name", "鈴木"),
        ("login_name", "suzuki."),
        ("login_name", "-suzuki"),
        ("login_name", "su/zuki"),
        ("login_name", "su*zuki"),
        ("login_name", "su)(uid=*"),
        ("login_name", "suzuki\x00"),
        ("family_name", ""),
        ("family_name", "鈴" * 41),
        ("family_name", "鈴\ue000木"),
        ("family_name", "鈴\x01木"),
        ("family_kana", "鈴木"),
        ("family_kana", ""),
        ("department", ""),
        ("department", "課" * 65),
        ("department", "𠮷" * 33),  # 66 UTF-16 units: longer than AD counts
        ("recipient_id", ""),
        ("recipient_id", "0"),
        ("recipient_id", "1 OR 1=1"),
        ("recipient_id", "9" * 40),
        ("recipient_id", True),
        ("recipient_id", ["1"]),
    ],
)
def test_what_active_directory_cannot_hold_is_refused_at_its_field(
    register_line: dict[str, Any], field: str, typed: Any
) -> None:
    form = bound(register_line, **{field: typed})

    assert not form.is_valid()
    assert list(form.errors) == [field]


@pytest.mark.parametrize(
    "fields",
    [{"code": "27"}, {"confirmed_at": None}, {"is_active": False}],
    ids=["of another federation", "never confirmed", "no longer active"],
)
def test_recipient_must_be_a_confirmed_person_of_the_organisation(  # ACC-09, ORG-02
    register_line: dict[str, Any], fields: dict[str, Any]
) -> None:
    factories.recipient()
    other = factories.recipient(**fields)

    form = bound(register_line, recipient_id=other.pk)
    unknown = bound(register_line, recipient_id=other.pk + 1000)

    assert form.errors == unknown.errors
    assert list(form.errors) == ["recipient_id"]


def test_the_only_recipient_is_chosen_beforehand() -> None:
    recipient = factories.recipient()

    form = RegisterForm(context=context())

    assert form["recipient_id"].value() == recipient.pk


def test_lines_of_one_page_share_their_choices(
    register_line: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    factories.recipient()
    shared = context()

    with django_assert_max_num_queries(2):
        forms = [RegisterForm(initial=register_line, prefix=f"lines-{n}", context=shared) for n in range(30)]
        assert all("<datalist" in form.as_p() for form in forms)


def test_departments_of_the_organisation_are_offered(register_line: dict[str, Any]) -> None:
    factories.directory_account(code="13", department="審査第一課")
    factories.directory_account(code="27", department="よその課")

    shown = bound(register_line).as_p()

    assert "審査第一課" in shown
    assert "よその課" not in shown


def reset(login_name: str) -> ResetForm:
    recipient = factories.recipient()
    return ResetForm(data={"login_name": login_name, "recipient_id": recipient.pk}, context=context())


def test_reset_finds_an_account_of_the_register_by_any_case(directory: FakeDirectory) -> None:
    account = factories.directory_account(login_name="tk0412-suzuki")

    form = reset("TK0412-Suzuki")

    assert form.is_valid(), form.errors
    assert form.to_payload().guid == account.object_guid
    assert form.to_payload().login_name == "tk0412-suzuki"


def test_reset_finds_an_administrator_account(directory: FakeDirectory) -> None:  # ACC-01, ACC-02
    entry = directory.add("tk-admin", container_dn=administrators_ou("13"))
    factories.user(login_name="tk-admin", directory_guid=entry.guid)

    form = reset("tk-admin")

    assert form.is_valid(), form.errors
    assert form.to_payload().guid == entry.guid


def test_reset_finds_an_account_that_only_active_directory_knows(directory: FakeDirectory) -> None:
    entry = directory.add("old-hand", container_dn=users_ou("13"))

    form = reset("old-hand")

    assert form.is_valid(), form.errors
    assert form.to_payload().guid == entry.guid


def test_account_of_another_federation_is_as_unknown_as_none(directory: FakeDirectory) -> None:  # ORG-02
    factories.directory_account(code="27", login_name="osaka-account")
    directory.add("osaka-other", container_dn=users_ou("27"))

    forms = [reset(name) for name in ("osaka-account", "osaka-other", "nobody")]

    assert len({str(form.errors["login_name"]) for form in forms}) == 1


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=30))
def test_every_login_name_that_the_form_takes_fits_active_directory(typed: str) -> None:  # ACC-06
    line = {
        "family_name": "鈴木",
        "given_name": "美咲",
        "family_kana": "スズキ",
        "given_kana": "ミサキ",
        "department": "課",
        "login_name": typed,
        "recipient_id": 1,
    }
    form = RegisterForm(data=line, context=context())
    form.is_valid()

    if "login_name" not in form.errors:
        kept = form.cleaned_data["login_name"]
        assert kept.isascii()
        assert 1 <= len(kept) <= 20
        assert not validate_login_name(kept)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=40))
def test_kanji_are_kept_exactly_as_written(name: str) -> None:
    form = RegisterForm(data={"family_name": name}, context=context())
    form.is_valid()

    assert form.cleaned_data["family_name"] == name


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="あいうえおがぎぐげごぱぴぷぺぽゃゅょっんーヴカキクケコ", min_size=1, max_size=20))
def test_every_hiragana_reading_becomes_katakana(reading: str) -> None:
    form = RegisterForm(data={"family_kana": reading}, context=context())
    form.is_valid()

    kept = form.cleaned_data["family_kana"]
    assert text.KATAKANA_NAME.match(kept)
    assert text.katakana(kept) == kept
