"""Choices that say why something cannot be chosen, and lists that also come as one text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.common.text import squeeze

_LISTED = re.compile(r"[、,，;；\n\r]+")
_MARKS = re.compile(r"[\s　・･/／ー－―‐‑–—−ｰ()（）「」_-]")


def folded(text: str) -> str:
    """A word without width, case, spaces, dashes and dots between its parts."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


def listed(value: Any) -> list[str]:
    """Several words: a list, or one text with 、 , ; or lines between them."""
    parts = _LISTED.split(value) if isinstance(value, str) else [str(part) for part in value or []]
    return [word for part in parts if (word := squeeze(part))]


class ReasonedChoiceField(forms.ChoiceField):
    """A choice that takes the label as well as the code, and says why a known word is refused.

    `refusals` are reasons by folded word. `unknown` is said about anything else.
    """

    def __init__(self, *, unknown: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refusals: Mapping[str, Any] = {}
        self.unknown = unknown

    def to_python(self, value: Any) -> str:
        """The code, also where the label was written."""
        text = squeeze(str(value)) if value not in self.empty_values else ""
        return self._codes().get(folded(text), text)

    def validate(self, value: Any) -> None:
        """Refuse with the reason where there is one."""
        if value and folded(value) in self.refusals:
            raise ValidationError(str(self.refusals[folded(value)]), code="refused")
        if value and value not in self._codes().values() and self.unknown is not None:
            raise ValidationError(str(self.unknown), code="unknown")
        super().validate(value)

    def _codes(self) -> dict[str, str]:
        known: Iterable[Any] = self.choices  # type: ignore[assignment]
        pairs = [(str(code), str(label)) for code, label in known if code]
        return {folded(label): code for code, label in pairs} | {folded(code): code for code, _label in pairs}


class WordsField(forms.MultipleChoiceField):
    """Several of the offered choices, by code or label; also as one text, as tables hold them."""

    def to_python(self, value: Any) -> list[str]:
        """The codes in the order of the choices, unknown words after them."""
        choices: Any = self.choices
        codes = {folded(str(label)): str(code) for code, label in choices}
        codes |= {folded(str(code)): str(code) for code, _label in choices}
        written = {codes.get(folded(word), word) for word in listed(value)}
        order = [str(code) for code, _label in choices]
        return sorted(written, key=lambda code: (order.index(code) if code in order else len(order), code))
