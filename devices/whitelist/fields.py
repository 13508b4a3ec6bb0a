"""Form fields for addresses. They take text only: what a spreadsheet made a number of is refused, not repaired (MAC-06)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from devices.whitelist.addresses import AddressRefused, parse_ip, parse_mac, shown_mac
from portal.common.forms import IdentifierField


class _AddressField(IdentifierField):
    """One address, read strictly."""

    text_only: ClassVar[bool] = True  # portal.workflow.bulk.columns refuses numbers in such cells
    parse: Callable[[Any], str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["data-w"] = "20"

    def to_python(self, value: Any) -> str:
        """The stored form; empty stays empty."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return ""
        try:
            return type(self).parse(value)
        except AddressRefused as error:
            raise ValidationError(error.reason, code=error.code) from error


class MacField(_AddressField):
    """A MAC address in any usual spelling."""

    parse = staticmethod(parse_mac)

    def prepare_value(self, value: Any) -> Any:
        """Addresses as the guard shows them; what is none stays as it was typed."""
        try:
            return shown_mac(parse_mac(value)) if value else value
        except AddressRefused:
            return value


class IpField(_AddressField):
    """An IPv4 address of one device."""

    parse = staticmethod(parse_ip)
