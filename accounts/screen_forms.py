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
from portal.common.forms import PortalForm
from portal.orgs.models import Organisation


class AccountFilterForm(PortalForm):
    """The search above the list; its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Name, kana, login name or department"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    account_type = forms.ChoiceField(label=gettext_lazy("Type of account"), required=False)
    department = forms.CharField(label=gettext_lazy("Department"), required=False, max_length=64)
    expiry = forms.ChoiceField(label=gettext_lazy("Last day of use"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(organisation.code, organisation.short_name) for organisation in organisations]
        self.fields["state"].choices = [("", _("All")), *DirectoryAccount.State.choices]  # type: ignore[attr-defined]
        types = DirectoryAccount.AccountType.choices
        self.fields["account_type"].choices = [("", _("All")), *types]  # type: ignore[attr-defined]
        self.fields["expiry"].choices = [("", _("All")), *EXPIRIES.items()]  # type: ignore[attr-defined]
        if len(choices) > 1:
            self.fields["organisation"].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]


class ChangeRecipientForm(PortalForm):
    """Another recipient of the same organisation for one operation."""

    recipient_id = RecipientField()

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipient_id"].choices = [("", _("Choose")), *recipients.options(organisation)]  # type: ignore[attr-defined]
