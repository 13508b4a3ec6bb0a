"""The forms of the FAQ."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.forms import NormalisingField, PortalForm
from requests.enquiries.forms import RefusableForm, text_field
from requests.enquiries.models import Category


class FaqForm(RefusableForm):
    """A text of an entry."""

    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=Category.choices)
    question = NormalisingField(label=pgettext_lazy("faq", "Question"), max_length=200)
    answer = text_field(pgettext_lazy("faq", "Answer"))


class SendBackForm(RefusableForm):
    """Why a text is not published."""

    reason = NormalisingField(label=gettext_lazy("What is to be changed"), max_length=500)


class FaqFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Words of the question or the answer"), required=False, max_length=200
    )
    category = forms.ChoiceField(
        label=gettext_lazy("Category"), required=False, choices=[("", gettext_lazy("All")), *Category.choices]
    )
