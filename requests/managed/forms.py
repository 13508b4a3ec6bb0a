"""The forms of one line about a machine under a service. What tables 2-21 and 2-49 refuse is refused here (ORG-06)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.choices import ReasonedChoiceField, WordsField, folded
from portal.common.computer_names import ComputerNameField
from portal.common.forms import IdentifierField, NormalisingField, PortalForm, ReasonField
from portal.workflow.kinds import LineContext
from requests.managed import lookups
from requests.managed.models import Category, Item, ManagedMachine, Service
from requests.managed.payloads import Action, AntivirusLine, MonitoringLine

NOT_MONITORED = gettext_lazy(
    "Monitoring covers neither machines of 独自処理システム, nor switches for distributed placement, nor transmission clients of prefectures and insurers (table 2-21, notes)."
)
ONLY_TRANSMISSION = gettext_lazy(
    "This system is supported on transmission clients of prefectures and insurers only (table 2-49, notes)."
)
# T 2-49 (e): besides what all services support.
TRANSMISSION_SYSTEM = "Microsoft Windows 8.1 Pro Update（64ビット）"
ANTIVIRUS_CATEGORIES = (Category.CLIENT, Category.SERVER, Category.OWN_SYSTEM, Category.TRANSMISSION)
MONITORING_CATEGORIES = (Category.SERVER, Category.NETWORK)
# T 2-19 and T 2-20: what can be monitored of which.
ITEMS: Mapping[str, frozenset[str]] = {
    Category.SERVER: frozenset({Item.ALIVE, Item.RESOURCE, Item.LOG, Item.PROCESS, Item.HARDWARE}),
    Category.NETWORK: frozenset({Item.ALIVE, Item.RESOURCE, Item.LOG, Item.TRAP}),
}
_REFUSED_IN_MONITORING = {
    folded(word): NOT_MONITORED
    for word in (
        "独自処理システム",
        "独自処理システムの機器",
        "分散配置スイッチ",
        "分散配置用スイッチ",
        "分散配置SW",
        "伝送クライアント",
        Category.OWN_SYSTEM.value,
        Category.TRANSMISSION.value,
        str(Category.OWN_SYSTEM.label),
        str(Category.TRANSMISSION.label),
    )
}


class ManagedForm(PortalForm):
    """What both kinds share: the action decides which of the other fields count."""

    service: Service
    required_by_others = frozenset({"category"})

    action = forms.ChoiceField(
        label=gettext_lazy("What to do"), choices=Action.choices, initial=Action.ADD.value
    )
    category = ReasonedChoiceField(label=gettext_lazy("Kind of machine"), required=False)
    place = NormalisingField(label=gettext_lazy("Place"), required=False, max_length=100)

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    @property
    def known(self) -> lookups.Known:
        """What the registers say, shared by all lines."""
        return lookups.known(self.context, self.service)

    def clean(self) -> dict[str, Any]:
        """What the action asks for; the rest is taken from the registers or left empty."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["organisation"] = self.context.organisation.code
        if not cleaned.get("name") or not cleaned.get("action"):
            return cleaned
        if cleaned["action"] == Action.REMOVE:
            for name in set(cleaned) - {"action", "name", "organisation"}:
                cleaned[name] = type(cleaned[name])()
                self.errors.pop(name, None)
            return cleaned
        self.complete(cleaned)
        return cleaned

    def complete(self, cleaned: dict[str, Any]) -> None:
        """For a machine that comes or changes: fill in what is known, name what is missing."""
        raise NotImplementedError

    def require(self, cleaned: dict[str, Any], name: str, text: str) -> None:
        """An error at a field that this line needs and that is empty without having an error of its own."""
        if name in cleaned and not cleaned[name]:
            self.add_error(name, ValidationError(text, code="required"))


class AntivirusForm(ManagedForm):
    """A machine that comes under the antivirus service or leaves it (REQ-07)."""

    service = Service.ANTIVIRUS
    differs_by_data_alone = True
    side_by_side = (("category", "operating_system"),)
    required_by_others = frozenset({"category", "operating_system", "has_no_other", "has_license"})
    field_order = ("action", "name", "category", "operating_system", "place")

    action = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[choice for choice in Action.choices if choice[0] != Action.CHANGE],
        initial=Action.ADD.value,
    )
    name = ComputerNameField(
        label=gettext_lazy("Computer name"),
        help_text=gettext_lazy(
            "Of a machine of the register kind, system and place are taken from there. One that is not in it can be named as well."
        ),
    )
    operating_system = ReasonedChoiceField(
        label=gettext_lazy("Operating system"),
        required=False,
        unknown=gettext_lazy(
            "The antivirus service does not support this system (table 2-49, notes). Choose one that is offered."
        ),
    )
    has_no_other = forms.BooleanField(
        label=gettext_lazy("No antivirus product of its own is installed on it"),
        required=False,
        help_text=gettext_lazy(
            "For machines of 独自処理システム and transmission clients: where such a product is installed, the service does not cover the machine (table 2-49, notes)."
        ),
    )
    has_license = forms.BooleanField(
        label=gettext_lazy("The licence is procured"),
        required=False,
        help_text=gettext_lazy("For transmission clients (table 2-49, notes)."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "category", [(c.value, c.label) for c in ANTIVIRUS_CATEGORIES])
        names = [*(system.name for system in self.known.systems), TRANSMISSION_SYSTEM]
        _offer(self, "operating_system", [(name, name) for name in names])

    def complete(self, cleaned: dict[str, Any]) -> None:
        """Kind and system as the register of machines has them; then what table 2-49 asks of each kind."""
        machine = self.known.own_machine(cleaned["name"])
        if machine is not None:
            systems = {system.code: system.name for system in self.known.systems}
            own = Category.OWN_SYSTEM if machine.is_own_system else None
            cleaned["category"] = own or (Category.SERVER if machine.is_server else Category.CLIENT).value
            cleaned["operating_system"] = systems.get(machine.system, "")
            cleaned["place"] = cleaned.get("place") or machine.place
            for name in ("category", "operating_system"):
                self.errors.pop(name, None)
            if not machine.system:
                self.add_error("name", _("This machine has no operating system: no agent runs on it."))
                return
            if not cleaned["operating_system"]:
                text = _(
                    "The antivirus service does not support the system of this machine (table 2-49, notes)."
                )
                self.add_error("name", ValidationError(text, code="unsupported"))
                return
        self.require(cleaned, "category", _("The register does not know this machine: choose its kind."))
        self.require(
            cleaned, "operating_system", _("The register does not know this machine: choose its system.")
        )
        self._by_category(cleaned)

    def _by_category(self, cleaned: dict[str, Any]) -> None:
        category = cleaned.get("category")
        if category != Category.TRANSMISSION and cleaned.get("operating_system") == TRANSMISSION_SYSTEM:
            self.add_error("operating_system", ValidationError(str(ONLY_TRANSMISSION), code="unsupported"))
        if category in (Category.OWN_SYSTEM, Category.TRANSMISSION):
            self.require(
                cleaned,
                "has_no_other",
                _(
                    "With an antivirus product of its own the machine is not covered (table 2-49, notes). Tick this only when none is installed."
                ),
            )
        else:
            cleaned["has_no_other"] = False
        if category == Category.TRANSMISSION:
            self.require(
                cleaned,
                "has_license",
                _("A transmission client needs a licence that you procure (table 2-49, notes)."),
            )
        else:
            cleaned["has_license"] = False

    def to_payload(self) -> AntivirusLine:
        """The checked payload; call it on a valid form."""
        return AntivirusLine(**self.cleaned_data)


class MonitoringForm(ManagedForm):
    """A server or network device whose monitoring begins, changes or ends (REQ-08)."""

    service = Service.MONITORING
    differs_by_data_alone = True
    side_by_side = (("category", "address"),)
    required_by_others = frozenset({"category", "address", "items"})
    field_order = ("action", "name", "category", "address", "items", "settings", "place")

    name = NormalisingField(
        label=gettext_lazy("Name of the machine"),
        max_length=63,
        help_text=gettext_lazy(
            "Computer name of a server, or name of a network device such as 連合会サーバL2SW#1."
        ),
    )
    address = IdentifierField(label=gettext_lazy("IP address"), required=False, max_length=45)
    items = WordsField(
        label=pgettext_lazy("monitoring", "Monitored"),
        required=False,
        choices=Item.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Processes and hardware platform of servers, SNMP traps of network devices (tables 2-19 and 2-20)."
        ),
    )
    settings = ReasonField(
        label=gettext_lazy("Settings"),
        required=False,
        help_text=gettext_lazy(
            "Thresholds, processes and services, messages, SNMP. Empty: as is usual for the kind. In a change whatever is left empty stays as it is."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "category", [(c.value, c.label) for c in MONITORING_CATEGORIES])
        field = self.fields["category"]
        assert isinstance(field, ReasonedChoiceField)
        field.refusals = _REFUSED_IN_MONITORING

    def clean_address(self) -> str:
        """An address in its usual form."""
        text: str = self.cleaned_data["address"]
        try:
            return str(ipaddress.ip_address(text)) if text else ""
        except ValueError as error:
            raise ValidationError(
                _("Enter one IP address such as 10.13.20.5."), code="invalid_address"
            ) from error

    def complete(self, cleaned: dict[str, Any]) -> None:
        """What is left empty in a change stays; of a server in the register the kind is known."""
        managed = self.known.managed(cleaned["name"])
        if cleaned["action"] == Action.CHANGE and managed is not None:
            for name, value in values_of(managed).items():
                if name in cleaned:
                    cleaned[name] = cleaned[name] or value
        elif cleaned["action"] == Action.ADD:
            machine = self.known.own_machine(cleaned["name"])
            if machine is not None:
                cleaned["place"] = cleaned.get("place") or machine.place
                if machine.is_server and not cleaned.get("category") and "category" not in self.errors:
                    cleaned["category"] = Category.SERVER.value
            self.require(cleaned, "category", _("Choose whether it is a server or a network device."))
            self.require(cleaned, "address", _("Enter the address at which it is monitored."))
            self.require(cleaned, "items", _("Choose what is monitored."))
        unfit = set(cleaned.get("items") or ()) - ITEMS.get(
            cleaned.get("category") or "", frozenset(Item.values)
        )
        if unfit:
            names = "、".join(str(Item(item).label) for item in Item.values if item in unfit)
            text = _("This kind of machine cannot be monitored for: %(names)s (tables 2-19 and 2-20).")
            self.add_error("items", ValidationError(text % {"names": names}, code="unfit"))

    def to_payload(self) -> MonitoringLine:
        """The checked payload; call it on a valid form."""
        return MonitoringLine(**self.cleaned_data)


def values_of(managed: ManagedMachine) -> dict[str, Any]:
    """A monitored machine as the fields of the form hold it."""
    return {
        "category": managed.category,
        "address": managed.address or "",
        "items": list(managed.items),
        "settings": managed.settings,
        "place": managed.place,
    }


def _offer(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [("", _("Choose")), *choices]
