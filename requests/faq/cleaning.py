"""Removing what names persons before everybody reads it (REQ-11, ORG-02).

What is known of an enquiry (its people, its organisation, its number) is replaced in the proposal and refused later.
What only looks like it (telephone numbers, addresses of machines, names of accounts) is pointed out: a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.orgs.models import Organisation, User
from requests.enquiries.models import Enquiry, EnquiryMessage

BLANK = "〇〇"
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SUSPICIOUS = (
    re.compile(r"(?<![0-9])0[0-9]{1,4}[-(‐－―ー][0-9]{1,4}[-)‐－―ー][0-9]{3,4}(?![0-9])"),
    re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])"),
    re.compile(r"(?<![A-Za-z0-9])(?:[Tt]?[Kk]{1,2}[0-9]{2}|[a-z]{2}[0-9]{2,5})-[A-Za-z0-9-]{2,}"),
    re.compile(r"[一-龥々]{1,4}(?:さん|様|氏|主任|係長|課長|部長)"),
    re.compile(r"(?<![A-Z])[A-Z]{1,4}-[0-9]{4}-[0-9]{6,}"),
)
_SHORTEST = 2  # of a name that is looked for: a family name of one kanji stands in every other sentence


@dataclass(frozen=True, kw_only=True)
class Found:
    """What names or may name somebody in a text."""

    certain: tuple[str, ...] = ()  # refused
    suspicious: tuple[str, ...] = ()  # pointed out


def known_names(enquiry: Enquiry | None) -> tuple[str, ...]:
    """The people and the organisation of an enquiry, longest first; every federation is one that must not be named."""
    names = {name for place in Organisation.objects.all() for name in (place.name, place.short_name)}
    if enquiry is not None:
        authors = EnquiryMessage.system.filter(enquiry=enquiry, author__isnull=False).select_related("author")
        for person in {enquiry.asker, *(message.author for message in authors if message.author)}:
            names |= set(_of_person(person))
        names.add(enquiry.number)
    common = {"国保中央会", "国民健康保険中央会", "中央会"}
    operations = {place.name for place in Organisation.objects.exclude(kind__in=("FEDERATION", "STAGING"))}
    operations |= {
        place.short_name for place in Organisation.objects.exclude(kind__in=("FEDERATION", "STAGING"))
    }
    found = {name for name in names - common - operations if len(name) >= _SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def _of_person(person: User) -> Iterable[str]:
    parts = re.split(r"[ \u3000]+", person.display_name)
    return (person.display_name, person.login_name, person.email, *parts, "".join(parts))


def cleaned(text: str, names: Iterable[str]) -> str:
    """The text with known names and mail addresses blanked, for the first proposal."""
    text = _MAIL.sub(BLANK, unicodedata.normalize("NFC", text))
    for name in names:
        text = text.replace(name, BLANK) if name else text
    return text


def look_into(text: str, names: Iterable[str]) -> Found:
    """What still names somebody, and what may."""
    certain = [*_MAIL.findall(text), *(name for name in names if name and name in text)]
    suspicious = [match.group() for pattern in _SUSPICIOUS for match in pattern.finditer(text)]
    return Found(
        certain=tuple(dict.fromkeys(certain)),
        suspicious=tuple(word for word in dict.fromkeys(suspicious) if word not in certain),
    )


def refusal(found: Found) -> str:
    """Why a text with certain names is not taken."""
    text = _("Remove what names people or organisations: %(words)s")
    return text % {"words": "、".join(found.certain)}
