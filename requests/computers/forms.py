"""The forms of one line about a computer object: what a person types becomes a checked payload."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.computer_names import ComputerNameField
from portal.common.forms import NormalisingField, PortalForm
from portal.gateways.directory_computers import ComputerNameReason, computer_name_reasons
from portal.workflow.kinds import LineContext
from requests.computers.payloads import AddComputer, RemoveComputer, RestoreComputer


class _NamedForm(PortalForm):
    """What all lines about computer objects share."""

    differs_by_data_alone = True

    name = ComputerNameField(label=gettext_lazy("Computer name"))

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context


class AddForm(_NamedForm):
    """One object that is made in advance."""

    name = ComputerNameField(
        label=gettext_lazy("Computer name"),
        help_text=gettext_lazy(
            "Up to 15 half-width letters, digits and hyphens. One name exists once in the whole common network."
        ),
    )
    description = NormalisingField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Stands in Active Directory, such as the department or the place."),
    )

    def clean_name(self) -> str:
        """Names that Windows keeps for itself can be no computer's."""
        name: str = self.cleaned_data["name"]
        if ComputerNameReason.RESERVED in computer_name_reasons(name):
            raise ValidationError(
                _("Windows keeps this name for itself. Choose another one."), code="reserved"
            )
        return name

    def to_payload(self) -> AddComputer:
        """The checked payload; call it on a valid form."""
        return AddComputer(**self.cleaned_data)


class RemoveForm(_NamedForm):
    """One object that goes."""

    def to_payload(self) -> RemoveComputer:
        """The checked payload; call it on a valid form."""
        return RemoveComputer(**self.cleaned_data)


class RestoreForm(_NamedForm):
    """One object that is given back."""

    def to_payload(self) -> RestoreComputer:
        """The checked payload; call it on a valid form."""
        return RestoreComputer(**self.cleaned_data)
