"""Forms for people, roles, deputies, recipients and tokens. What they let through is judged by the services."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.common.forms import (
    IdentifierField,
    KanjiNameField,
    MailAddressField,
    NormalisingField,
    PortalForm,
    WarekiDateField,
)
from portal.gateways.directory_rules import LOGIN_NAME_LENGTH, REASON_TEXTS, validate_login_name
from portal.orgs.models import Organisation, TokenScope, User
from portal.orgs.permissions import DECIDE, ROLES_OF_KIND, Role
from portal.orgs.tokens import LONGEST_DAYS


def role_choices(organisation: Organisation, among: frozenset[str] | None = None) -> list[tuple[str, Any]]:
    """The roles an organisation of this kind can give, in the order of ORG-03."""
    possible = ROLES_OF_KIND[organisation.kind] & (among or frozenset(Role))
    return [("", _("Please choose")), *((role.value, role.label) for role in Role if role in possible)]


class ProfileForm(PortalForm):
    """The language of the screens."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=forms.RadioSelect)


class TokenForm(PortalForm):
    """A new personal token."""

    name = NormalisingField(
        label=_("Purpose"), max_length=60, help_text=_("What it is for, such as “monthly list”.")
    )
    scope = forms.ChoiceField(
        label=_("What the token can do"),
        choices=TokenScope,
        widget=forms.RadioSelect,
        help_text=_("Choose the least that is enough. It cannot be changed afterwards."),
    )
    days = forms.IntegerField(
        label=_("Valid for how many days"),
        min_value=1,
        max_value=LONGEST_DAYS,
        widget=forms.NumberInput(attrs={"data-w": "10", "inputmode": "numeric"}),
    )


class MemberForm(PortalForm):
    """A role for the owner of an administrator account."""

    login_name = IdentifierField(
        label=_("Login name"),
        max_length=LOGIN_NAME_LENGTH,
        help_text=_("The login name of the administrator account in Active Directory."),
    )
    role = forms.ChoiceField(label=_("Role"))
    valid_from = WarekiDateField(label=_("First day"))
    valid_until = WarekiDateField(
        label=_("Last day"), required=False, help_text=_("Leave empty until further notice.")
    )
    side_by_side: ClassVar = (("valid_from", "valid_until"),)

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("valid_from", timezone.localdate())
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(organisation)  # type: ignore[attr-defined]

    def clean_login_name(self) -> str:
        value = str(self.cleaned_data["login_name"])
        reasons = validate_login_name(value)
        if reasons:
            raise forms.ValidationError([REASON_TEXTS[reason] for reason in reasons])
        return value


class EndForm(PortalForm):
    """When a role ends."""

    last_day = WarekiDateField(
        label=_("Last day of the role"),
        required=False,
        help_text=_("Leave empty to end the role at once."),
    )


class DeputyForm(PortalForm):
    """Who decides for whom, in which role, from when until when."""

    principal = forms.ModelChoiceField(label=_("Person who is away"), queryset=User.objects.none())
    role = forms.ChoiceField(label=_("Role"))
    deputy = forms.ModelChoiceField(label=_("Deputy"), queryset=User.objects.none())
    valid_from = WarekiDateField(label=_("First day"))
    valid_until = WarekiDateField(label=_("Last day"))
    side_by_side: ClassVar = (("valid_from", "valid_until"),)

    def __init__(
        self, *args: Any, organisation: Organisation, principals: Any, deputies: Any, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {}).setdefault("valid_from", timezone.localdate())
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["role"].choices = role_choices(organisation, DECIDE.roles)
        fields["principal"].queryset, fields["deputy"].queryset = principals, deputies
        for name in ("principal", "deputy"):
            fields[name].empty_label = _("Please choose")


class RecipientForm(PortalForm):
    """A person who receives initial passwords (ACC-09)."""

    name = KanjiNameField(label=_("Name"), max_length=100)
    department = NormalisingField(label=_("Department"), max_length=64, required=False)
    phone = IdentifierField(label=_("Telephone"), max_length=20, required=False)
    email = MailAddressField(
        label=_("Mail address"),
        help_text=_(
            "An address that only this person reads. Shared addresses and mailing lists cannot be registered."
        ),
    )
