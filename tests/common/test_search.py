"""Searching folded text: width, kana, kanji forms and romaji; short names through an index (ACC-02)."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import selectors
from accounts.models import DirectoryAccount
from accounts.register import account_search_text
from portal.common.search import grams_of, matching
from portal.common.text import romaji_spellings, search_key
from portal.workflow.models import Application
from tests import factories

SUZUKI = {
    "family_name": "鈴木",
    "given_name": "真由美",
    "family_kana": "スズキ",
    "given_kana": "マユミ",
    "department": "審査第一課",
}


@pytest.mark.parametrize(
    "query",
    [
        "鈴木",
        "木",
        "鈴木真由美",
        "鈴木　真由美",
        "すずき",
        "ｽｽﾞｷ ﾏﾕﾐ",
        "スズ",
        "suzuki",
        "ＳＵＺＵＫＩ mayumi",
        "審査",
        "tk0413",
        "ＴＫ０４１３－ｓｕｚｕｋｉ",
        "tk",
    ],
)
@pytest.mark.django_db
def test_an_account_is_found_by_any_spelling(query: str) -> None:
    wanted = factories.directory_account(login_name="tk0413-suzuki", **SUZUKI)
    factories.directory_account(
        login_name="ab0414-mori", family_name="森", given_name="舞", department="会計課"
    )

    found = selectors.accounts(factories.applicant("13"), q=query)

    assert [account.pk for account in found] == [wanted.pk]


@pytest.mark.parametrize(
    ("written", "looked_for"), [("髙橋", "高橋"), ("渡邊", "渡辺"), ("高﨑", "高崎"), ("斎藤", "齋藤")]
)
@pytest.mark.django_db
def test_forms_of_one_kanji_find_each_other(written: str, looked_for: str) -> None:
    account = factories.directory_account(login_name="tk0413-x", family_name=written)
    person = factories.applicant("13")

    assert account in selectors.accounts(person, q=looked_for)
    assert account in selectors.accounts(person, q=written)
    account.refresh_from_db()
    assert account.family_name == written  # a name is never rewritten, only the text that is searched


@pytest.mark.parametrize(
    ("reading", "spellings"),
    [
        ("オオノ", {"oono", "ono", "ohno"}),
        ("サトウ", {"satou", "sato", "satoh"}),
        ("ユウコ", {"yuuko", "yuko"}),
        ("ハットリ", {"hattori"}),
        ("ジュンイチ", {"junichi"}),
        ("", {""}),
    ],
)
def test_romaji_is_found_with_and_without_long_vowels(reading: str, spellings: set[str]) -> None:
    assert spellings <= {*romaji_spellings(reading)}


@pytest.mark.django_db
def test_every_word_must_occur() -> None:
    factories.directory_account(login_name="tk0413-suzuki", **SUZUKI)
    person = factories.applicant("13")

    assert selectors.accounts(person, q="真由美 鈴木").exists()
    assert not selectors.accounts(person, q="鈴木 会計").exists()
    assert not selectors.accounts(person, q="木鈴").exists()


@pytest.mark.django_db
def test_the_search_reaches_no_other_federation() -> None:  # ORG-02: the scope stands in the query
    factories.directory_account(code="27", login_name="os0413-suzuki", **SUZUKI)

    assert not selectors.accounts(factories.applicant("13"), q="鈴木").exists()
    assert selectors.accounts(factories.applicant("27"), q="鈴木").exists()


@pytest.mark.parametrize("query", ["鈴", "鈴木", "スズ", "鈴木真", "suz"])
@pytest.mark.django_db
def test_names_are_found_through_an_index(query: str) -> None:
    factories.directory_account(login_name="tk0413-suzuki", **SUZUKI)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")

    plan = matching(DirectoryAccount.system.order_by(), query).explain()

    assert "directoryaccount_search" in plan or "directoryaccount_grams" in plan


@pytest.mark.django_db
def test_the_index_of_short_words_holds_what_is_not_ascii() -> None:
    assert grams_in_index("鈴木 a ab 審b") - {""} == {"鈴", "木", "鈴木", "審"}


@given(st.text("鈴木審査スズ𠮷 aB-1", max_size=12).map(search_key))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.django_db
def test_every_short_piece_of_a_text_is_in_its_index(text: str) -> None:
    held = grams_in_index(text)

    for length in (1, 2):
        for start in range(len(text) - length + 1):
            piece = text[start : start + length]
            if " " not in piece:
                assert set(grams_of(piece)) <= held, piece


def grams_in_index(text: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_grams(%s)", [text])
        (grams,) = cursor.fetchone() or ([],)
    return set(grams)


@pytest.mark.django_db
def test_search_texts_are_folded_anew_after_an_update() -> None:
    account = factories.directory_account(login_name="tk0413-suzuki", **SUZUKI)
    application = factories.application(applicant=factories.applicant("13"))
    DirectoryAccount.system.update(search_text="")
    Application.system.update(search_text="")

    call_command("rebuild_search")

    account.refresh_from_db()
    application.refresh_from_db()
    assert account.search_text == account_search_text(login_name="tk0413-suzuki", **SUZUKI)
    assert search_key(application.number) in application.search_text
