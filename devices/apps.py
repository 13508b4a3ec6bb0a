from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    name = "devices"
    label = "devices"
    verbose_name = _("devices")

    def ready(self) -> None:
        """Register this app's kinds and handlers, and its registers for field-level history (SEC-02)."""
        from auditlog.registry import auditlog
        from django.core import checks as system_checks

        from devices import evidence, waiting
        from devices.alerts import telling as alerts
        from devices.computers import answering, checks
        from devices.computers import kinds as computers
        from devices.exchange import telling as exchange
        from devices.guard.checks import settings_of_the_guard
        from devices.models import Computer, Device, DevicePermit, LocalAddress, Segment, WhitelistEntry
        from devices.permits import kinds as permits
        from devices.permits import telling
        from devices.segments import allotting, holding
        from devices.stations import services
        from devices.whitelist import kinds as whitelist
        from devices.whitelist import reminding
        from portal.notices import messages, places
        from portal.orgs import machines, networks

        system_checks.register(settings_of_the_guard)
        evidence.register()
        computers.register_all()
        permits.register_all()
        whitelist.register_all()
        checks.in_the_way.append(services.in_the_way)
        checks.in_the_way_of_becoming.append(services.in_the_way_of_becoming)
        waiting.register_all()
        networks.register(holding.holders)
        networks.keep(allotting.SegmentRegister())
        machines.register(answering.MachineRegister())
        for template in telling.TEMPLATES:
            messages.provide(template, telling.values_for_mail)
        places.provide("guard_failed", lambda notice: reverse("guard_list"))
        messages.provide("guard_failed", lambda notice: {"guard_url": messages.link("guard_list")})
        places.provide(reminding.TEMPLATE, lambda notice: reverse("whitelist_list"))
        messages.provide(reminding.TEMPLATE, reminding.values_for_mail)
        for template in exchange.TEMPLATES:
            messages.provide(template, exchange.values_for_mail)
            places.provide(template, lambda notice: reverse("skysea_findings"))
        for template in alerts.TEMPLATES:
            messages.provide(template, alerts.values_for_mail)
            places.provide(template, lambda notice: reverse("alert_list"))
        readings = ["last_used_at", "usage_as_of"]  # no change by a person: the import itself is on record
        auditlog.register(Device, exclude_fields=["created_at", "updated_at", "search_text", *readings])
        auditlog.register(DevicePermit, exclude_fields=["created_at", "updated_at"])
        auditlog.register(Computer, exclude_fields=["created_at", "updated_at", "search_text"])
        auditlog.register(WhitelistEntry, exclude_fields=["created_at", "updated_at", "search_text"])
        auditlog.register(LocalAddress, exclude_fields=["created_at", "updated_at"])
        auditlog.register(Segment, exclude_fields=["created_at", "updated_at"])
