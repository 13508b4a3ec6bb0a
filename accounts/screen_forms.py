"""The forms of the account screens: search, and the correction of a recipient."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import recipients
from accounts.corrections import hindrances
from accounts.forms import RecipientField
from accounts.models import DirectoryAccount
from accounts.selectors import EXPIRIES
from portal.common.filters import FilterForm
from portal.common.forms import PortalForm
from portal.fulfilment.models import Operation
from portal.orgs.models import User


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


class _SelectWithout(forms.Select):
    """A select box some of whose options stand there but cannot be chosen."""

    without: Collection[int] = ()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """See forms.Select."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.without:
            option["attrs"]["disabled"] = True
        return option


class ChangeRecipientForm(PortalForm):
    """Another recipient of the same organisation for one operation."""

    recipient_id = RecipientField(widget=_SelectWithout)

    def __init__(self, *args: Any, operation: Operation, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hindrance = hindrances(operation, actor)
        usable = list(recipients.usable(operation.organisation))
        # They stay in sight, so that nobody looks for them in vain; the service refuses them with the same sentence.
        self.not_selectable = [(each, text) for each in usable if (text := hindrance(each))]
        field: Any = self.fields["recipient_id"]
        field.widget.without = [each.pk for each, _text in self.not_selectable]
        field.choices = [("", _("Choose")), *((each.pk, str(each)) for each in usable)]
