from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChangeRequestsConfig(AppConfig):
    name = "requests"
    label = "change_requests"
    verbose_name = _("change tickets")

    def ready(self) -> None:
        """Register this app's kinds and handlers, and its registers for field-level history (SEC-02)."""
        from auditlog.registry import auditlog
        from django.core import checks as system_checks

        from requests import evidence
        from requests.bundles import registering as bundles
        from requests.computers import kinds as computers
        from requests.dns import kinds as dns
        from requests.enquiries import joining as enquiries
        from requests.managed import kinds as managed
        from requests.models import ComputerObject, DnsZone, ManagedMachine, PasswordLifetime
        from requests.networks import kinds as networks
        from requests.outages import joining as outages
        from requests.own_changes import joining as own_changes
        from requests.password_settings import kinds as password_settings
        from requests.password_settings import telling
        from requests.unlock import kinds as unlock
        from requests.zones.settings_check import settings_of_dns

        system_checks.register(settings_of_dns)
        evidence.register()
        dns.register_all()
        computers.register_all()
        enquiries.register_all()
        password_settings.register_all()
        telling.register_all()
        unlock.register_all()
        managed.register_all()
        own_changes.register_all()
        networks.register_all()
        bundles.register_all()
        outages.register_all()
        read = ["refreshed_at", "negative_ttl", "problem"]  # no change by a person
        auditlog.register(PasswordLifetime, exclude_fields=["created_at", "updated_at", "search_text"])
        auditlog.register(DnsZone, exclude_fields=["created_at", "updated_at", *read])
        seen = ["verified_at", "last_logon_at", "search_text"]
        auditlog.register(ComputerObject, exclude_fields=["created_at", "updated_at", *seen])
        auditlog.register(ManagedMachine, exclude_fields=["created_at", "updated_at", "search_text"])
