"""The forms of the log screens: the file, a machine, the mapping of a log, what counts as the application."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.imports import wording
from audit.imports.allowed import Allowed
from audit.imports.layout import Layout
from audit.imports.mappings import InvalidMapping
from audit.imports.models import Host
from audit.imports.wording import LABELS, MEANINGS
from audit.reconciliation.models import LogKind
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.orgs.models import Organisation

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_SEPARATORS = re.compile(r"[、,，\n]+")
_EMPTY_ROWS = 3


class MonthField(forms.CharField):
    """A month such as 2026-09, as its first day."""

    widget = forms.TextInput(attrs={"type": "month", "class": "c-input"})

    def to_python(self, value: Any) -> Any:
        """See the class."""
        text = super().to_python(value)
        if text is None or text in self.empty_values:
            return None
        if not _MONTH.fullmatch(text):
            raise ValidationError(_("Enter a month such as 2026-09."))
        return dt.date(int(text[:4]), int(text[5:]), 1)


class FileForm(PortalForm):
    """A file of log lines."""

    log_kind = forms.ChoiceField(label=gettext_lazy("Log"), choices=LogKind.choices, widget=forms.RadioSelect)
    month = MonthField(
        label=gettext_lazy("Month of the audit"),
        help_text=gettext_lazy("Rows of other months are kept too; the result says how many there were."),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or JSON lines, also packed with gzip. It is shown before anything is imported."
        ),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("This file is empty."),
        },
    )


class HostForm(PortalForm):
    """What is expected of a machine; with `organisations` also whose it is."""

    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"))
    name = NormalisingField(label=gettext_lazy("Machine"), max_length=100)
    sends_database = forms.ChoiceField(label=gettext_lazy("DB access logs"), required=False)
    sends_takeout = forms.ChoiceField(label=gettext_lazy("File take-out logs"), required=False)
    involves_number = forms.BooleanField(
        label=gettext_lazy("Holds individual numbers"),
        help_text=gettext_lazy("Its rows are kept for 7 years, otherwise for 3."),
        required=False,
    )
    first_day = WarekiDateField(label=gettext_lazy("First day"))
    last_day = WarekiDateField(label=gettext_lazy("Last day"), required=False)
    note = NormalisingField(label=gettext_lazy("Note"), max_length=200, required=False)
    side_by_side = (("sends_database", "sends_takeout"), ("first_day", "last_day"))

    def __init__(self, *args: Any, organisations: Iterable[Organisation] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = [(place.code, place.name) for place in organisations]
        if places:
            self.fields["organisation"].choices = [("", _("Choose")), *places]  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"], self.fields["name"]
        for name in ("sends_database", "sends_takeout"):
            self.fields[name].choices = [("", _("none")), *Host.Sends.choices]  # type: ignore[attr-defined]

    @classmethod
    def of(cls, host: Host) -> HostForm:
        """The form that shows a machine."""
        names = ("sends_database", "sends_takeout", "involves_number", "first_day", "last_day", "note")
        return cls(initial={name: getattr(host, name) for name in names})


class MappingForm(PortalForm):
    """How one log is read."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(wording.ENCODINGS.items()))
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Between two columns"),
        choices=[("comma", wording.DELIMITERS[","]), ("tab", wording.DELIMITERS["\t"])],
    )
    time_format = forms.ChoiceField(
        label=gettext_lazy("Time is written as"), choices=list(wording.TIMES.items())
    )
    zone = forms.ChoiceField(
        label=gettext_lazy("Clock of the log"),
        help_text=gettext_lazy("A zone that stands in the value itself counts before this."),
        choices=list(wording.ZONES.items()),
    )
    skew_minutes = forms.IntegerField(
        label=gettext_lazy("Clocks may differ by (minutes)"), min_value=1, max_value=1440
    )
    side_by_side = (("encoding", "delimiter"), ("time_format", "zone"))

    def __init__(self, *args: Any, log_kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log_kind = log_kind
        for name, label in LABELS.items():
            text = _("Heading: %(label)s") % {"label": label}
            self.fields[f"heading-{name}"] = forms.CharField(label=text, required=False, max_length=100)
        for name, codes in MEANINGS.items():
            for code, label in codes.items():
                text = _("%(label)s: %(value)s") % {"label": LABELS[name], "value": label}
                self.fields[f"word-{name}-{code}"] = forms.CharField(
                    label=text, required=False, max_length=500, help_text=_("Several with 、 between them.")
                )
        for field in self.fields.values():
            if isinstance(field, forms.CharField | forms.IntegerField):
                field.widget.attrs["class"] = "c-input"

    @classmethod
    def of(cls, layout: Layout) -> MappingForm:
        """The form that shows a layout."""
        plain = ("encoding", "time_format", "zone", "skew_minutes")
        initial: dict[str, Any] = {name: getattr(layout, name) for name in plain}
        initial["delimiter"] = "tab" if layout.delimiter == "\t" else "comma"
        initial |= {f"heading-{name}": layout.headings.get(name, "") for name in LABELS}
        for name, codes in MEANINGS.items():
            initial |= {f"word-{name}-{code}": "、".join(layout.words[name].get(code, ())) for code in codes}
        return cls(log_kind=layout.log_kind, initial=initial)

    def layout(self) -> Layout:
        """The layout of a checked form."""
        data = self.cleaned_data
        words = {
            name: {code: tuple(_listed(data[f"word-{name}-{code}"])) for code in codes}
            for name, codes in MEANINGS.items()
        }
        return Layout(
            self.log_kind,
            {name: data[f"heading-{name}"].strip() for name in LABELS},
            words,
            encoding=data["encoding"],
            delimiter="\t" if data["delimiter"] == "tab" else ",",
            time_format=data["time_format"],
            zone=data["zone"],
            skew_minutes=data["skew_minutes"],
        )

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its field."""
        for name, text in problems.headings.items():
            self.add_error(f"heading-{name}", text)
        for (name, code), text in problems.words.items():
            self.add_error(f"word-{name}-{code}", text)


class AccessForm(PortalForm):
    """The list of what counts as the application: a few more rows than there are entries; an empty one is left out."""

    WORDS = (
        ("account", gettext_lazy("Account of the application")),
        ("program", gettext_lazy("Program")),
        ("client", gettext_lazy("Client")),
        ("note", gettext_lazy("Note")),
    )

    def __init__(self, *args: Any, entries: Sequence[Allowed] = (), **kwargs: Any) -> None:
        data = args[0] if args else None
        asked = str(data.get("rows", "")) if data is not None else ""
        counted = asked.isascii() and asked.isdecimal() and len(asked) < 5
        self.count = min(int(asked), 500) if counted else len(entries) + _EMPTY_ROWS
        initial = {
            f"{name}-{place}": getattr(entry, name)
            for place, entry in enumerate(entries)
            for name, _label in self.WORDS
        }
        super().__init__(*args, initial=initial, **kwargs)
        for place in range(self.count):
            for name, label in self.WORDS:
                text = _("%(label)s, row %(row)d") % {"label": label, "row": place + 1}
                field = NormalisingField(label=text, max_length=100, required=False)
                field.widget.attrs |= {"class": "c-input", "aria-label": text}
                self.fields[f"{name}-{place}"] = field

    @property
    def lines(self) -> list[list[Any]]:
        """The fields row by row, for the table of the page."""
        return [[self[f"{name}-{place}"] for name, _label in self.WORDS] for place in range(self.count)]

    def entries(self) -> dict[int, Allowed]:
        """What was entered, by the row."""
        found = {}
        for place in range(self.count):
            values = {
                name: (self.cleaned_data.get(f"{name}-{place}") or "").strip() for name, _label in self.WORDS
            }
            if any(values.values()):
                found[place] = Allowed(**values)
        return found


def _listed(text: str) -> list[str]:
    return [word.strip() for word in _SEPARATORS.split(text) if word.strip()]
