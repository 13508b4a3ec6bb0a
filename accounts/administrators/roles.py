"""Roles as one line of text: what fits a cell of a workbook, a value of JSON and a box on paper.

    承認者;申請者(2027-03-31まで);監査閲覧者(2026-12-01から2027-03-31まで)

Entries are separated by semicolons. A period stands in brackets: a first day with から, a last day with まで, or both. Role
names are Japanese, English or the code; days are written as everywhere in the portal. `なし` (NONE) says: no role at all.
Payloads hold the strict form of it: `APPROVER;APPLICANT(..2027-03-31);AUDITOR(2026-12-01..2027-03-31)`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

from django.utils import translation
from django.utils.translation import gettext as _

from portal.common.time import parse_date
from portal.orgs.assignments import Term
from portal.orgs.models import Organisation
from portal.orgs.permissions import ROLES_OF_KIND, Role

NONE = "NONE"
_NO_ROLE = frozenset({"none", "なし", "無し", "-"})

# Recipients of initial passwords are registered with an address that they confirm (ACC-09), not applied for.
NOT_APPLIED_FOR = frozenset({Role.PASSWORD_RECIPIENT})

_SEPARATOR = re.compile(r"[;\n、,]+")
_ENTRY = re.compile(r"([^()]+?)\s*(?:\(([^()]*)\))?")
_BETWEEN = re.compile(r"から|~|〜|\.\.")


class Unreadable(ValueError):
    """A text that names no roles as it should. `reason` is a translated sentence that says what to write."""

    silent_variable_failure = True  # a draft may hold any text: its page shows no roles then

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def applied_for(organisation: Organisation) -> list[Role]:
    """The roles that an application can give in this organisation, in the order of ORG-03."""
    possible = ROLES_OF_KIND[organisation.kind] - NOT_APPLIED_FOR
    return [role for role in Role if role in possible]


def parse(text: str, among: Sequence[Role]) -> list[Term]:
    """The roles that a text names, in the order of ORG-03; none for "" and for なし. Raises Unreadable."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.casefold() in _NO_ROLE:
        return []
    found: dict[Role, Term] = {}
    for part in filter(None, map(str.strip, _SEPARATOR.split(plain))):
        match = _ENTRY.fullmatch(part)
        role = _role(match.group(1), among) if match else None
        if match is None or role is None:
            names = "、".join(str(role.label) for role in among)
            reason = _("“%(text)s” is no role of this organisation. Choose from: %(roles)s")
            raise Unreadable(reason % {"text": part[:60], "roles": names})
        if role in found:
            raise Unreadable(_("The role %(role)s is written twice. Write it once.") % {"role": role.label})
        first, last = _period(match.group(2), part)
        found[role] = Term(role=role.value, valid_from=first, valid_until=last)
    return [found[role] for role in Role if role in found]


def strict(terms: Iterable[Term]) -> str:
    """The form that payloads hold: codes and ISO days. `parse` reads it back."""
    return ";".join(f"{Role(term.role).value}{_brackets(period(term))}" for term in terms) or NONE


def read(text: str) -> list[Term]:
    """The roles of a payload. Raises Unreadable for what no form has checked."""
    return parse(text, list(Role))


def period(term: Term) -> str:
    """The days of a role without words, for plans and payloads: "2026-12-01..2027-03-31", "..2027-03-31", ""."""
    if term.valid_from is None and term.valid_until is None:
        return ""
    return f"{term.valid_from or ''}..{term.valid_until or ''}"


def _brackets(text: str) -> str:
    return f"({text})" if text else ""


def _role(name: str, among: Sequence[Role]) -> Role | None:
    wanted = name.strip().casefold()
    return next((role for role in among if wanted in _names(role)), None)


def _names(role: Role) -> set[str]:
    names = {role.value.casefold()}
    for language in ("ja", "en"):
        with translation.override(language):
            names.add(unicodedata.normalize("NFKC", str(role.label)).casefold())
    return names


def _period(text: str | None, part: str) -> tuple[date | None, date | None]:
    """First and last day of a bracket; a lone day without から or まで could mean either."""
    if text is None:
        return None, None
    plain = text.strip()
    ended = plain.endswith("まで")
    first, between, last = _cut(plain.removesuffix("まで").strip())
    if not between:
        first, last = "", first
    days = [parse_date(day) if day else None for day in (first, last)]
    unread = any(day and read is None for day, read in zip((first, last), days, strict=True))
    if unread or not any(days) or not (between or ended):
        reason = _(
            "The days in “%(text)s” cannot be read. Write for example 承認者(2026-12-01から2027-03-31まで)."
        )
        raise Unreadable(reason % {"text": part[:60]})
    if days[0] and days[1] and days[1] < days[0]:
        raise Unreadable(
            _("In “%(text)s” the last day lies before the first day. Correct one of the two.")
            % {"text": part[:60]}
        )
    return days[0], days[1]


def _cut(text: str) -> tuple[str, str, str]:
    match = _BETWEEN.search(text)
    if match is None:
        return text, "", ""
    return text[: match.start()].strip(), match.group(), text[match.end() :].strip()


def msgid_of(role: str) -> str:
    """The name of a role as plans keep it: translated only when it is shown."""
    with translation.override(None):
        return str(Role(role).label)
