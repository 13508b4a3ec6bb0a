"""The forms of the tickets about password settings: what a person types becomes a checked payload."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import IdentifierField, NormalisingField, PortalForm, WarekiDateField
from portal.common.text import ascii_identifier
from portal.gateways import directory_rules
from portal.gateways.directory_policies import ACCOUNTS_LIMIT
from portal.workflow.kinds import LineContext
from requests.password_settings import checks
from requests.password_settings.known import in_force_of
from requests.password_settings.payloads import EndLifetime, ExtendLifetime, StartLifetime, settings_name

_SEPARATORS = re.compile(r"[、,，;；\s]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
NAME_LENGTH = 30


class LoginNamesField(forms.CharField):
    """Several login names: a list, or one text with lines, commas or 、 between them. Each once, as typed first."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        if not isinstance(value, str | list | tuple | None):
            raise ValidationError(_("Enter a list of login names."), code="no_list")
        parts = _SEPARATORS.split(value) if isinstance(value, str) else [str(part) for part in value or ()]
        names: dict[str, str] = {}
        for part in parts:
            if name := ascii_identifier(part):
                names.setdefault(name.lower(), name)
        return list(names.values())

    def validate(self, value: Any) -> None:
        # Before Active Directory is asked for each of them.
        if len(value) > ACCOUNTS_LIMIT:
            raise ValidationError(checks.too_many_accounts(), code="too_many")
        if long := [name for name in value if len(name) > directory_rules.LOGIN_NAME_LENGTH]:
            raise ValidationError(
                _("These are too long for login names: %(names)s"),
                code="too_long",
                params={"names": "、".join(name[:20] + "…" for name in long[:5])},
            )
        if strange := [name for name in value if not name.isascii() or not name.isprintable()]:
            raise ValidationError(
                _("Enter login names in half-width letters. These cannot be login names: %(names)s"),
                code="not_ascii",
                params={"names": "、".join(strange[:5])},
            )

    def run_validators(self, value: Any) -> None:
        """A list of names has no length as one text."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


class LastDayField(WarekiDateField):
    """The last day on which the longer lifetime counts; stored as ISO text."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                return value
        return super().prepare_value(value)


class StartForm(PortalForm):
    """A longer lifetime for named accounts or for one group."""

    required_by_others = frozenset({"login_names", "group"})

    name = IdentifierField(
        label=gettext_lazy("Name of the settings"),
        max_length=NAME_LENGTH,
        help_text=gettext_lazy(
            "Letters, digits and hyphens, such as shinsa-2027. In Active Directory PSO and the number of your organisation stand before it."
        ),
    )
    login_names = LoginNamesField(
        label=gettext_lazy("Login names"),
        required=False,
        help_text=gettext_lazy("One or more accounts, one on each line. Or enter a group below."),
    )
    group = NormalisingField(
        label=gettext_lazy("Group"),
        required=False,
        max_length=256,
        help_text=gettext_lazy(
            "A global security group of your organisation, instead of single accounts. It counts for whoever is in the group, also later."
        ),
    )
    lifetime_days = forms.IntegerField(
        label=gettext_lazy("Password lifetime (days)"),
        min_value=1,
        max_value=36500,
        help_text=gettext_lazy("How long a password lives afterwards, such as 180."),
    )
    until = LastDayField(
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy(
            "For example 2027/3/31 or R9.3.31. On the next day the portal takes it back by itself."
        ),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        self.fields["lifetime_days"].widget.attrs["data-w"] = "10"
        self.fields["login_names"].widget.attrs["rows"] = 4

    def clean_name(self) -> str:
        """A name that Active Directory and people can read."""
        name: str = self.cleaned_data["name"]
        if not _NAME.fullmatch(name):
            raise ValidationError(
                _("Use letters, digits and hyphens only, and no hyphen at the beginning or the end."),
                code="settings_name",
            )
        return name

    def clean(self) -> dict[str, Any]:
        """Everything that can be said without asking Active Directory, at its field."""
        cleaned = super().clean() or self.cleaned_data
        names, group = cleaned.get("login_names"), cleaned.get("group")
        if names and group:
            self.add_error("group", _("Enter accounts or a group, not both."))
        elif not names and not group and "login_names" in cleaned:
            self.add_error(
                "login_names",
                ValidationError(_("Enter login names, or a group below."), code="required"),
            )
        _check_limits(self, cleaned)
        return cleaned

    def to_payload(self) -> StartLifetime:
        """The checked payload; call it on a valid form."""
        values = self.cleaned_data
        return StartLifetime(
            name=values["name"],
            full_name=settings_name(self.context.organisation.ou_name, values["name"]),
            login_names=list(values["login_names"]),
            group=values["group"],
            lifetime_days=values["lifetime_days"],
            until=values["until"].isoformat(),
        )


class _ExistingForm(PortalForm):
    """Settings of the organisation that are in force; those of others are not offered (ORG-02)."""

    name = forms.ChoiceField(label=gettext_lazy("Name of the settings"))

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        rows = in_force_of(context.organisation)
        choices = [(row.name, f"{row.name}　{row.whom}　{row.until:%Y/%m/%d}") for row in rows]
        self.fields["name"].choices = [("", _("Choose")), *choices]  # type: ignore[attr-defined]


class ExtendForm(_ExistingForm):
    """A later last day."""

    until = LastDayField(label=gettext_lazy("New last day"))
    lifetime_days = forms.IntegerField(
        label=gettext_lazy("Password lifetime (days)"),
        required=False,
        min_value=0,
        max_value=36500,
        help_text=gettext_lazy("Empty: it stays as it is."),
    )

    def clean(self) -> dict[str, Any]:
        """The limits, at their fields."""
        cleaned = super().clean() or self.cleaned_data
        if "lifetime_days" in cleaned:
            cleaned["lifetime_days"] = cleaned["lifetime_days"] or 0
        _check_limits(self, cleaned)
        return cleaned

    def to_payload(self) -> ExtendLifetime:
        """The checked payload; call it on a valid form."""
        values = self.cleaned_data
        return ExtendLifetime(
            name=values["name"],
            until=values["until"].isoformat(),
            lifetime_days=values["lifetime_days"],
        )


class EndForm(_ExistingForm):
    """The end before the last day."""

    def to_payload(self) -> EndLifetime:
        """The checked payload; call it on a valid form."""
        return EndLifetime(name=self.cleaned_data["name"])


def _check_limits(form: Any, cleaned: dict[str, Any]) -> None:
    if (until := cleaned.get("until")) and (problem := checks.until_problem(until, form.context.today)):
        form.add_error("until", problem)
    if (days := cleaned.get("lifetime_days")) and (problem := checks.lifetime_problem(days)):
        form.add_error("lifetime_days", problem)
