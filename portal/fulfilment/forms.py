"""What people of operations write down when they act."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.common.files import FilesField
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.common.time import JST


class ConfirmForm(PortalForm):
    """A step that needs nothing but the decision."""


class NoteForm(PortalForm):
    """What was done by hand."""

    note = forms.CharField(
        label=_("What you did"),
        help_text=_("When, where and with which values. Never write a password here."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
        error_messages={"required": _("Write down what you did.")},
    )
    attachments = FilesField(
        label=_("Files that show it"),
        help_text=_("For example a picture of the screen. The applicant gets them with the result report."),
        required=False,
    )


class EvidenceForm(NoteForm):
    """What was done where the portal cannot look itself: when, by whom, and what shows it (REQ-12)."""

    side_by_side = (("done_on", "done_at"),)
    field_order = ("note", "done_on", "done_at", "done_by", "seen", "attachments")

    done_on = WarekiDateField(label=_("Day on which it was done"))
    done_at = forms.TimeField(
        label=_("Time"),
        input_formats=["%H:%M", "%H:%M:%S"],
        help_text=_("For example 14:30"),
        widget=forms.TextInput(attrs={"data-w": "20", "autocomplete": "off"}),
        error_messages={"invalid": _("Enter a time such as 14:30.")},
    )
    done_by = NormalisingField(
        label=_("Who did it"),
        help_text=_("Organisation and name, also where federation or maintenance did it."),
        max_length=200,
    )
    seen = forms.CharField(
        label=_("What shows that it is done"),
        help_text=_("What you saw afterwards and where. The applicant reads it."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
    )

    def clean(self) -> dict[str, Any]:
        """Nothing is done in the future."""
        cleaned = super().clean() or self.cleaned_data
        day, hour = cleaned.pop("done_on", None), cleaned.pop("done_at", None)
        if day and hour:
            moment = dt.datetime.combine(day, hour, JST)
            if moment > timezone.now():
                self.add_error("done_on", _future())
            cleaned["done_at"] = moment.isoformat()
        return cleaned


def _future() -> str:
    return gettext("This lies in the future. Record it when it is done.")


class ReasonForm(PortalForm):
    """Why it ends without a result; the applicant sees it."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("The applicant sees this text. Say why it is not carried out and what to do instead."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
        error_messages={"required": _("Write down the reason.")},
    )


class LetThroughForm(PortalForm):
    """Why one change does not wait for the freeze to end."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Say why it cannot wait, and who agreed."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        error_messages={"required": _("Write down the reason.")},
    )


class GateForm(PortalForm):
    """Why the queue is held or released; it stays in the trail."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For example: the backup of last night was put back. It is kept in the audit trail."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        error_messages={"required": _("Write down the reason.")},
    )
