"""Text as Japanese offices write it: what is corrected at entry, what is folded for search, what is never touched.

Kanji names are never normalised: NFKC and NFC rewrite compatibility kanji such as 﨑-like U+FA10 塚 or U+FA19 神.
"""

from __future__ import annotations

import re
import unicodedata

import jaconv

# Forms of one character that people take for the same: 髙橋 is looked for as 高橋. For searching only.
_VARIANTS = str.maketrans(
    "髙﨑𥔎碕邊邉齋齊斎濵濱槗桥嶋嶌冨瀨德眞澤廣國櫻龍惠榮條藏槇曻鄕郞增寬淸靜黑",
    "高崎崎崎辺辺斉斉斉浜浜橋橋島島富瀬徳真沢広国桜竜恵栄条蔵槙昇郷郎増寛清静黒",
)
_SPACES = re.compile(r"\s+")
# What people and spreadsheets write for a hyphen; NFKC leaves these as they are.
_HYPHENS = str.maketrans(dict.fromkeys("ー‐‑‒–—―−ｰ", "-"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
KATAKANA_NAME = re.compile(r"^[ァ-ヶー・ヽヾ　 ]+$")


def squeeze(value: str) -> str:
    """Without surrounding white space, inner runs of it as one plain space."""
    return _SPACES.sub(" ", value).strip()


def ascii_identifier(value: str) -> str:
    """Identifiers, addresses and numbers: full-width forms become ASCII, spaces go (自動補正)."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", value))


def hyphenated(value: str) -> str:
    """An identifier in ASCII: half-width, without spaces, every dash a hyphen."""
    return ascii_identifier(value.translate(_HYPHENS)).translate(_HYPHENS)


def person_name(value: str) -> str:
    """A name in kanji: only half-width kana and full-width ASCII are corrected, every kanji stays as written."""
    return squeeze(
        jaconv.h2z(jaconv.z2h(value, kana=False, ascii=True, digit=True), kana=True, ascii=False, digit=False)
    )


def katakana(value: str) -> str:
    """A reading: hiragana and half-width kana become full-width katakana."""
    return squeeze(jaconv.hira2kata(jaconv.h2z(unicodedata.normalize("NFKC", value), kana=True)))


def has_control_characters(value: str) -> bool:
    """Whether the text holds characters that nobody can see and AD or a mail header must not get."""
    return bool(_CONTROL.search(value))


def without_control_characters(value: str) -> str:
    """Text of a foreign system, made safe to store and show (AD ends its messages with a NUL)."""
    return _SPACES.sub(" ", _CONTROL.sub(" ", value)).strip()


def search_key(*values: str) -> str:
    """Folded text for searching: NFKC, lower case, hiragana as katakana, common forms of kanji, one space between values."""
    joined = " ".join(value for value in values if value)
    return squeeze(jaconv.hira2kata(unicodedata.normalize("NFKC", joined).casefold())).translate(_VARIANTS)


def search_terms(query: str, limit: int = 5) -> list[str]:
    """The folded words of a search box; all of them must occur. At most `limit`, the rest is ignored."""
    return search_key(query[:200]).split()[:limit]


def romaji(reading: str) -> str:
    """A reading in Latin letters (ヘボン式), lower case: サトウ is "satou", ハットリ is "hattori".

    Long vowels stay as they are written; `romaji_spellings` gives the forms that people type. Anything but kana is left out.
    """
    kana = jaconv.kata2hira(katakana(reading))
    syllables = "".join(
        character for character in kana if "\u3041" <= character <= "\u3096" or character == "ー"
    )
    return re.sub(r"[^a-z]", "", jaconv.kana2alphabet(syllables).replace("-", ""))


def romaji_spellings(reading: str) -> tuple[str, ...]:
    """The reading with and without its long vowels: 大野 is searched for as oono, ono and ohno alike."""
    full = romaji(reading)
    short = re.sub(r"o[ou]", "o", full).replace("uu", "u")
    with_h = re.sub(r"o[ou](?=[^aiueo]|$)", "oh", full)
    return tuple(dict.fromkeys((full, short, with_h)))
