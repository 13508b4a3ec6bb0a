"""The search above the register of password settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.common.filters import FilterForm
from requests.password_settings import selectors
from requests.password_settings.models import PasswordLifetime


class LifetimeFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Name, group, person"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    due = forms.ChoiceField(label=gettext_lazy("Review and end"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": PasswordLifetime.State.choices,
            "due": [
                (selectors.REVIEW, gettext_lazy("to be reviewed")),
                (selectors.OVERDUE, gettext_lazy("over, not taken back yet")),
            ],
        }
