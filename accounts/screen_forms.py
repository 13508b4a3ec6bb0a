"""The forms of the account screens: search, and the correction of a recipient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import recipients
from accounts.forms import RecipientField
from accounts.models import DirectoryAccount
from accounts.selectors import EXPIRIES
from portal.common.filters import FilterForm
from portal.common.forms import PortalForm
from portal.orgs.models import Organisation


class AccountFilterForm(FilterForm):
    """The search above the list; its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Name, kana, login name or department"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    account_type = forms.ChoiceField(label=gettext_lazy("Type of account"), required=False)
    department = forms.CharField(label=gettext_lazy("Department"), required=False, max_length=64)
    expiry = forms.ChoiceField(label=gettext_lazy("Last day of use"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": DirectoryAccount.State.choices,
            "account_type": DirectoryAccount.AccountType.choices,
            "expiry": EXPIRIES.items(),
        }


class ChangeRecipientForm(PortalForm):
    """Another recipient of the same organisation for one operation."""

    recipient_id = RecipientField()

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipient_id"].choices = [("", _("Choose")), *recipients.options(organisation)]  # type: ignore[attr-defined]
