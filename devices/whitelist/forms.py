"""The form of one line for the whitelist: what a person types becomes a checked payload."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.computers.forms import TRANSMISSION_CLIENT, is_transmission_client
from devices.fields import ReasonedChoiceField
from devices.whitelist import lookups
from devices.whitelist.fields import IpField, MacField
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from portal.common.computer_names import ComputerNameField
from portal.common.forms import PortalForm, WarekiDateField
from portal.workflow.kinds import LineContext

_UNKNOWN_ACTION = gettext_lazy("Choose new, replacement or removal.")


class MachineField(ComputerNameField):
    """A computer name; the word 伝送クライアント gets its own answer (MAC-05)."""

    def to_python(self, value: Any) -> Any:
        """Say why before the characters are judged."""
        if isinstance(value, str) and is_transmission_client(value):
            raise ValidationError(str(TRANSMISSION_CLIENT), code="transmission_client")
        return super().to_python(value)


class WhitelistForm(PortalForm):
    """One entry that comes, takes another one's place, or goes."""

    differs_by_data_alone = True
    side_by_side = (("mac", "ip"),)
    required_by_others = frozenset({"computer", "ip", "old_mac"})

    action = ReasonedChoiceField(
        label=gettext_lazy("What to do"), choices=Action.choices, unknown=_UNKNOWN_ACTION, initial=Action.ADD
    )
    computer = MachineField(
        label=gettext_lazy("Computer name"),
        required=False,
        help_text=gettext_lazy(
            "A client PC or printer of the register of machines. May be empty in a removal."
        ),
    )
    mac = MacField(
        label=gettext_lazy("MAC address"),
        help_text=gettext_lazy("As the machine shows it, for example 00-1B-A9-3C-4D-5E or 001b.a93c.4d5e."),
    )
    ip = IpField(
        label=gettext_lazy("IP address"),
        required=False,
        help_text=gettext_lazy(
            "In a segment of your organisation. Empty in a replacement: it stays as it is. May be empty in a removal."
        ),
    )
    old_mac = MacField(
        label=gettext_lazy("MAC address until now"),
        required=False,
        help_text=gettext_lazy("Only in a replacement: the entry that ends when this one begins."),
    )
    valid_until = WarekiDateField(
        label=gettext_lazy("Valid until"),
        required=False,
        help_text=gettext_lazy("Only if the entry shall end by itself. For example 2026/12/1 or R8.12.1"),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def clean(self) -> dict[str, Any]:
        """What each action needs; a replacement and a removal take from the entry what was left empty."""
        cleaned = super().clean() or self.cleaned_data
        day = cleaned.get("valid_until")
        if day is not None and day < self.context.today:
            self.add_error("valid_until", _("This date has passed. Choose today or a later date."))
        match cleaned.get("action"):
            case Action.ADD:
                self._clean_new(cleaned)
            case Action.REPLACE:
                self._clean_replacement(cleaned)
            case Action.REMOVE:
                self._clean_removal(cleaned)
        return cleaned

    def to_payload(self) -> WhitelistLine:
        """The checked payload; call it on a valid form."""
        day = self.cleaned_data["valid_until"]
        return WhitelistLine(**{**self.cleaned_data, "valid_until": day.isoformat() if day else ""})

    def _clean_new(self, cleaned: dict[str, Any]) -> None:
        self._require("computer", _("Enter the computer name."))
        self._require("ip", _("Enter the IP address."))
        if cleaned.get("old_mac"):
            text = _("A new entry has no MAC address until now. Choose replacement, or leave it empty.")
            self.add_error("old_mac", text)

    def _clean_replacement(self, cleaned: dict[str, Any]) -> None:
        self._require("old_mac", _("Enter the MAC address of the entry that ends."))
        if cleaned.get("old_mac") and (entry := self._entry("old_mac")) is not None:
            self._fill("computer", entry.computer.name)
            self._fill("ip", entry.ip)

    def _clean_removal(self, cleaned: dict[str, Any]) -> None:
        for name in ("old_mac", "valid_until"):
            if cleaned.get(name):
                self.add_error(name, _("Leave this empty in a removal."))
        entry = self._entry("mac") if cleaned.get("mac") else None
        if entry is None:
            return
        if cleaned.get("computer") and cleaned["computer"] != entry.computer.name:
            self.add_error("computer", _("The entry of this MAC address belongs to another machine."))
        if cleaned.get("ip") and cleaned["ip"] != entry.ip:
            self.add_error("ip", _("The entry of this MAC address has another IP address."))
        self._fill("computer", entry.computer.name)
        self._fill("ip", entry.ip)

    def _entry(self, name: str) -> WhitelistEntry | None:
        entry = lookups.known(self.context).own_entry(self.cleaned_data[name])
        if entry is None:
            self.add_error(name, ValidationError(unknown_entry(), code="unknown"))
        return entry

    def _fill(self, name: str, value: str) -> None:
        if name in self.cleaned_data and not self.cleaned_data[name]:
            self.cleaned_data[name] = value

    def _require(self, name: str, text: str) -> None:
        if name in self.cleaned_data and not self.cleaned_data[name]:
            self.add_error(name, ValidationError(text, code="required"))


def unknown_entry() -> str:
    """Says nothing about other organisations (ORG-02)."""
    return _("Your organisation has no entry with this MAC address on the whitelist.")
