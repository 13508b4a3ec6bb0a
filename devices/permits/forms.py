"""The form of one line about a device: what tables 2-33 and 2-34 refuse is refused here, for everybody and every way in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.fields import ReasonedChoiceField, folded, identifier, listed
from devices.permits import lookups, source
from devices.permits.keys import is_placeholder
from devices.permits.models import Device
from devices.permits.payloads import PermitDevice, RemovePermit, RenewPermit
from devices.permits.source import DeviceKind, Grant
from portal.common.computer_names import computer_name, name_problem
from portal.common.forms import (
    IdentifierField,
    MailAddressField,
    NormalisingField,
    PortalForm,
    WarekiDateField,
)
from portal.workflow.kinds import LineContext

MAX_COMPUTERS = 50
_GRANTABLE = [(grant.value, grant.label) for grant in (Grant.READ_WRITE, Grant.WRITE, Grant.USE)]
_GRANT_WORDS: Mapping[str, str] = {
    folded(word): grant.value
    for grant, words in {
        Grant.FORBIDDEN: ("FORBIDDEN", "利用禁止", "禁止"),
        Grant.READ_ONLY: ("READ_ONLY", "読み取り専用", "読取専用", "RO"),
        Grant.READ_WRITE: ("READ_WRITE", "読み書き", "読み書き可", "読み書き可能", "RW"),
        Grant.WRITE: ("WRITE", "書き込み", "書込", "書き込み許可", "書込許可"),
        Grant.USE: ("USE", "利用", "利用可", "利用可能"),
    }.items()
    for word in words
}


class DeviceKindField(ReasonedChoiceField):
    """A kind of table 2-33. One of table 2-34 is refused with its row, however it is written (DEV-05)."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Kind of device"),
            choices=[("", gettext_lazy("Choose")), *DeviceKind.choices],
            help_text=gettext_lazy(
                "Bluetooth, wireless LAN, digital cameras, eSATA disks, tape drives, smart card readers and mobile devices can never be permitted (table 2-34)."
            ),
        )

    def to_python(self, value: Any) -> str:
        """The code, also where the table's words were written."""
        text = super().to_python(value)
        return source.ALIASES.get(folded(text), text)

    def validate(self, value: Any) -> None:
        """The row of table 2-34 that forbids it, or that neither table has it."""
        if value and value not in DeviceKind.values:
            row = source.forbidden_row(value)
            raise ValidationError(source.refusal(row) if row else source.unknown_kind(), code="refused")
        super().validate(value)


class GrantField(ReasonedChoiceField):
    """What is asked for; empty means what the table gives. Whether the kind can have it is decided with the kind."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Grant"),
            choices=[("", gettext_lazy("As the kind allows")), *_GRANTABLE],
            required=False,
            help_text=gettext_lazy("Each kind has exactly one (table 2-33)."),
        )

    def to_python(self, value: Any) -> str:
        """The code, also of what is never granted, so that the table can be named."""
        text = super().to_python(value)
        return _GRANT_WORDS.get(folded(text), text)

    def validate(self, value: Any) -> None:
        """Any word: `PermitForm.clean` says what the kind can have."""


class ComputersField(forms.CharField):
    """Names of machines: a list, or one text with 、, spaces or lines between them."""

    widget = forms.Textarea

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Machines"),
            help_text=gettext_lazy(
                "Computer names of your organisation's machines that the device will be attached to, with 、, spaces or line breaks between them."
            ),
        )
        self.widget.attrs["rows"] = 2

    def prepare_value(self, value: Any) -> Any:
        """A stored list as text."""
        return "、".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Every name once, corrected. No name holds a space: one between two names parts them like a comma."""
        words = [word for part in listed(value) for word in part.split()]
        return list(dict.fromkeys(map(computer_name, words)))

    def validate(self, value: Any) -> None:
        """Each name by the rules of NetBIOS."""
        super().validate(value)
        if len(value) > MAX_COMPUTERS:
            raise ValidationError(
                _("At most %(count)d machines fit into one permit.") % {"count": MAX_COMPUTERS},
                code="too_many",
            )
        problems = [f"{name}: {problem}" for name in value if (problem := name_problem(name))]
        if problems:
            raise ValidationError(problems, code="computer_name")

    def run_validators(self, value: Any) -> None:
        """The validators of text do not fit a list."""


class SerialField(IdentifierField):
    """A serial number; words that only say that there is none are refused."""

    normalise = staticmethod(identifier)

    def validate(self, value: Any) -> None:
        """ "なし" and "0000" are no serial numbers."""
        if value and is_placeholder(value):
            text = _("This is no serial number. Leave it empty and write why the device has none.")
            raise ValidationError(text, code="placeholder")
        super().validate(value)


def longest_validity(today: date) -> date:
    """The latest last day that can be applied for."""
    return today + timedelta(days=int(settings.DEVICES["permit_max_days"]))


def validity_problem(day: date, today: date) -> str:
    """Why a permit cannot last until that day; a date in the past is an error and never moved."""
    if day < today:
        return _("This date has passed. Choose today or a later date.")
    if day > longest_validity(today):
        return _("A permit lasts until %(day)s at most. Renew it before its end.") % {
            "day": f"{longest_validity(today):%Y/%m/%d}"
        }
    return ""


class PermitForm(PortalForm):
    """One device that shall be permitted (DEV-01)."""

    differs_by_data_alone = True
    side_by_side = (("device_kind", "grant"), ("maker", "model"), ("end_user", "end_user_mail"))
    required_by_others = frozenset({"serial", "no_serial_reason", "write_reason"})

    device_kind = DeviceKindField()
    grant = GrantField()
    maker = NormalisingField(label=gettext_lazy("Maker"), max_length=60)
    model = NormalisingField(label=gettext_lazy("Model"), max_length=80)
    serial = SerialField(label=gettext_lazy("Serial number"), required=False, max_length=64)
    no_serial_reason = NormalisingField(
        label=gettext_lazy("Why there is no serial number"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Only if the device has none. The device is told apart by its number then."),
    )
    computers = ComputersField()
    end_user = NormalisingField(
        label=gettext_lazy("User of the device"), max_length=60, help_text=gettext_lazy("Who uses it.")
    )
    end_user_mail = MailAddressField(
        label=gettext_lazy("Mail address of the user"),
        required=False,
        help_text=gettext_lazy("If it is not you: the result is mailed there too."),
    )
    write_reason = NormalisingField(
        label=gettext_lazy("Reason for writing"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "Required for every device that can be written to. The security officer confirms it."
        ),
    )
    valid_until = WarekiDateField(label=gettext_lazy("Valid until"))

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def clean(self) -> dict[str, Any]:
        """What the tables say, what goes together, and how long it may last."""
        cleaned = super().clean() or self.cleaned_data
        self._clean_grant(cleaned)
        self._clean_words(cleaned)
        if "serial" in cleaned and not cleaned["serial"] and not cleaned.get("no_serial_reason"):
            text = _("Enter the serial number, or write why the device has none.")
            self.add_error("serial", ValidationError(text, code="required"))
        if cleaned.get("serial") and cleaned.get("no_serial_reason"):
            self.add_error("no_serial_reason", _("Leave this empty: the device has a serial number."))
        if (day := cleaned.get("valid_until")) and (problem := validity_problem(day, self.context.today)):
            self.add_error("valid_until", problem)
        return cleaned

    def _clean_grant(self, cleaned: dict[str, Any]) -> None:
        kind = cleaned.get("device_kind")
        if not kind:
            return
        cleaned["grant"] = cleaned.get("grant") or str(source.TABLE_2_33[kind].grant)
        if problem := source.grant_problem(kind, cleaned["grant"]):  # DEV-04
            self.add_error("grant", ValidationError(problem, code="refused"))
        elif cleaned["grant"] not in source.WRITES:
            cleaned["write_reason"] = ""
        elif "write_reason" in cleaned and not cleaned["write_reason"]:  # DEV-03
            text = _("Write why it must be possible to write. The security officer confirms the reason.")
            self.add_error("write_reason", ValidationError(text, code="required"))

    def _clean_words(self, cleaned: dict[str, Any]) -> None:
        for name in ("maker", "model"):  # DEV-05: a forbidden device written as a permitted one
            row = source.forbidden_row(cleaned.get(name) or "")
            if row is not None:
                self.add_error(name, ValidationError(source.refusal(row), code="refused"))

    def to_payload(self) -> PermitDevice:
        """The checked payload; call it on a valid form."""
        cleaned = self.cleaned_data
        return PermitDevice(**{**cleaned, "valid_until": cleaned["valid_until"].isoformat()})


def unknown_device() -> str:
    """Says nothing about other organisations (ORG-02)."""
    return _("There is no such device in your organisation's register.")


class NamedDeviceForm(PortalForm):
    """A device of the register."""

    number = IdentifierField(
        label=gettext_lazy("Device number"),
        max_length=20,
        help_text=gettext_lazy("As in the register of devices, for example DV-2026-000123."),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        self.device: Device | None = None
        self.fields["number"].widget.attrs["data-w"] = "20"

    def clean_number(self) -> str:
        """The device; one of another organisation is as unknown as none."""
        number = str(self.cleaned_data["number"]).upper()
        self.device = lookups.own(self.context, number)
        if self.device is None:
            raise ValidationError(unknown_device(), code="unknown")
        return number

    def named(self) -> dict[str, str]:
        """What a payload keeps to name the device; call it on a valid form."""
        assert self.device is not None, "to_payload needs a valid form"
        return {"number": self.device.number, "label": str(self.device)}


class RenewForm(NamedDeviceForm):
    """One permit that shall last longer."""

    valid_until = WarekiDateField(label=gettext_lazy("Valid until"))

    def clean_valid_until(self) -> date:
        """As long as a new permit could last."""
        day: date = self.cleaned_data["valid_until"]
        if problem := validity_problem(day, self.context.today):
            raise ValidationError(problem, code="validity")
        return day

    def to_payload(self) -> RenewPermit:
        """The checked payload; call it on a valid form."""
        return RenewPermit(**self.named(), valid_until=self.cleaned_data["valid_until"].isoformat())


class RemoveForm(NamedDeviceForm):
    """One permit that is no longer needed."""

    def to_payload(self) -> RemovePermit:
        """The checked payload; call it on a valid form."""
        return RemovePermit(**self.named())
