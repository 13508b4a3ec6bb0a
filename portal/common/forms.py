"""Forms that people of an office fill in: what can be corrected is corrected, what cannot gets a message that says what to do.

Every form of the portal inherits PortalForm (or PortalModelForm); components/form.html renders it.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.functional import cached_property, lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common import text, time

# Outside the assigned characters of Unicode: private use (外字), surrogates, unassigned.
_NO_COMMON_CHARACTER = frozenset({"Co", "Cs", "Cn"})
_SYMBOL = "So"  # emoji and the like: no other system that gets the name could hold them
_CHOICE = re.compile(r"[0-9]{1,18}:[0-9]{1,9}")
_KANA_OR_SPACE = re.compile(r"[ァ-ヶー・ヽヾ　 ]")


@dataclass(frozen=True)
class Problem:
    """One entry of the error summary: the id to jump to ("" for none) and the same words as at the field."""

    target: str
    text: str


@dataclass(frozen=True)
class Correction:
    """A value that was corrected at entry (自動補正): shown so that the person notices."""

    label: str
    typed: str
    corrected: str


_REQUIRED = forms.Field.default_error_messages["required"]
_TOO_LONG = gettext_lazy("Shorten this to %(limit_value)s characters (now %(show_value)s).")
# Django's name the code that was sent, which no person has seen.
_WITH_CODE = [
    kind.default_error_messages["invalid_choice"] for kind in (forms.ChoiceField, forms.MultipleChoiceField)
]
_NOT_OFFERED = gettext_lazy("This is not offered any more. Choose one of those that are shown.")
_CHOOSE, _ENTER = gettext_lazy("Choose: %(label)s"), gettext_lazy("Enter: %(label)s")
_labelled: Callable[[Any, Any], str] = lazy(lambda words, label: str(words) % {"label": label}, str)


class FormBehaviour:
    """What every form of the portal can do; mixed into Form and ModelForm."""

    # Fields shown side by side, e.g. (("family_name", "given_name"),); all others stand alone in their order.
    side_by_side: ClassVar[Sequence[Sequence[str]]] = ()
    # Forms of this very class with one context differ by their data alone, so that one serves a thousand rows (ACC-13).
    # Not inherited: a class says it of its own __init__.
    differs_by_data_alone: ClassVar[bool] = False
    # Fields that are required in the end although a draft may leave them empty.
    marked_required: ClassVar[frozenset[str]] = frozenset()
    # Fields that are required or not depending on others: called neither required nor optional.
    required_by_others: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False  # our own messages, in the page's language and place
        for field in self.fields.values():  # type: ignore[attr-defined]
            _style(field.widget)
            _name_in_message(field)

    @cached_property
    def error_summary(self) -> list[Problem]:
        """Every error in the order of the fields, for components/error_summary.html."""
        form: Any = self
        problems = [Problem("", message) for message in form.non_field_errors()]
        for bound in form:
            target = bound.auto_id if bound.use_fieldset else bound.id_for_label
            problems += [Problem(target, _with_label(str(bound.label), message)) for message in bound.errors]
        return problems

    def with_data(self, data: Mapping[str, Any]) -> Self:
        """A bound form like this one with other data, without building its fields anew; see differs_by_data_alone."""
        twin: Any = copy.copy(self)
        twin.__dict__.pop("error_summary", None)
        twin.data, twin.is_bound, twin._errors, twin._bound_fields_cache = data, True, None, {}
        return twin  # type: ignore[no-any-return]

    @property
    def rows(self) -> list[list[BoundField]]:
        """The visible fields in rows: those of `side_by_side` together, every other alone."""
        form: Any = self
        partners = {names[0]: names for names in self.side_by_side}
        followers = {name for names in self.side_by_side for name in names[1:]}
        return [
            [form[name] for name in partners.get(bound.name, (bound.name,))]
            for bound in form.visible_fields()
            if bound.name not in followers
        ]

    def corrections(self) -> list[Correction]:
        """What was corrected at entry in a bound form."""
        form: Any = self
        form.is_valid()
        found = []
        for name, field in form.fields.items():
            if not isinstance(field, NormalisingField) or name not in form.cleaned_data:
                continue
            # As people see both; what was left empty and filled in by a rule is no correction.
            typed, corrected = str(form[name].value() or ""), field.prepare_value(form.cleaned_data[name])
            if typed.strip() and typed.strip() != corrected:
                found.append(Correction(str(field.label or name), typed, corrected))
        return found


class PortalForm(FormBehaviour, forms.Form):
    """Base of the forms that stand for themselves."""


class PortalModelForm(FormBehaviour, forms.ModelForm):
    """Base of the forms that write a model."""


def chosen(values: Iterable[str]) -> dict[int, int]:
    """Rows that a form named "id:version" as they were shown: the version that the person saw, by id. The rest is left out."""
    named = (value.split(":") for value in values if _CHOICE.fullmatch(value))
    return {int(pk): int(version) for pk, version in named}


def describe_filters(form: forms.Form) -> str:
    """What a bound form of filters says, in words, for a printed list: "状態: 利用中、所属: 総務課"."""
    form.is_valid()
    parts = []
    for name, value in form.cleaned_data.items():
        field = form.fields[name]
        if value in (None, "", [], False):
            continue
        choices: dict[Any, Any] = dict(field.choices) if isinstance(field, forms.ChoiceField) else {}  # type: ignore[arg-type]
        shown = choices.get(value, value)
        parts.append(_("%(label)s: %(value)s") % {"label": field.label, "value": shown})
    return _(", ").join(map(str, parts))


def _name_in_message(field: forms.Field) -> None:
    """Say what is missing or what to shorten: "this field is required" ten times over helps nobody."""
    field.error_messages.setdefault("max_length", _TOO_LONG)
    if any(field.error_messages.get("invalid_choice") is text for text in _WITH_CODE):
        field.error_messages["invalid_choice"] = _NOT_OFFERED
    # The very object: comparing lazy texts would translate both, for each field of each of a thousand rows (ACC-13).
    if field.error_messages.get("required") is not _REQUIRED or field.label is None:
        return
    words = _CHOOSE if isinstance(field, forms.ChoiceField) else _ENTER
    field.error_messages["required"] = _labelled(words, field.label)


def _with_label(label: str, message: str) -> str:
    """The message as it stands at its field, after the name of the field where it does not say it itself."""
    return message if label in message else _("%(label)s: %(message)s") % {"label": label, "message": message}


def _style(widget: forms.Widget) -> None:
    """Give a widget the class of the style sheet; check boxes and radio buttons are drawn by their label."""
    plain = (
        forms.CheckboxInput,
        forms.RadioSelect,
        forms.CheckboxSelectMultiple,
        forms.FileInput,
        forms.HiddenInput,
    )
    if not isinstance(widget, plain) and "c-input" not in widget.attrs.get("class", ""):
        widget.attrs["class"] = f"{widget.attrs.get('class', '')} c-input".strip()


class NormalisingField(forms.CharField):
    """Text that is corrected before it is checked (自動補正). Subclasses say how."""

    normalise: Callable[[str], str] = staticmethod(text.squeeze)

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return type(self).normalise(value) if value else value

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and text.has_control_characters(value):
            raise ValidationError(
                _("Remove line breaks, tabs and other invisible characters."), code="control_character"
            )


class KanjiNameField(NormalisingField):
    """A name in kanji: every kanji stays as written, only half-width kana and full-width letters are corrected."""

    normalise = staticmethod(text.person_name)

    def validate(self, value: Any) -> None:
        super().validate(value)
        for character in value or "":
            if unicodedata.category(character) in _NO_COMMON_CHARACTER:
                raise ValidationError(
                    _(
                        "The character %(character)s (%(code)s) exists on single machines only. Enter a common character."
                    ),
                    code="private_character",
                    params={"character": character, "code": f"U+{ord(character):04X}"},
                )
            if unicodedata.category(character) == _SYMBOL:
                raise ValidationError(
                    _("Remove %(character)s: a name holds no emoji or symbols."),
                    code="symbol",
                    params={"character": character},
                )


class KanaField(NormalisingField):
    """A reading: hiragana and half-width kana become full-width katakana, all else is refused by name."""

    normalise = staticmethod(text.katakana)

    def validate(self, value: Any) -> None:
        super().validate(value)
        strange = "".join(dict.fromkeys(c for c in value or "" if not _KANA_OR_SPACE.match(c)))
        if strange:
            raise ValidationError(
                _("Enter the reading in katakana. These characters cannot be used: %(characters)s"),
                code="not_kana",
                params={"characters": strange},
            )


class IdentifierField(NormalisingField):
    """Identifiers and numbers in ASCII: full-width forms become half-width, spaces go."""

    normalise = staticmethod(text.ascii_identifier)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("autocapitalize", "none")
        self.widget.attrs.setdefault("autocomplete", "off")
        self.widget.attrs.setdefault("spellcheck", "false")
        self.widget.attrs.setdefault("class", "u-mono")

    def validate(self, value: Any) -> None:
        super().validate(value)
        strange = "".join(dict.fromkeys(c for c in value or "" if not c.isascii()))
        if strange:
            raise ValidationError(
                _(
                    "Enter half-width letters, digits and signs. These characters cannot be used: %(characters)s"
                ),
                code="not_ascii",
                params={"characters": strange},
            )


class MailAddressField(IdentifierField):
    """A mail address in ASCII, corrected like an identifier."""

    widget = forms.EmailInput
    _ADDRESS = re.compile(
        r"[^\s@<>()\[\],;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+"
    )

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        super().__init__(**kwargs)
        # Browsers refuse full-width letters in type=email before the portal could correct them.
        self.widget.input_type = "text"
        self.widget.attrs["inputmode"] = "email"

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not self._ADDRESS.fullmatch(value):
            raise ValidationError(_("Enter a mail address such as taro@example.jp."), code="malformed_mail")


class WarekiDateField(forms.DateField):
    """One text box for a date as people write it: 2026/12/1, 2026-12-01, R8.12.1 or 令和8年12月1日."""

    widget = forms.TextInput
    default_error_messages: ClassVar = {
        "invalid": gettext_lazy("Enter a date that exists, such as 2026/12/1 or R8.12.1."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("For example 2026/12/1 or R8.12.1"))
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("autocomplete", "off")
        self.widget.attrs.setdefault("data-w", "20")

    def to_python(self, value: Any) -> dt.date | None:
        if value in self.empty_values or isinstance(value, dt.date):
            return value.date() if isinstance(value, dt.datetime) else (value or None)
        day = time.parse_date(str(value))
        if day is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return day

    def prepare_value(self, value: Any) -> Any:
        return f"{value.year}/{value.month}/{value.day}" if isinstance(value, dt.date) else value


class ClockField(IdentifierField):
    """A time of the day in Japan, such as 18:30."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("For example 18:30"))
        super().__init__(max_length=5, **kwargs)
        self.widget.attrs["data-w"] = "20"

    def to_python(self, value: Any) -> Any:
        """A `time`, or "" for nothing."""
        text = super().to_python(value)
        if not text:
            return text
        hours, colon, minutes = text.partition(":")
        try:
            if not colon or len(minutes) != 2:
                raise ValueError
            return dt.time(int(hours), int(minutes))
        except ValueError as error:
            raise ValidationError(_("Enter a time such as 18:30."), code="invalid") from error

    def validate(self, value: Any) -> None:
        """The text was judged while it was read."""
        if value in self.empty_values:
            super().validate(value)

    def run_validators(self, value: Any) -> None:
        """Nothing beyond to_python."""

    def prepare_value(self, value: Any) -> Any:
        """As people write it."""
        return f"{value:%H:%M}" if isinstance(value, dt.time) else value


class ReasonField(forms.CharField):
    """Several lines of free text; line breaks are kept, other invisible characters are refused."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 2000)
        super().__init__(**kwargs)
        self.widget.attrs["rows"] = 4

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and text.has_control_characters(re.sub(r"[\r\n\t]", "", value)):
            raise ValidationError(_("Remove the invisible characters."), code="control_character")


if TYPE_CHECKING:  # what subclasses of kinds promise on top (portal.workflow.kinds)

    class LineForm(PortalForm):
        """The form of one line of an application."""

        def to_payload(self) -> Any: ...
