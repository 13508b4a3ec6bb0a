"""The tables of this app live beside what uses them."""

from requests.computers.models import ComputerObject, ComputerObjectEvent
from requests.zones.models import DnsRecord, DnsZone

__all__ = ["ComputerObject", "ComputerObjectEvent", "DnsRecord", "DnsZone"]
