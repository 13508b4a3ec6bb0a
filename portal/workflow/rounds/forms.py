"""The forms below a list: lines that were ticked with one answer for all of them, and a filled table."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm, chosen
from portal.workflow.rounds.answers import Answer


class LinesForm(PortalForm):
    """Lines that were ticked, each named with the version that the person saw."""

    choose_one: ClassVar[str | Promise]  # what to say when none was ticked

    line = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posted = self.data.getlist("line") if self.is_bound else []  # type: ignore[attr-defined]
        self.chosen = {f"{pk}:{version}" for pk, version in chosen(posted).items()}
        self.fields["line"].choices = [(value, value) for value in self.chosen]  # type: ignore[attr-defined]

    def clean_line(self) -> dict[int, int]:
        """At least one line: its version by its id."""
        lines = chosen(self.cleaned_data["line"])
        if not lines:
            raise forms.ValidationError(str(self.choose_one))
        return lines

    @property
    def line_ids(self) -> list[int]:
        """The lines; call it on a valid form."""
        return list(self.cleaned_data["line"])

    def answers(self, field: str) -> list[Answer]:
        """The value of `field`, with its reason, for each line; call it on a valid form."""
        answer, reason = self.cleaned_data[field], self.cleaned_data["reason"]
        return [
            Answer(line_id=pk, version=version, answer=answer, reason=reason)
            for pk, version in self.cleaned_data["line"].items()
        ]


class AnswerFileForm(PortalForm):
    """The filled table of a list."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("The downloaded table with your answers: Excel (.xlsx) or CSV."),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        error_messages={"required": gettext_lazy("Choose a file first.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is wrong is said with the address of its cell; an empty file is no exception.
        self.fields["file"].allow_empty_file = True  # type: ignore[attr-defined]
