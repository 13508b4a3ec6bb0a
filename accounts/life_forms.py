"""The forms of changes, deletions and restorations: for an account that the register knows."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import asking, checks, life_checks, places
from accounts.aspects import CONTAINER, GROUPS, State, registered_state, state_of
from accounts.forms import (
    DatalistInput,
    DirectoryLineForm,
    LastDayField,
    StaffNumberField,
    iso,
    offer_departments,
)
from accounts.models import DirectoryAccount
from accounts.payloads import ChangeAccount, DeleteAccount, RestoreAccount
from portal.common.forms import IdentifierField, KanaField, KanjiNameField, NormalisingField
from portal.common.text import ascii_identifier, squeeze
from portal.gateways import directory_rules
from portal.gateways.directory import DirectoryError

_NAME_LENGTH = 40
_NEVER_EMPTY = ("family_name", "given_name", "family_kana", "given_kana", "department")
_SEPARATORS = ("、", ";", "；", "\n")


class PathsField(forms.MultipleChoiceField):
    """Several of the offered paths; also as one text with 、 or ; between them, as tables hold them."""

    def to_python(self, value: Any) -> list[str]:
        """Known paths in the spelling of the list, others as they were written."""
        if isinstance(value, str):
            for separator in _SEPARATORS:
                value = value.replace(separator, _SEPARATORS[0])
            value = value.split(_SEPARATORS[0])
        written = [squeeze(str(part)) for part in value or []]
        spelling = {str(path).casefold(): str(path) for path, _label in self.choices}  # type: ignore[union-attr,misc]
        return sorted({spelling.get(part.casefold(), part) for part in written if part})


class ExistingAccountForm(DirectoryLineForm):
    """An account of the organisation, found in the register by its login name (ORG-02)."""

    account_type: ClassVar[str] = DirectoryAccount.AccountType.WINDOWS
    finds_removed: ClassVar[bool] = False
    directory_checks: ClassVar = {"login_name": directory_rules.validate_login_name}

    login_name = IdentifierField(label=gettext_lazy("Login name"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account: DirectoryAccount | None = None
        self._found: dict[str, DirectoryAccount | None] = {}
        self.fields["login_name"].widget.attrs["data-w"] = "20"

    def clean(self) -> dict[str, Any]:
        """Find the account; one of another organisation is as unknown as none."""
        cleaned = super().clean()
        if login_name := cleaned.get("login_name"):
            self.account = self.find(login_name)
            if self.account is None:
                self.add_error("login_name", ValidationError(checks.account_unknown(), code="unknown"))
        return cleaned

    def find(self, login_name: str) -> DirectoryAccount | None:
        """The account of this login name; the register is asked once."""
        if login_name not in self._found:
            organisation = self.context.organisation
            self._found[login_name] = life_checks.find_registered(
                organisation, login_name, self.account_type, removed=self.finds_removed
            )
        return self._found[login_name]

    def named(self) -> dict[str, str]:
        """What a payload keeps to name the account; call it on a valid form."""
        assert self.account is not None, "to_payload needs a valid form"
        return {
            "login_name": self.account.login_name,
            "account_guid": str(self.account.object_guid),
            "display_name": f"{self.account.family_name} {self.account.given_name}",
        }


class DeleteForm(ExistingAccountForm):
    """One account that is no longer needed (ACC-02)."""

    def to_payload(self) -> DeleteAccount:
        """The checked payload; call it on a valid form."""
        return DeleteAccount(**self.named())


class RestoreForm(ExistingAccountForm):
    """One deleted account that is needed after all."""

    finds_removed = True  # to say that it is too late

    def to_payload(self) -> RestoreAccount:
        """The checked payload; call it on a valid form."""
        return RestoreAccount(**self.named())


class ChangeForm(ExistingAccountForm):
    """An account as it shall be afterwards. Its present values are filled in as soon as its login name is known (ACC-02)."""

    side_by_side = (("family_name", "given_name"), ("family_kana", "given_kana"))
    directory_checks: ClassVar = {
        "login_name": directory_rules.validate_login_name,
        "department": directory_rules.validate_department,
        "description": directory_rules.validate_description,
        "staff_number": directory_rules.validate_staff_number,
    }

    login_name = IdentifierField(
        label=gettext_lazy("Login name now"),
        help_text=gettext_lazy("Type it and save: the form then shows the values that the account has now."),
    )
    new_login_name = IdentifierField(
        label=gettext_lazy("New login name"),
        required=False,
        help_text=gettext_lazy("Only if the login name changes. Empty: it stays as it is."),
    )
    family_name = KanjiNameField(label=gettext_lazy("Family name"), max_length=_NAME_LENGTH)
    given_name = KanjiNameField(label=gettext_lazy("Given name"), max_length=_NAME_LENGTH)
    family_kana = KanaField(label=gettext_lazy("Family name (kana)"), max_length=_NAME_LENGTH)
    given_kana = KanaField(label=gettext_lazy("Given name (kana)"), max_length=_NAME_LENGTH)
    department = NormalisingField(
        label=gettext_lazy("Department"), max_length=directory_rules.DEPARTMENT_LENGTH, widget=DatalistInput
    )
    staff_number = StaffNumberField()
    description = NormalisingField(
        label=gettext_lazy("Note for Active Directory"), max_length=200, required=False
    )
    expires_on = LastDayField()
    container = forms.ChoiceField(
        label=gettext_lazy("Container"),
        help_text=gettext_lazy("The unit in Active Directory that holds the account."),
    )
    groups = PathsField(label=gettext_lazy("Groups"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filled_in = False
        offer_departments(self)
        self.fields["new_login_name"].widget.attrs["data-w"] = "20"
        account = self._known()
        if account is not None and self._is_empty():
            self._fill_in(account)
        self._offer(account)

    def clean(self) -> dict[str, Any]:
        """The rules of the directory, and the account's values where only its name was given."""
        cleaned = super().clean()
        if self.filled_in and self.account is not None:
            text = _("The values that the account has now are filled in below. Change what shall be changed.")
            self.add_error("login_name", ValidationError(text, code="filled_in"))
        new_name = cleaned.get("new_login_name")
        for reason in directory_rules.validate_login_name(new_name) if new_name else ():
            self.add_error("new_login_name", str(directory_rules.REASON_TEXTS[reason]))
        return cleaned

    def to_payload(self) -> ChangeAccount:
        """The checked payload; call it on a valid form."""
        named = self.named()
        del named["display_name"]
        return ChangeAccount(
            **{**self.cleaned_data, **named, "expires_on": iso(self.cleaned_data["expires_on"])}
        )

    def _known(self) -> DirectoryAccount | None:
        """The account of the login name that is written so far."""
        value = self._raw("login_name")
        return self.find(ascii_identifier(value)) if isinstance(value, str) and value.strip() else None

    def _is_empty(self) -> bool:
        """Whether only the login name is written yet; none of these can be empty in a change."""
        return not any(self._raw(name) for name in _NEVER_EMPTY)

    def _raw(self, name: str) -> Any:
        """What is written in a field. Not through self[name], which would keep the initial value of this moment."""
        field = self.fields[name]
        if not self.is_bound:
            return self.get_initial_for_field(field, name)
        return field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def _fill_in(self, account: DirectoryAccount) -> None:
        """Show what the account has now, as AD or else the register has it."""
        try:
            entry = asking.ask(lambda directory: directory.find_by_guid(account.object_guid))
        except DirectoryError:
            entry = None
        state = state_of(entry, self.context.organisation) if entry else registered_state(account)
        values = self.values_of(account, state)
        if not self.is_bound:
            self.initial = {**values, "login_name": account.login_name}
            return
        self.filled_in = True
        data: Any = copy(self.data)
        for field, value in values.items():
            name = self.add_prefix(field)
            if hasattr(data, "setlist"):
                data.setlist(name, value if isinstance(value, list) else [value])
            else:
                data[name] = value
        self.data = data

    def values_of(self, account: DirectoryAccount, state: State) -> dict[str, Any]:
        """What is filled in. A type of account with more fields adds its own."""
        return present_values(account, state)

    def _offer(self, account: DirectoryAccount | None) -> None:
        """The units and groups of the organisation; what the account has already may stay, also while AD is down."""
        organisation = self.context.organisation
        try:
            units = places.containers(organisation, self.account_type)
            groups = places.groups(organisation)
        except DirectoryError:
            units, groups = _written(self._raw("container")), _written(self._raw("groups"))
        if account is not None:
            state = registered_state(account)
            units, groups = [*units, *state[CONTAINER]], [*groups, *state[GROUPS]]
        container, choice = self.fields["container"], self.fields["groups"]
        assert isinstance(container, forms.ChoiceField)
        assert isinstance(choice, forms.ChoiceField)
        container.choices = [("", _("Choose")), *((path, path) for path in dict.fromkeys(units) if path)]
        choice.choices = [(path, path) for path in sorted(set(groups))]
        container.error_messages["invalid_choice"] = life_checks.other_place()  # ORG-02
        if not choice.choices:
            choice.help_text = _("Your organisation has no groups in Active Directory.")


def present_values(account: DirectoryAccount, state: State) -> dict[str, Any]:
    """The fields of the form as an account has them now."""

    def one(attribute: str) -> str:
        return next(iter(state[attribute]), "")

    return {
        "family_name": one("sn"),
        "given_name": one("givenName"),
        "family_kana": account.family_kana,
        "given_kana": account.given_kana,
        "department": one("department"),
        "staff_number": one("employeeID"),
        "description": one("description"),
        "expires_on": one("accountExpires"),
        "container": one(CONTAINER),
        "groups": list(state[GROUPS]),
    }


def _written(value: Any) -> list[str]:
    values: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    return [str(value) for value in values if value]
