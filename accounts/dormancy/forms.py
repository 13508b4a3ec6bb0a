"""The search above a list, and the answer below it."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.dormancy.answering import REASON_LENGTH, Decision
from accounts.dormancy.models import DormantLine
from accounts.dormancy.selectors import MUST_CHANGE, NEVER
from portal.common.forms import PortalForm

# Any number that a bigint holds, then a version.
_LINE = re.compile(r"[0-9]{1,18}:[0-9]{1,5}")
_ANSWERS = (
    ("", gettext_lazy("All")),
    ("open", gettext_lazy("not answered")),
    *DormantLine.Answer.choices,
    ("left", gettext_lazy("no answer needed any more")),
)
_KINDS = (
    ("", gettext_lazy("All")),
    (NEVER, gettext_lazy("never logged on")),
    (MUST_CHANGE, gettext_lazy("initial password never used")),
)


class FilterForm(PortalForm):
    """The search above a list; its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Name, login name or department"), required=False, max_length=200)
    answer = forms.ChoiceField(label=gettext_lazy("Answer"), required=False, choices=_ANSWERS)
    kind = forms.ChoiceField(label=gettext_lazy("Last logon"), required=False, choices=_KINDS)


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


class AnswerForm(PortalForm):
    """One answer for one or several lines; each line is named with the version that the person saw."""

    line = forms.MultipleChoiceField(label=gettext_lazy("Accounts"), required=False)
    answer = forms.ChoiceField(
        label=gettext_lazy("Answer"), choices=DormantLine.Answer.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason for keeping"),
        required=False,
        max_length=REASON_LENGTH,
        help_text=gettext_lazy("Needed for “keep”: for example on leave until 31 March."),
    )

    def __init__(self, *args: Any, may_delete: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_delete:
            keep = DormantLine.Answer.KEEP
            self.fields["answer"].choices = [(keep.value, keep.label)]  # type: ignore[attr-defined]
        posted = self.data.getlist("line") if self.is_bound else []  # type: ignore[attr-defined]
        self.chosen = {value for value in posted if _LINE.fullmatch(value)}
        self.fields["line"].choices = [(value, value) for value in self.chosen]  # type: ignore[attr-defined]

    def clean_line(self) -> list[str]:
        """At least one line, each as "id:version"."""
        values: list[str] = self.cleaned_data["line"]
        if not values:
            raise forms.ValidationError(_("Choose at least one account."))
        return values

    def clean(self) -> dict[str, Any]:
        """ACC-14: keeping needs a reason."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("answer") == DormantLine.Answer.KEEP and not cleaned.get("reason", "").strip():
            self.add_error("reason", _("Write why the account is still needed."))
        return cleaned

    def decisions(self) -> list[Decision]:
        """What was chosen; call it on a valid form."""
        found = []
        for value in self.cleaned_data["line"]:
            number, _colon, version = value.partition(":")
            found.append(
                Decision(
                    line_id=int(number),
                    version=int(version),
                    answer=self.cleaned_data["answer"],
                    reason=self.cleaned_data["reason"],
                )
            )
        return found
