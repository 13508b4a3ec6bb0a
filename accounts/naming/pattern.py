"""From a pattern and a person to a login name, without asking anybody: `{prefix}{-}{family}{-}{given1}` is k13-suzuki-i."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from django.utils.translation import gettext as _

from portal.common.text import romaji
from portal.gateways.directory_rules import LOGIN_NAME_LENGTH, validate_login_name

WORDS = ("prefix", "family", "given", "staff", "prefecture")
SEPARATORS = ("-", ".", "_")
NUMBER = "number"
_PART = re.compile(r"\{([^{}]*)\}|([^{}]+)")
_TOKEN = re.compile(r"([a-z]+?)(?::?(\d{1,2}))?")
_LITERAL = re.compile(r"[A-Za-z0-9._-]+")
_SHORTEST_FAMILY = 3  # a longer name gives way to this length before the given name does


class PatternError(ValueError):
    """The pattern cannot be used. `reason` is a translated sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Namesake:
    """Of a person what a login name can be made of. Readings in kana."""

    family_kana: str
    given_kana: str
    staff_number: str = ""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a pattern: a word with the length it is cut to (0: not), a separator, a number, or literal text."""

    kind: str  # one of WORDS, NUMBER, "separator", "literal"
    length: int = 0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A pattern that was read, with the values that are the same for all people of an organisation."""

    pieces: tuple[Piece, ...]
    prefix: str = ""
    prefecture: str = ""
    suffix: str = (
        "{n}"  # what a second person of the same name gets, when the pattern has no number of its own
    )
    short_vowels: bool = True
    uses: frozenset[str] = field(default=frozenset())

    def names(self, person: Namesake) -> Iterator[str]:
        """Names for a person in the order in which they are tried; none when the pattern needs what is not known."""
        words = self._words(person)
        if any(not words[word] for word in self.uses & {"family", "given", "staff"}):
            return
        for number in count(1):
            name = self._name(words, number)
            if name is None or validate_login_name(name):
                return
            yield name

    def _words(self, person: Namesake) -> dict[str, str]:
        spell = short_romaji if self.short_vowels else romaji
        return {
            "prefix": self.prefix,
            "prefecture": self.prefecture,
            "family": spell(person.family_kana),
            "given": spell(person.given_kana),
            "staff": "".join(c for c in person.staff_number.lower() if c.isascii() and c.isalnum()),
        }

    def _name(self, words: dict[str, str], number: int) -> str | None:
        """The name, with its words shortened to what AD can hold; None when that is not possible."""
        suffix = ""
        if NUMBER not in self.uses and number > 1:
            suffix = self.suffix.replace("{nn}", f"{number:02}").replace("{n}", str(number))
        texts = [self._text(piece, words, number) for piece in self.pieces]
        for word, shortest in (("family", _SHORTEST_FAMILY), ("given", 1)):
            self._shorten(texts, word, shortest, len(suffix))
        name = "".join(_without_idle_separators(self.pieces, texts)) + suffix
        return name if len(name) <= LOGIN_NAME_LENGTH else None

    @staticmethod
    def _text(piece: Piece, words: dict[str, str], number: int) -> str:
        if piece.kind in WORDS:
            text = words[piece.kind]
            return text[: piece.length] if piece.length else text
        return str(number).zfill(piece.length) if piece.kind == NUMBER else piece.text

    def _shorten(self, texts: list[str], word: str, shortest: int, reserved: int) -> None:
        for place, piece in enumerate(self.pieces):
            too_many = sum(map(len, texts)) + reserved - LOGIN_NAME_LENGTH
            if piece.kind == word and too_many > 0:
                texts[place] = texts[place][: max(len(texts[place]) - too_many, shortest)]


def read_pattern(text: str) -> tuple[Piece, ...]:
    """The pieces of a pattern as it was typed. Raises PatternError with what to do."""
    pieces, end = [], 0
    for found in _PART.finditer(text):
        if found.start() != end:
            break
        end = found.end()
        pieces.append(_literal(found[2]) if found[2] is not None else _token(found[1]))
    if end != len(text) or not text:
        raise PatternError(
            _("Write a pattern such as {example}.").format(example="{prefix}{-}{family}{-}{given1}")
        )
    if not {piece.kind for piece in pieces} & {"family", "given", "staff"}:
        raise PatternError(_("The pattern must hold the family name, the given name or the staff number."))
    if [piece.kind for piece in pieces].count(NUMBER) > 1:
        raise PatternError(_("The number may stand in the pattern once."))
    return tuple(pieces)


def short_romaji(reading: str) -> str:
    """The reading as people spell it in login names: サトウ is sato and ユウコ is yuko, but イノウエ stays inoue."""
    return re.sub(r"(?<=[yhjf])uu", "u", re.sub(r"oo|ou(?!e)", "o", romaji(reading)))


def _literal(text: str) -> Piece:
    if not _LITERAL.fullmatch(text):
        raise PatternError(
            _("Outside the braces only letters, digits, hyphens, underscores and full stops can be used.")
        )
    return Piece(kind="literal", text=text.lower())


def _token(text: str) -> Piece:
    if text in SEPARATORS:
        return Piece(kind="separator", text=text)
    found = _TOKEN.fullmatch(text)
    if found is None or found[1] not in (*WORDS, NUMBER):
        raise PatternError(_("There is no {token} in patterns.").format(token=f"{{{text}}}"))
    length = int(found[2] or 0)
    if length > LOGIN_NAME_LENGTH:
        raise PatternError(_("A login name has at most 20 characters."))
    return Piece(kind=found[1], length=length)


def _without_idle_separators(pieces: tuple[Piece, ...], texts: list[str]) -> Iterator[str]:
    """A separator stands between two texts only: none at the ends, none beside an empty word."""
    before, waiting = False, ""
    for piece, text in zip(pieces, texts, strict=True):
        if piece.kind == "separator":
            waiting = text if before else ""
        elif text:
            yield waiting + text
            before, waiting = True, ""


def make_pattern(text: str, *, prefix: str, prefecture: str, suffix: str, short_vowels: bool) -> Pattern:
    """A pattern ready for use. Raises PatternError."""
    pieces = read_pattern(text)
    return Pattern(
        pieces=pieces,
        prefix=prefix.lower(),
        prefecture=prefecture,
        suffix=suffix,
        short_vowels=short_vowels,
        uses=frozenset(piece.kind for piece in pieces),
    )
