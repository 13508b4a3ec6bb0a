"""The naming rule as a form, and the box for a login name with its button."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.naming.models import NamingRule, Suffix
from portal.common.forms import IdentifierField, PortalForm
from portal.workflow.models import Application


class NamingRuleForm(PortalForm):
    """How login names are proposed."""

    pattern = IdentifierField(
        label=_("Pattern"),
        max_length=100,
        help_text=_(
            "In braces: {prefix} {family} {given} {staff} {prefecture} {number}; {given1} or {family:8} is cut to that length, "
            "{number:2} is counted with two digits. {-} {.} {_} stand between two parts only."
        ),
    )
    prefix = IdentifierField(label=_("Prefix"), max_length=8, required=False)  # type: ignore[assignment]
    suffix = forms.ChoiceField(label=_("Second person of the same name"), choices=Suffix.choices)
    short_vowels = forms.BooleanField(
        label=_("Write long vowels short"), required=False, help_text=_("サトウ becomes sato, not satou.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, rule: NamingRule, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(rule, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.fields["prefix"].widget.attrs["data-w"] = "10"


class OtherNameForm(PortalForm):
    """Another login name for one operation."""

    login_name = IdentifierField(label=_("Login name"), max_length=20)


class LoginNameInput(forms.TextInput):
    """A text box with a button that proposes a free name; with a script also while the reading is typed."""

    template_name = "accounts/widgets/login_name.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.application: Application | None = None
        self.prefix = ""
        self.said = ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Where to ask, for which line, and which boxes are listened to. Without an application it is a plain box."""
        context = super().get_context(name, value, attrs)
        position = self.prefix.removeprefix("lines-")
        if self.application is not None and self.application.pk and position.isdigit():
            context["widget"].update(
                url=reverse("login_name_propose", args=[self.application.number]),
                position=position,
                line_prefix=self.prefix,
                said=self.said,
            )
        return context
