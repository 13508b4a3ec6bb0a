"""The filters of the calendar, and a freeze to be entered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm, WarekiDateField
from portal.common.time import JST
from portal.fulfilment import registry
from portal.fulfilment.freezes.models import Effect
from portal.fulfilment.freezes.services import NewFreeze
from portal.orgs.models import Organisation
from portal.workflow import kinds
from portal.workflow.calendar.entries import STATES


class CalendarFilterForm(PortalForm):
    """Its state is the URL."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        offered: dict[str, Iterable[Any]] = {
            "kind": [(kind.code, kind.label) for kind in kinds.all_kinds()],
            "organisation": found,
            "state": STATES.items(),
        }
        for name, choices in offered.items():
            self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]


class FreezeForm(PortalForm):
    """A time in which nothing is changed. Days count whole unless times are given."""

    first = WarekiDateField(label=gettext_lazy("First day"))
    from_time = forms.TimeField(label=gettext_lazy("From (time)"), required=False, initial="")
    last = WarekiDateField(label=gettext_lazy("Last day"))
    to_time = forms.TimeField(label=gettext_lazy("Until (time)"), required=False, initial="")
    organisation = forms.ModelChoiceField(
        Organisation.objects.all(),
        to_field_name="code",
        required=False,
        label=gettext_lazy("Organisation"),
        empty_label=gettext_lazy("the whole country"),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    target = forms.ChoiceField(label=gettext_lazy("Target"), required=False)
    effect = forms.ChoiceField(label=gettext_lazy("Effect"), choices=Effect.choices)
    may_override = forms.BooleanField(
        label=gettext_lazy("Operations may let single changes through, with a reason"), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Everybody whom it concerns reads this."),
        error_messages={"required": gettext_lazy("Write down the reason.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        targets = [
            (name, registry.target_label(name)) for name in registry.targets() if registry.is_in_use(name)
        ]
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            ("", _("all kinds")),
            *((kind.code, kind.label) for kind in kinds.all_kinds()),
        ]
        self.fields["target"].choices = [("", _("all targets")), *targets]  # type: ignore[attr-defined]

    def to_freeze(self) -> NewFreeze:
        """What was entered; call it on a valid form."""
        data = self.cleaned_data
        ends_at = _moment(data["last"], data["to_time"])
        if data["to_time"] is None:
            ends_at += timedelta(days=1)
        return NewFreeze(
            starts_at=_moment(data["first"], data["from_time"]),
            ends_at=ends_at,
            organisation=data["organisation"],
            kind=data["kind"],
            target=data["target"],
            effect=data["effect"],
            may_override=data["may_override"],
            reason=data["reason"],
        )


FIELDS = {"starts_at": "first", "ends_at": "last"}  # where a refusal of the service is shown


def _moment(day: date, at: time | None) -> datetime:
    return datetime.combine(day, at or time(), JST)
