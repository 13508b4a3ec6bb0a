"""The forms of reconciliation: the filter of the list, an answer, a confirmation, and starting a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.reconciliation.answers import REASON_LENGTH
from accounts.reconciliation.models import Answer, FindingKind, FindingState
from accounts.reconciliation.selectors import EVERY
from portal.common.forms import PortalForm
from portal.orgs.models import Organisation


class FindingFilterForm(PortalForm):
    """The filter above the list; its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Login name or name"), required=False, max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Finding"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = [("", _("All"))]
        choices = [(organisation.code, organisation.short_name) for organisation in organisations]
        self.fields["kind"].choices = [*every, *FindingKind.choices]  # type: ignore[attr-defined]
        self.fields["state"].choices = [  # type: ignore[attr-defined]
            ("", _("Still open")),
            *FindingState.choices,
            (EVERY, _("All")),
        ]
        if len(choices) > 1:
            self.fields["organisation"].choices = [*every, *choices]  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]


class SeenForm(PortalForm):
    """What the person saw, so that nothing else is decided."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)


class AnswerForm(SeenForm):
    """One of the possible answers, and why."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose an answer.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Whom you asked and what they said. The federation sees this text."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=REASON_LENGTH,
        error_messages={"required": gettext_lazy("Write the reason.")},
    )

    def __init__(
        self, *args: Any, answers: Iterable[Answer], need_two: Collection[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        note = _("(a second operator has to confirm)")
        self.fields["answer"].choices = [  # type: ignore[attr-defined]
            (answer.value, f"{answer.label}{note}" if answer in need_two else answer.label)
            for answer in answers
        ]


class StartForm(PortalForm):
    """What is to be compared: one organisation, or all."""

    organisation = forms.ModelChoiceField(
        label=gettext_lazy("Organisation"),
        queryset=Organisation.objects.all(),
        to_field_name="code",
        required=False,
        empty_label=gettext_lazy("All organisations"),
    )
