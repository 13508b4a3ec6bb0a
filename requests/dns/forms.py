"""The form of one line of a DNS ticket: what a person types becomes a checked payload."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.forms import IdentifierField, NormalisingField, PortalForm
from portal.common.text import ascii_identifier
from portal.gateways.dns import InvalidRecord, RecordType, reverse_name
from portal.gateways.dns_rules import MIN_TTL, REASON_TEXTS, Reason, canonical_name, make_record, text_bytes
from portal.workflow.kinds import LineContext
from requests.dns import lookups
from requests.dns.payloads import ADDRESS_TYPES, Action, DnsLine


class ValueField(NormalisingField):
    """The value of a record. Spaces inside are kept: in a text they count."""

    normalise = staticmethod(str.strip)


class DnsForm(PortalForm):
    """One record that comes, changes or goes."""

    differs_by_data_alone = True
    side_by_side = (("action", "type"),)
    required_by_others = frozenset({"old_value", "value"})

    action = forms.ChoiceField(label=gettext_lazy("What to do"), choices=Action.choices, initial=Action.ADD)
    type = forms.ChoiceField(
        label=gettext_lazy("Type of record"),
        choices=[(kind.value, kind.value) for kind in RecordType],
        initial=RecordType.A.value,
    )
    name = IdentifierField(
        label=pgettext_lazy("dns", "Name"),
        max_length=300,
        help_text=gettext_lazy(
            "The full name, such as web1.kokuho.pr. For a PTR record the IP address is enough."
        ),
    )
    old_value = ValueField(
        label=gettext_lazy("Value until now"),
        required=False,
        max_length=4000,
        help_text=gettext_lazy("Only in a change: the value that the new one replaces."),
    )
    value = ValueField(
        label=pgettext_lazy("dns", "Value"),
        required=False,
        max_length=4000,
        help_text=gettext_lazy(
            "A, AAAA: an IP address. CNAME, PTR: a full name. SRV: priority, weight, port and target. TXT: the text. In a deletion the value that goes; empty in a change of the TTL alone."
        ),
    )
    ttl = forms.IntegerField(
        label=gettext_lazy("TTL (seconds)"),
        required=False,
        min_value=0,
        help_text=gettext_lazy(
            "How long others may remember the answer. Empty: as it is, 3600 for a new name. It counts for all records of this type at the name."
        ),
    )
    with_ptr = forms.BooleanField(
        label=gettext_lazy("The PTR record follows"),
        required=False,
        help_text=gettext_lazy(
            "For A and AAAA: the record for reverse lookup is made, moved or deleted as well."
        ),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context

    def clean(self) -> dict[str, Any]:
        """Everything that can be said without asking the servers, at its field."""
        cleaned = super().clean() or self.cleaned_data
        action, kind = cleaned.get("action"), cleaned.get("type")
        cleaned["ttl"] = cleaned.get("ttl") or 0
        if not action or not kind:
            return cleaned
        self._clean_by_action(cleaned, action)
        if cleaned.get("with_ptr") and kind not in ADDRESS_TYPES:
            self.add_error("with_ptr", _("Only A and AAAA records have a PTR record. Remove the tick."))
        if cleaned.get("name"):
            self._clean_record(cleaned, action, kind)
        return cleaned

    def to_payload(self) -> DnsLine:
        """The checked payload; call it on a valid form."""
        return DnsLine(**self.cleaned_data)

    def _clean_by_action(self, cleaned: dict[str, Any], action: str) -> None:
        if action == Action.CHANGE:
            if not cleaned.get("old_value") and "old_value" in cleaned:
                self.add_error(
                    "old_value", ValidationError(_("Enter the value that is there now."), code="required")
                )
            if not cleaned.get("value") and cleaned.get("ttl"):
                cleaned["value"] = cleaned.get("old_value", "")
        elif cleaned.get("old_value"):
            self.add_error("old_value", _("Leave this empty unless the record is changed."))
        if not cleaned.get("value") and "value" in cleaned:
            self.add_error("value", ValidationError(str(REASON_TEXTS[Reason.EMPTY]), code="required"))

    def _clean_record(self, cleaned: dict[str, Any], action: str, kind: str) -> None:
        """Name, values and TTL by portal.gateways.dns_rules; what goes is taken as the server may hold it."""
        name = _owner(cleaned["name"], kind)
        zone = lookups.known(self.context).zone_of(name)
        if zone is None:
            self.add_error("name", ValidationError(lookups.no_zone(), code="no_zone"))
        for field in ("value", "old_value"):
            text = cleaned.get(field)
            if text:
                self._clean_value(cleaned, field, zone.name if zone else _parent(name), name, kind)
        cleaned["name"] = name

    def _clean_value(self, cleaned: dict[str, Any], field: str, zone: str, name: str, kind: str) -> None:
        text = cleaned[field]
        written = _written(text, kind, is_new=field == "value" and cleaned["action"] != Action.DELETE)
        try:
            record = make_record(zone, name, kind, cleaned["ttl"] or MIN_TTL, written)
        except InvalidRecord as error:
            places = {"value": field}
            for place, reason in error.problems.items():
                target = places.get(place, place)
                if target not in self.errors:
                    self.add_error(target, ValidationError(str(REASON_TEXTS[Reason(reason)]), code=reason))
            return
        cleaned[field] = record.value


def _owner(text: str, kind: str) -> str:
    """The name in its stored form; an address stands for its reverse name."""
    if kind == RecordType.PTR:
        try:
            return reverse_name(str(ipaddress.ip_address(text)))
        except ValueError:
            pass
    return canonical_name(text)


def _parent(name: str) -> str:
    return name.partition(".")[2] or name


def _written(text: str, kind: str, *, is_new: bool) -> str:
    """The value as its type is read: a text keeps every space, everything else is half-width without any."""
    if kind == RecordType.TXT:
        return _escaped(text) if is_new else text
    return " ".join(ascii_identifier(part) for part in text.split())


def _escaped(text: str) -> str:
    """People type a backslash as it is; the stored form writes it as its number."""
    try:
        text_bytes(text)
    except ValueError:
        return text.replace("\\", "\\092")
    return text
