"""The form of one line of each account application: what a person types becomes a checked payload."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import checks, lookups, recipients
from accounts.naming.forms import LoginNameInput
from accounts.payloads import RegisterAccount, ResetPassword
from accounts.recipients import once
from portal.common.forms import (
    IdentifierField,
    KanaField,
    KanjiNameField,
    NormalisingField,
    PortalForm,
    WarekiDateField,
)
from portal.gateways import directory_rules
from portal.workflow.kinds import LineContext

_NAME_LENGTH = 40


class DatalistInput(forms.TextInput):
    """A text box that offers what others wrote and still takes anything (no script needed)."""

    template_name = "accounts/widgets/datalist.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.options: Iterable[str] = ()

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The options and the id that ties the box to them."""
        datalist_id = f"{(attrs or {}).get('id') or name}-options"
        context = super().get_context(name, value, {**(attrs or {}), "list": datalist_id})
        context["widget"].update(datalist_id=datalist_id, options=self.options)
        return context


class RecipientField(forms.TypedChoiceField):
    """One of the usable recipients of the organisation; another one's is as unknown as none (ACC-09, ORG-02)."""

    default_error_messages: ClassVar = {
        "required": gettext_lazy("Choose who receives the initial password."),
        "invalid_choice": gettext_lazy(
            "Choose a registered recipient of your organisation whose address was confirmed within the last six months."
        ),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            coerce=int,
            empty_value=None,
            label=gettext_lazy("Recipient of the initial password"),
            help_text=gettext_lazy(
                "One registered person with a confirmed address. The initial password is mailed to this person only."
            ),
            **kwargs,
        )


class StaffNumberField(IdentifierField):
    """The number that the organisation gave the person (職員番号); AD keeps it as employeeID."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Staff number"),
            required=False,
            max_length=directory_rules.STAFF_NUMBER_LENGTH,
            help_text=gettext_lazy("If your organisation has such numbers. Leading zeros are kept."),
            **kwargs,
        )
        self.widget.attrs["data-w"] = "20"


class LastDayField(WarekiDateField):
    """The last day of use of a temporary account. AD locks it after that day, even when the portal is down."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Last day of use"),
            required=False,
            help_text=gettext_lazy(
                "Only for a temporary account, for example 2027/3/31 or R9.3.31. Empty: without an end."
            ),
            **kwargs,
        )


def iso(day: date | None) -> str:
    """A date as payloads hold it."""
    return day.isoformat() if day else ""


class DirectoryLineForm(PortalForm):
    """What all lines share: the context of the application, and the rules of the gateway."""

    # Which check of portal.gateways.directory_rules a field must pass, by the field's name.
    directory_checks: ClassVar[dict[str, Callable[[str], list[directory_rules.Reason]]]] = {}

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def clean(self) -> dict[str, Any]:
        """Add what the directory cannot hold to the errors of each field."""
        cleaned = super().clean() or self.cleaned_data
        for name, check in self.directory_checks.items():
            if cleaned.get(name) is not None:
                for reason in check(cleaned[name]):
                    self.add_error(name, str(directory_rules.REASON_TEXTS[reason]))
        return cleaned


class AccountLineForm(DirectoryLineForm):
    """A line with a recipient of an initial password."""

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, context=context, **kwargs)
        if "recipient_id" in self.fields:
            self._offer_recipients()

    def _offer_recipients(self) -> None:
        organisation = self.context.organisation
        choices = once(organisation, "recipients", lambda: list(recipients.options(organisation)))
        field = self.fields["recipient_id"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [("", _("Choose")), *choices]
        if not choices:
            field.help_text = _(
                "Your organisation has no confirmed recipient yet. Have one registered first."
            )
        elif len(choices) == 1:
            self.initial.setdefault("recipient_id", choices[0][0])


def offer_departments(form: DirectoryLineForm) -> None:
    """Offer the departments that accounts of the organisation have already."""
    widget = form.fields["department"].widget
    assert isinstance(widget, DatalistInput)
    organisation = form.context.organisation
    widget.options = once(organisation, "departments", lambda: lookups.departments(organisation))


class RegisterForm(AccountLineForm):
    """One person who gets a Windowsユーザアカウント (ACC-02, ACC-06)."""

    differs_by_data_alone = True
    side_by_side = (("family_name", "given_name"), ("family_kana", "given_kana"))
    directory_checks: ClassVar = {
        "login_name": directory_rules.validate_login_name,
        "department": directory_rules.validate_department,
        "description": directory_rules.validate_description,
        "staff_number": directory_rules.validate_staff_number,
    }

    family_name = KanjiNameField(label=gettext_lazy("Family name"), max_length=_NAME_LENGTH)
    given_name = KanjiNameField(label=gettext_lazy("Given name"), max_length=_NAME_LENGTH)
    family_kana = KanaField(label=gettext_lazy("Family name (kana)"), max_length=_NAME_LENGTH)
    given_kana = KanaField(label=gettext_lazy("Given name (kana)"), max_length=_NAME_LENGTH)
    login_name = IdentifierField(
        label=gettext_lazy("Login name"),
        widget=LoginNameInput,
        help_text=gettext_lazy(
            "Up to 20 half-width letters, digits, hyphens, underscores and full stops, beginning with a letter or digit."
        ),
    )
    department = NormalisingField(
        label=gettext_lazy("Department"),
        max_length=directory_rules.DEPARTMENT_LENGTH,
        widget=DatalistInput,
        help_text=gettext_lazy("For example 審査第一課"),
    )
    staff_number = StaffNumberField()
    description = NormalisingField(
        label=gettext_lazy("Note for Active Directory"), max_length=200, required=False
    )
    expires_on = LastDayField()
    recipient_id = RecipientField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_departments(self)
        name = self.fields["login_name"].widget
        assert isinstance(name, LoginNameInput)
        name.attrs["data-w"] = "20"
        name.application, name.prefix = self.context.application, self.prefix or ""

    def to_payload(self) -> RegisterAccount:
        """The checked payload; call it on a valid form."""
        cleaned = self.cleaned_data
        return RegisterAccount(**{**cleaned, "expires_on": iso(cleaned["expires_on"])})


class ResetForm(AccountLineForm):
    """One account of the own organisation whose password is reset (ACC-02)."""

    differs_by_data_alone = True
    directory_checks: ClassVar = {"login_name": directory_rules.validate_login_name}

    login_name = IdentifierField(
        label=gettext_lazy("Login name"),
        help_text=gettext_lazy("The login name of the account whose password was forgotten."),
    )
    recipient_id = RecipientField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account: lookups.OwnAccount | None = None
        self.fields["login_name"].widget.attrs["data-w"] = "20"

    def clean(self) -> dict[str, Any]:
        """Find the account in the own organisation; one of another is as unknown as none (ORG-02)."""
        cleaned = super().clean()
        if login_name := cleaned.get("login_name"):
            self._account = lookups.find_own_account(
                self.context.organisation, login_name, self.context.shared
            )
            if self._account is None:
                self.add_error("login_name", ValidationError(checks.account_unknown(), code="unknown"))
        return cleaned

    def to_payload(self) -> ResetPassword:
        """The checked payload with the account's objectGUID; call it on a valid form."""
        assert self._account is not None, "to_payload needs a valid form"
        return ResetPassword(
            login_name=self._account.login_name,
            display_name=self._account.display_name,
            account_guid=str(self._account.guid),
            recipient_id=self.cleaned_data["recipient_id"],
        )
