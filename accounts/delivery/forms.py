"""The code that a recipient enters, and the way that an organisation chooses."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.delivery.models import DeliveryMode
from portal.common.forms import IdentifierField, PortalForm


class PickupForm(PortalForm):
    """The code of the mail, and how many passwords had been drawn when the page was made."""

    code = IdentifierField(
        label=_("Code from the mail"),
        max_length=20,
        help_text=_("Eight characters, with or without the hyphen."),
    )
    draw = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class DeliveryForm(PortalForm):
    """How recipients of this organisation get initial passwords."""

    mode = forms.ChoiceField(
        label=_("Delivery of initial passwords"),
        widget=forms.RadioSelect,
        choices=[
            (DeliveryMode.MAIL, _("By mail: the recipient gets the password itself")),
            (
                DeliveryMode.PICKUP,
                _("By code: the recipient gets a code by mail, logs in and sees the password once"),
            ),
        ],
    )
