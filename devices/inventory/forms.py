"""The search above a sheet, the decision below it, the scan field, and the page of the user who was asked."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.inventory.asking import REPLY_LENGTH
from devices.inventory.deciding import REASON_LENGTH, Decision
from devices.inventory.models import InventoryLine
from portal.common.forms import PortalForm

# Any number that a bigint holds, then a version.
_LINE = re.compile(r"[0-9]{1,18}:[0-9]{1,5}")
_DECISIONS = (
    ("", gettext_lazy("All")),
    ("open", gettext_lazy("not decided")),
    ("replied", gettext_lazy("the user has answered")),
    *InventoryLine.Decision.choices,
    ("gone", gettext_lazy("ended meanwhile")),
    ("unseen", gettext_lazy("label not scanned")),
)
_USAGES = (
    ("", gettext_lazy("All")),
    ("exceptions", gettext_lazy("exceptions only")),
    *InventoryLine.Usage.choices,
)


class FilterForm(PortalForm):
    """The search above a sheet; its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Number, device, user or machine"), required=False, max_length=200)
    decision = forms.ChoiceField(label=gettext_lazy("Decision"), required=False, choices=_DECISIONS)
    usage = forms.ChoiceField(label=gettext_lazy("Use"), required=False, choices=_USAGES)


class LinesForm(PortalForm):
    """Lines that were ticked, each named with the version that the person saw."""

    line = forms.MultipleChoiceField(label=gettext_lazy("Devices"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posted = self.data.getlist("line") if self.is_bound else []  # type: ignore[attr-defined]
        self.chosen = {value for value in posted if _LINE.fullmatch(value)}
        self.fields["line"].choices = [(value, value) for value in self.chosen]  # type: ignore[attr-defined]

    def clean_line(self) -> list[str]:
        """At least one line, each as "id:version"."""
        values: list[str] = self.cleaned_data["line"]
        if not values:
            raise forms.ValidationError(_("Choose at least one device."))
        return values

    @property
    def line_ids(self) -> list[int]:
        """The lines; call it on a valid form."""
        return [int(value.partition(":")[0]) for value in self.cleaned_data["line"]]


class DecisionForm(LinesForm):
    """One decision about one or several lines."""

    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"), choices=InventoryLine.Decision.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=REASON_LENGTH,
        help_text=gettext_lazy(
            "Needed for “keep” (unless the device was used recently) and for “missing”: what is known."
        ),
    )

    def __init__(self, *args: Any, may_decide: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_decide:
            remove = InventoryLine.Decision.REMOVE
            self.fields["decision"].choices = [(remove.value, remove.label)]  # type: ignore[attr-defined]

    def decisions(self) -> list[Decision]:
        """What was chosen; call it on a valid form."""
        found = []
        for value in self.cleaned_data["line"]:
            number, _colon, version = value.partition(":")
            found.append(
                Decision(
                    line_id=int(number),
                    version=int(version),
                    decision=self.cleaned_data["decision"],
                    reason=self.cleaned_data["reason"],
                )
            )
        return found


class ScanForm(PortalForm):
    """One label. What is chosen stays for the next scan."""

    number = forms.CharField(
        label=gettext_lazy("Device number"),
        max_length=40,
        help_text=gettext_lazy("Scan the label, or type the number and press Enter."),
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "off", "inputmode": "text", "data-w": "20"}
        ),
    )
    keep = forms.BooleanField(
        label=gettext_lazy("Decide “keep” as well, with this reason"),
        required=False,
        help_text=gettext_lazy("Only devices that nobody has decided yet."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=REASON_LENGTH)


class ReplyForm(PortalForm):
    """What the user of a device answers."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Your answer"), choices=InventoryLine.Reply.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=gettext_lazy("What do you need it for, or what became of it?"),
        required=False,
        max_length=REPLY_LENGTH,
    )
