"""What people of operations write down when they act."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.common.forms import PortalForm


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


class ReasonForm(PortalForm):
    """Why it ends without a result; the applicant sees it."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("The applicant sees this text. Say why it is not carried out and what to do instead."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
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
