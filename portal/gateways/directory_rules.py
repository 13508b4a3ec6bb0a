"""What the directory can hold, as checks that forms, the API and the adapter share.

Each check returns the reasons why a value is refused, none when it is good, so that a form can show them all.
AD is not the judge of these rules: Samba takes login names of 25 characters, Windows refuses them (ACC-06).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LOGIN_NAME_LENGTH = 20
DISPLAY_NAME_LENGTH = 256
NAME_PART_LENGTH = 64
DEPARTMENT_LENGTH = 64
COMPANY_LENGTH = 64
KANA_LENGTH = 256
MAIL_LENGTH = 256
DESCRIPTION_LENGTH = 1024
MARKER_LENGTH = 64
STAFF_NUMBER_LENGTH = 16

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ILLEGAL_IN_LOGIN_NAME = re.compile(r'["/\\\[\]:;|=,+*?<>@]')
_LOGIN_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*)")
_MAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")


class Reason(enum.StrEnum):
    """Why a value cannot be written to the directory."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    ILLEGAL_CHARACTER = "illegal_character"
    NOT_ASCII = "not_ascii"
    FIRST_CHARACTER = "first_character"
    TRAILING_DOT = "trailing_dot"
    OUTER_SPACE = "outer_space"
    MALFORMED_MAIL = "malformed_mail"


REASON_TEXTS: Mapping[Reason, Promise] = {
    Reason.EMPTY: _("Enter a value."),
    Reason.TOO_LONG: _("This is longer than Active Directory can hold. Shorten it."),
    Reason.CONTROL_CHARACTER: _("Remove line breaks, tabs and other invisible characters."),
    Reason.ILLEGAL_CHARACTER: _(
        "Use only letters, digits, hyphen, underscore and full stop in a login name."
    ),
    Reason.NOT_ASCII: _("Enter the login name in half-width letters and digits."),
    Reason.FIRST_CHARACTER: _("Begin the login name with a letter or a digit."),
    Reason.TRAILING_DOT: _("Do not end the login name with a full stop."),
    Reason.OUTER_SPACE: _("Remove the space at the beginning or the end."),
    Reason.MALFORMED_MAIL: _("Enter a mail address such as taro@example.jp."),
}

Check = Callable[[str], list[Reason]]


def validate_login_name(value: str) -> list[Reason]:
    """sAMAccountName: 1 to 20 ASCII letters, digits, dots, hyphens and underscores (ACC-06)."""
    if not value:
        return [Reason.EMPTY]
    reasons = []
    if len(value) > LOGIN_NAME_LENGTH:
        reasons.append(Reason.TOO_LONG)
    if _CONTROL.search(value):
        reasons.append(Reason.CONTROL_CHARACTER)
    if not value.isascii():
        reasons.append(Reason.NOT_ASCII)
    if value.endswith("."):
        reasons.append(Reason.TRAILING_DOT)
    if _ILLEGAL_IN_LOGIN_NAME.search(value):
        reasons.append(Reason.ILLEGAL_CHARACTER)
    if not reasons and not _LOGIN_NAME.fullmatch(value):
        begins_well = value[0].isalnum()
        reasons.append(Reason.ILLEGAL_CHARACTER if begins_well else Reason.FIRST_CHARACTER)
    return reasons


def validate_text(value: str, *, limit: int, required: bool = False) -> list[Reason]:
    """A free text of at most `limit` characters as AD counts them: UTF-16 units, so a rare kanji counts twice."""
    if not value:
        return [Reason.EMPTY] if required else []
    reasons = []
    if utf16_length(value) > limit:
        reasons.append(Reason.TOO_LONG)
    if _CONTROL.search(value):
        reasons.append(Reason.CONTROL_CHARACTER)
    if value != value.strip():
        reasons.append(Reason.OUTER_SPACE)
    return reasons


def validate_mail(value: str) -> list[Reason]:
    """A mail address that AD can hold and a mail server can be asked for. Empty is good: it is optional."""
    reasons = validate_text(value, limit=MAIL_LENGTH)
    if value and not reasons and not _MAIL.fullmatch(value):
        reasons.append(Reason.MALFORMED_MAIL)
    return reasons


validate_display_name: Check = partial(validate_text, limit=DISPLAY_NAME_LENGTH, required=True)
validate_name_part: Check = partial(validate_text, limit=NAME_PART_LENGTH, required=True)
validate_kana: Check = partial(validate_text, limit=KANA_LENGTH)
validate_department: Check = partial(validate_text, limit=DEPARTMENT_LENGTH)
validate_company: Check = partial(validate_text, limit=COMPANY_LENGTH)
validate_description: Check = partial(validate_text, limit=DESCRIPTION_LENGTH)
validate_staff_number: Check = partial(validate_text, limit=STAFF_NUMBER_LENGTH)
validate_marker: Check = partial(validate_text, limit=MARKER_LENGTH, required=True)

# By the port's field names, for whoever checks a whole account.
FIELD_CHECKS: Mapping[str, Check] = {
    "login_name": validate_login_name,
    "display_name": validate_display_name,
    "family_name": validate_name_part,
    "given_name": partial(validate_text, limit=NAME_PART_LENGTH),
    "kana": validate_kana,
    "department": validate_department,
    "company": validate_company,
    "mail": validate_mail,
    "description": validate_description,
    "marker": validate_marker,
    "staff_number": validate_staff_number,
}


def utf16_length(value: str) -> int:
    """The length in UTF-16 code units, which is how AD measures its limits."""
    return len(value.encode("utf-16-le", "surrogatepass")) // 2
