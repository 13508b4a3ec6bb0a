"""The forms of this room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import IdentifierField, PortalForm
from portal.gateways import directory_rules
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from requests.unlock import lookups
from requests.unlock.models import AccountUnlock
from requests.unlock.payloads import UnlockAccount


class UnlockForm(PortalForm):
    """One account to unlock, found by its login name."""

    differs_by_data_alone = True

    login_name = IdentifierField(
        label=gettext_lazy("Login name"),
        max_length=directory_rules.LOGIN_NAME_LENGTH,
        help_text=gettext_lazy("Windows and administrator accounts of your organisation."),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        self.fields["login_name"].widget.attrs["data-w"] = "20"

    def clean_login_name(self) -> str:
        """As Active Directory writes it. An account of another organisation is as unknown as none (ORG-02)."""
        name = str(self.cleaned_data["login_name"])
        known = lookups.known(self.context)
        found = known.find(name)
        if found is None:
            raise ValidationError(unknown(known), code="unknown")
        self.found = found
        return found.login_name

    def to_payload(self) -> UnlockAccount:
        """The checked payload; call it on a valid form."""
        return UnlockAccount(
            login_name=self.found.login_name,
            account_guid=str(self.found.guid),
            display_name=self.found.display_name,
        )


def unknown(known: lookups.Known) -> str:
    """What to say about a name that was not found."""
    if known.error is not None:
        return _(
            "Active Directory cannot be asked at present, and the register does not know this name. Try again later."
        )
    return _("There is no such account in your organisation.")


class ApplyForm(PortalForm):
    """What the person may say beside the proof."""

    reason = forms.CharField(
        label=gettext_lazy("What happened"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "For network operations, if you want to say something. You may leave it empty."
        ),
    )


class UnlockFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Login name, name or application number"), required=False, max_length=200
    )
    way = forms.ChoiceField(label=gettext_lazy("Identity"), required=False)
    repeated = forms.ChoiceField(label=gettext_lazy("Several in short time"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        offered: dict[str, Iterable[Any]] = {
            "way": AccountUnlock.Way.choices,
            "repeated": [("1", _("Only these"))],
            "organisation": found,
        }
        for name, choices in offered.items():
            self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]
