"""The form of one line, the choice of the central association, and the search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.filters import FilterForm
from portal.common.forms import IdentifierField, NormalisingField, PortalForm, WarekiDateField
from portal.workflow.kinds import LineContext
from requests.networks.models import Use
from requests.networks.payloads import Action, NetworkLine
from requests.networks.pool import Candidate

SIZES = [("24", gettext_lazy("/24 (254 addresses)")), ("25", gettext_lazy("/25 (126 addresses)"))]


class NetworkForm(PortalForm):
    """One segment that is wanted or given back."""

    differs_by_data_alone = True
    required_by_others = frozenset({"use", "size", "purpose", "network"})
    side_by_side = (("use", "size"),)

    action = forms.ChoiceField(label=gettext_lazy("What to do"), choices=Action.choices, initial=Action.TAKE)
    use = forms.ChoiceField(
        label=pgettext_lazy("network", "Use"),
        required=False,
        choices=[("", gettext_lazy("Choose")), *Use.choices],
    )
    size = forms.ChoiceField(
        label=gettext_lazy("Size"),
        required=False,
        choices=[("", gettext_lazy("Choose")), *SIZES],
        help_text=gettext_lazy("A /25 exists for prefecture and insurers only (図2-33)."),
    )
    purpose = NormalisingField(label=gettext_lazy("System and purpose"), required=False, max_length=100)
    network = IdentifierField(
        label=gettext_lazy("Segment that is given back"),
        required=False,
        max_length=18,
        help_text=gettext_lazy("For example 10.13.82.0/24"),
    )
    on = WarekiDateField(label=gettext_lazy("From when, or the last day when it is given back"))

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def clean(self) -> dict[str, Any]:
        """What each action needs, and nothing else."""
        cleaned = super().clean() or self.cleaned_data
        taking = cleaned.get("action") == Action.TAKE
        needed: tuple[str, ...] = ("use", "size", "purpose")
        unused: tuple[str, ...] = ("network",)
        if not taking:
            needed, unused = unused, needed
        for name in needed:
            if name in cleaned and not cleaned[name]:
                words = _("Enter: %(label)s") % {"label": self.fields[name].label}
                self.add_error(name, ValidationError(words, code="required"))
        for name in unused:
            cleaned[name] = ""
        if cleaned.get("size") == "25" and cleaned.get("use") == Use.FEDERATION:
            self.add_error("size", _("Segments for the federation are all /24 (図2-32). Choose /24."))
        return cleaned

    def to_payload(self) -> NetworkLine:
        """The checked payload; call it on a valid form."""
        values = dict(self.cleaned_data)
        return NetworkLine(**values | {"size": int(values["size"] or 0), "on": values["on"].isoformat()})


class AllotForm(PortalForm):
    """Which of the free segments the federation gets."""

    network = forms.ChoiceField(label=gettext_lazy("Free segments"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, candidates: Iterable[Candidate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["network"].choices = [  # type: ignore[attr-defined]
            (each.network, f"{each.network}  VLAN {each.vlan}（図{each.figure}）") for each in candidates
        ]


class AllotmentFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Network, purpose, application or organisation"), required=False, max_length=200
    )
    use = forms.ChoiceField(label=pgettext_lazy("network", "Use"), required=False)
    state = forms.ChoiceField(label=pgettext_lazy("network", "State"), required=False)

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "use": Use.choices,
            "state": [
                ("live", pgettext_lazy("network", "in use")),
                ("ended", pgettext_lazy("network", "given back")),
            ],
        }
