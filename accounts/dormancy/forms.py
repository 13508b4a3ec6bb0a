"""The search above a list, and the answer below it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.dormancy.models import DormantLine
from accounts.dormancy.selectors import MUST_CHANGE, NEVER
from portal.common.forms import PortalForm
from portal.workflow.rounds.answers import REASON_LENGTH
from portal.workflow.rounds.forms import LinesForm

# Any number that a bigint holds, then a version.
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


class AnswerForm(LinesForm):
    """One answer for one or several lines; each line is named with the version that the person saw."""

    choose_one = gettext_lazy("Choose at least one account.")

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

    def clean(self) -> dict[str, Any]:
        """ACC-14: keeping needs a reason."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("answer") == DormantLine.Answer.KEEP and not cleaned.get("reason", "").strip():
            self.add_error("reason", _("Write why the account is still needed."))
        return cleaned
