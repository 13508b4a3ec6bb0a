"""The tables of this app live beside what uses them."""

from requests.zones.models import DnsRecord, DnsZone

__all__ = ["DnsRecord", "DnsZone"]
