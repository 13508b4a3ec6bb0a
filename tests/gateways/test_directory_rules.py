"""What the directory can hold, and how its replies are understood."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import LdapSettings, Reply, make_reply
from portal.gateways.directory import (
    AccessDenied,
    AccountLocked,
    ChangedMeanwhile,
    ContainerMissing,
    DirectoryError,
    InvalidValue,
    NameTaken,
    NotFound,
    PolicyRefused,
    WrongPassword,
)
from portal.gateways.directory_names import parent_dn
from portal.gateways.directory_rules import (
    REASON_TEXTS,
    Reason,
    validate_department,
    validate_display_name,
    validate_login_name,
    validate_mail,
)


@pytest.mark.parametrize(
    ("login_name", "reasons"),
    [
        ("tk13hanako", []),
        ("a", []),
        ("T.K_13-x", []),
        ("a" * 20, []),
        ("", [Reason.EMPTY]),
        ("a" * 21, [Reason.TOO_LONG]),
        ("花子", [Reason.NOT_ASCII]),
        ("ｔｋ１３", [Reason.NOT_ASCII]),
        ("tk13.", [Reason.TRAILING_DOT]),
        (".tk13", [Reason.FIRST_CHARACTER]),
        ("-tk13", [Reason.FIRST_CHARACTER]),
        ("tk 13", [Reason.ILLEGAL_CHARACTER]),
        ("tk13$", [Reason.ILLEGAL_CHARACTER]),
        ("tk13\n", [Reason.CONTROL_CHARACTER]),
        ("tk\x0013", [Reason.CONTROL_CHARACTER]),
        (
            "花" * 21 + "@.",
            [Reason.TOO_LONG, Reason.NOT_ASCII, Reason.TRAILING_DOT, Reason.ILLEGAL_CHARACTER],
        ),
    ],
)
def test_a_login_name_is_refused_with_every_reason(login_name: str, reasons: list[Reason]) -> None:
    assert validate_login_name(login_name) == reasons  # ACC-06


@pytest.mark.parametrize("char", list('"/\\[]:;|=,+*?<>@'))
def test_no_character_that_ad_forbids_gets_into_a_login_name(char: str) -> None:
    assert Reason.ILLEGAL_CHARACTER in validate_login_name(f"tk{char}13")


def test_lengths_are_counted_as_the_directory_counts_them() -> None:
    assert validate_department("課" * 64) == []
    assert validate_department("課" * 65) == [Reason.TOO_LONG]
    # A kanji beyond the basic plane takes two units.
    assert validate_department("𠮷" * 32) == []
    assert validate_department("𠮷" * 33) == [Reason.TOO_LONG]


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\x00b", "a\u2028b", "a\ud800b"])
def test_invisible_characters_are_refused(text: str) -> None:
    assert validate_display_name(text) == [Reason.CONTROL_CHARACTER]


def test_a_name_is_needed_and_has_no_outer_space() -> None:
    assert validate_display_name("") == [Reason.EMPTY]
    assert validate_display_name("　髙橋") == [Reason.OUTER_SPACE]
    assert validate_department("") == []


@pytest.mark.parametrize(
    ("mail", "good"),
    [
        ("", True),
        ("hanako.takahashi@tokyo.example.jp", True),
        ("a+b@x-y.example.jp", True),
        ("hanako", False),
        ("hanako@localhost", False),
        ("hanako@@example.jp", False),
        ("a b@example.jp", False),
        ("Hanako <hanako@example.jp>", False),
        ("a@example.jp,b@example.jp", False),
    ],
)
def test_a_mail_address_looks_like_one(mail: str, good: bool) -> None:
    assert (validate_mail(mail) == []) is good


def test_every_reason_has_a_text() -> None:
    assert set(REASON_TEXTS) == set(Reason)


# Replies


def reply(result: int, win32: str = "") -> Reply:
    return Reply(result=result, message=f"{win32}: text\x00", win32=win32, entries=[])


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (reply(19, "0000052D"), PolicyRefused),
        (reply(53, "0000052D"), PolicyRefused),
        (reply(68, "00002071"), NameTaken),
        (reply(68, "00000524"), NameTaken),
        (reply(68), NameTaken),
        (reply(19, "0000202F"), NameTaken),
        (reply(19, "000021C8"), NameTaken),
        (reply(32, "0000208D"), NotFound),
        (reply(50, "00002098"), AccessDenied),
        (reply(21, "0000200B"), InvalidValue),
        (reply(19, "00002082"), InvalidValue),
        (reply(16, "0000200A"), InvalidValue),
        (reply(80), DirectoryError),
    ],
)
def test_a_refusal_is_understood_by_its_codes(refused: Reply, error: type[DirectoryError]) -> None:
    understood = errors.write_error(refused)

    assert type(understood) is error
    assert "\x00" not in understood.message
    assert understood.code == (f"{refused.result}/{refused.win32}" if refused.win32 else str(refused.result))


@pytest.mark.parametrize(
    ("code", "attribute"),
    [("00002071", "sAMAccountName"), ("00000524", "sAMAccountName"), ("", "dn")],
)
def test_a_taken_name_says_which(code: str, attribute: str) -> None:
    understood = errors.write_error(reply(68, code))

    assert isinstance(understood, NameTaken)
    assert understood.attribute == attribute


def test_what_a_code_means_depends_on_what_was_asked() -> None:
    assert isinstance(errors.placement_error(reply(32, "00002030"), "OU=x"), ContainerMissing)
    assert isinstance(errors.placement_error(reply(80, "00002095"), "OU=x"), ContainerMissing)
    assert isinstance(errors.guarded_error(reply(16)), ChangedMeanwhile)
    assert isinstance(errors.guarded_error(reply(20)), ChangedMeanwhile)
    assert isinstance(errors.password_change_error(reply(19, "00000056")), WrongPassword)
    assert isinstance(errors.password_change_error(reply(19, "00000775")), AccountLocked)
    assert isinstance(errors.password_change_error(reply(19, "0000052D")), PolicyRefused)


def test_an_answer_of_the_wire_is_taken_apart() -> None:
    message = "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 773, v4563\x00"

    answer = make_reply((False, {"result": 49, "message": message, "controls": {}}, None, None))

    assert (answer.result, answer.win32, answer.bind_data) == (49, "80090308", "773")


def test_an_error_message_is_short_and_storable() -> None:
    error = DirectoryError("a\x00b\r\n\x1b[31m" + "x" * 70000, code="80")

    assert error.message.isprintable()
    assert len(error.message) <= 500


# Values


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2200, 1, 1)))
def test_the_last_day_of_an_account_comes_back_as_written(day: date) -> None:
    assert values.last_day(values.end_of_day(day)) == day


def test_an_account_works_until_midnight_in_japan() -> None:
    assert values.from_filetime(values.end_of_day(date(2027, 3, 31))) == datetime(2027, 3, 31, 15, tzinfo=UTC)
    assert values.last_day(values.end_of_day(None)) is None
    assert values.last_day(0) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_windows_times_come_back_as_written(moment: datetime) -> None:
    if moment.year > 1601:
        assert values.from_filetime(values.to_filetime(moment)) == moment


@given(st.text())
def test_no_value_breaks_out_of_a_filter(value: str) -> None:
    term = values.equals("displayName", value)

    inside = term.removeprefix("(displayName=").removesuffix(")")
    assert not set(inside) & set("()*\x00")


def test_the_parent_of_a_dn_minds_escaped_commas() -> None:
    assert parent_dn("CN=a\\,b,OU=x,DC=y") == "OU=x,DC=y"
    assert parent_dn("CN=a\\\\,OU=x") == "OU=x"
    assert parent_dn("DC=y") == ""


def test_settings_show_no_password() -> None:
    made = LdapSettings(
        urls=("ldaps://dc1.kokuho.pr",),
        tls_server_name="",
        ca_file="",
        base_dn="DC=kokuho,DC=pr",
        domain="kokuho.pr",
        bind_dn="CN=svc",
        bind_password="Secret-of-service-1",
        root_ou="OU=Federations,DC=kokuho,DC=pr",
    )

    assert "Secret-of-service-1" not in repr(made)
    assert values.guid_dn(uuid4()).startswith("<GUID=")
