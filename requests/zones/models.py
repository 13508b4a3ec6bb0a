"""The zones in which tickets may change records, and what the servers held at the last reading (REQ-05)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class DnsZone(TimestampedModel):
    """A zone that operations registered. Everybody sees a common one, a federation besides only its own (ORG-02).

    It is ended, never removed: its records and tickets stay readable.
    """

    class Backend(models.TextChoices):
        """How the portal writes into it (docs/adr/0026)."""

        AD = "ad", "Active Directory"
        RFC2136 = "rfc2136", _("server with signed updates")

    name = models.CharField(_("zone"), max_length=253)  # absolute, lower case, without the last dot
    backend = models.CharField(_("server"), max_length=10, choices=Backend)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organisation")
    )  # None: common
    is_open = models.BooleanField(_("open for tickets"), default=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    refreshed_at = models.DateTimeField(_("last read"), null=True, blank=True)  # the last complete reading
    negative_ttl = models.PositiveIntegerField(null=True, blank=True)
    problem = models.CharField(
        _("problem"), max_length=500, blank=True
    )  # of the last reading; "" when it worked

    class Meta:
        ordering = ("name", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], condition=Q(valid_until=None), name="dnszone_once"),
            models.CheckConstraint(
                name="dnszone_period", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_reverse(self) -> bool:
        """Whether it leads from addresses to names."""
        return self.name.endswith((".in-addr.arpa", ".ip6.arpa"))


class DnsRecord(ScopedModel):
    """One record as a server held it. Written by reading the servers only; what is gone there is gone here.

    It belongs to whose address it is or whose ticket made it; all others to the organisation of the zone, or to
    network operations in a common one.
    """

    zone = models.ForeignKey(DnsZone, models.PROTECT, related_name="records", verbose_name=_("zone"))
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    name = models.CharField(pgettext_lazy("dns", "name"), max_length=253)
    type = models.CharField(pgettext_lazy("dns", "type"), max_length=20)
    ttl = models.PositiveBigIntegerField("TTL")
    value = models.TextField(pgettext_lazy("dns", "value"))
    target = models.CharField(max_length=253, blank=True, db_index=True)  # the name that it points at
    value_digest = models.CharField(max_length=64)  # SHA-256: a value may be longer than an index takes
    seen_at = models.DateTimeField(_("last read"))
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="dnsrecord_org"),
            models.Index(fields=["name"], name="dnsrecord_name"),
            *search_indexes("dnsrecord"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["zone", "name", "type", "value_digest"], name="dnsrecord_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.type} {self.value}"
