"""The search above a sheet, the decision below it, the scan field, and the page of the user who was asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from devices.inventory.asking import REPLY_LENGTH
from devices.inventory.models import InventoryLine
from portal.common.forms import PortalForm
from portal.workflow.rounds.answers import REASON_LENGTH
from portal.workflow.rounds.forms import LinesForm

# Any number that a bigint holds, then a version.
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


class DevicesForm(LinesForm):
    """Devices that were ticked."""

    choose_one = gettext_lazy("Choose at least one device.")

    line = forms.MultipleChoiceField(label=gettext_lazy("Devices"), required=False)


class DecisionForm(DevicesForm):
    """One decision about one or several lines."""

    required_by_others = frozenset({"reason"})

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


class ScanForm(PortalForm):
    """One label. What is chosen stays for the next scan."""

    required_by_others = frozenset({"reason"})

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

    required_by_others = frozenset({"text"})

    answer = forms.ChoiceField(
        label=gettext_lazy("Your answer"), choices=InventoryLine.Reply.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=gettext_lazy("What do you need it for, or what became of it?"),
        required=False,
        max_length=REPLY_LENGTH,
    )
