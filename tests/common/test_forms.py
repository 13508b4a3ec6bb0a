"""What the shared form fields correct, what they refuse, and in which words."""

from __future__ import annotations

import datetime as dt

import pytest
from django import forms as django_forms
from django.template.loader import render_to_string
from django.utils import translation

from portal.common import forms


class SampleForm(forms.PortalForm):
    side_by_side = (("family_name", "kana"),)

    family_name = forms.KanjiNameField(label="Family name", max_length=40)
    kana = forms.KanaField(label="Kana", max_length=40, help_text="In katakana")
    login_name = forms.IdentifierField(label="Login name", max_length=20)
    mail = forms.MailAddressField(label="Mail", required=False)
    start = forms.WarekiDateField(label="Start", required=False)
    how = django_forms.ChoiceField(
        label="How", choices=[("a", "A"), ("b", "B")], widget=django_forms.RadioSelect, required=False
    )
    agreed = django_forms.BooleanField(label="Agreed", required=False)


def filled(**changes: str) -> SampleForm:
    values = {"family_name": "髙﨑", "kana": "タカサキ", "login_name": "tk0412"} | changes
    return SampleForm(values)


@pytest.fixture(autouse=True)
def _english() -> object:
    with translation.override("en"):
        yield


@pytest.mark.parametrize("name", ["髙﨑", "塚", "神", "隆", "𠮷野", "ヴァン・デル", "O’Brien"])
def test_kanji_names_stay_as_written(name: str) -> None:
    form = filled(family_name=name)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["family_name"] == name


def test_a_choice_that_is_gone_is_refused_without_its_code() -> None:
    (problem,) = filled(how="OLD_CODE").errors["how"]

    assert "OLD_CODE" not in problem


def test_emoji_in_names_are_named_and_refused() -> None:  # the exchange file of CP932 could not hold them
    form = filled(family_name="花子😀")

    assert not form.is_valid()
    assert "😀" in form.errors["family_name"][0]


@pytest.mark.parametrize(
    ("typed", "kept"), [("ｶﾅ", "カナ"), ("ＡＢ", "AB"), ("  鈴木　", "鈴木"), ("ﾀﾞﾝ", "ダン")]
)
def test_half_width_kana_and_full_width_letters_in_names_are_corrected(typed: str, kept: str) -> None:
    form = filled(family_name=typed)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["family_name"] == kept


def test_a_character_of_a_single_machine_is_refused_by_name() -> None:
    form = filled(family_name="山\ue000")

    assert "U+E000" in form.errors["family_name"][0]


@pytest.mark.parametrize("bad", ["山\u200b田", "山\x07田", "山\u202e田"])
def test_invisible_characters_are_refused(bad: str) -> None:
    assert "family_name" in filled(family_name=bad).errors


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("たかさき", "タカサキ"),
        ("ﾀｶｻｷ", "タカサキ"),
        ("ヴァン・デル", "ヴァン・デル"),
        ("オー サカ", "オー サカ"),
    ],
)
def test_readings_become_katakana(typed: str, kept: str) -> None:
    form = filled(kana=typed)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["kana"] == kept


def test_a_reading_in_kanji_is_refused_and_the_characters_are_named() -> None:
    assert "鈴木" in filled(kana="鈴木").errors["kana"][0]


def test_full_width_identifiers_become_half_width_and_are_reported_as_corrected() -> None:
    form = filled(login_name="ｔｋ０４１２－suzuki")

    assert form.is_valid(), form.errors
    assert form.cleaned_data["login_name"] == "tk0412-suzuki"
    assert [(c.typed, c.corrected) for c in form.corrections()] == [("ｔｋ０４１２－suzuki", "tk0412-suzuki")]


def test_japanese_in_an_identifier_is_refused_and_named() -> None:
    assert "鈴" in filled(login_name="tk鈴").errors["login_name"][0]


@pytest.mark.parametrize("good", ["taro@example.jp", "ｔａｒｏ＠example.jp", " a.b-c@kokuho13.example.jp "])
def test_mail_addresses_are_corrected(good: str) -> None:
    assert filled(mail=good).is_valid()


@pytest.mark.parametrize(
    "bad", ["taro", "taro@", "taro@exa mple..jp", "a@b", "<a@b.jp>", "a@b.jp,c@d.jp", "太郎@example.jp"]
)
def test_what_is_no_mail_address_is_refused(bad: str) -> None:
    assert "mail" in filled(mail=bad).errors


@pytest.mark.parametrize(
    "typed", ["2026/12/1", "2026-12-01", "R8.12.1", "令和8年12月1日", "ｒ８．１２．１", "2026.12.1"]
)
def test_dates_are_taken_as_people_write_them(typed: str) -> None:
    form = filled(start=typed)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["start"] == dt.date(2026, 12, 1)


@pytest.mark.parametrize("typed", ["2026/2/30", "12/1", "tomorrow", "R99.1", "令和8年13月1日"])
def test_a_date_that_does_not_exist_is_refused_with_an_example(typed: str) -> None:
    assert "2026/12/1" in filled(start=typed).errors["start"][0]


def test_the_summary_says_the_same_words_as_the_field_and_jumps_to_it() -> None:
    form = filled(kana="鈴木", login_name="")

    assert [p.target for p in form.error_summary] == ["id_kana", "id_login_name"]
    page = render_to_string("components/error_summary.html", {"problems": form.error_summary})
    page += render_to_string("components/form.html", {"form": form})
    assert page.count("鈴木") == 3  # the summary, the message at the field, the value that was typed
    assert 'href="#id_kana"' in page


def test_a_wrong_field_is_marked_and_described_for_screen_readers() -> None:
    page = render_to_string("components/form.html", {"form": filled(kana="鈴木")})

    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_kana_helptext id_kana_error"' in page
    assert 'id="id_kana_error"' in page
    assert 'id="id_kana_helptext"' in page


def test_every_value_survives_a_refused_form() -> None:
    page = render_to_string(
        "components/form.html", {"form": filled(family_name="髙橋", kana="鈴木", start="2026/2/30", how="b")}
    )

    assert 'value="髙橋"' in page
    assert 'value="2026/2/30"' in page
    assert 'value="b" id="id_how_1" checked' in page or ('value="b"' in page and "checked" in page)


def test_partners_stand_side_by_side() -> None:
    rows = [[bound.name for bound in row] for row in SampleForm().rows]

    assert rows[0] == ["family_name", "kana"]
    assert ["login_name"] in rows


def test_a_text_that_is_too_long_says_how_long_it_may_be() -> None:
    class Short(forms.PortalForm):
        department = forms.NormalisingField(label="所属", max_length=5)

    with translation.override("ja"):
        form = Short({"department": "審査第一課のさらに奥"})

        assert form.errors["department"] == ["5文字以内に短くしてください（現在10文字）。"]
