from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    label = "audit"
    verbose_name = _("specific personal information audit")

    def ready(self) -> None:
        """Rooms of this app register here what they tell other rooms."""
        from django.core import checks

        from audit import waiting
        from audit.cycles import joining as cycles
        from audit.imports import joining as imports
        from audit.ledgers import joining as ledgers
        from audit.reconciliation import joining as reconciliation
        from audit.reports import joining as reports
        from audit.retention import joining as retention
        from portal.documents.settings_check import settings_of_documents

        checks.register(settings_of_documents, deploy=True)
        cycles.register_all()
        imports.register_all()
        ledgers.register_all()
        reconciliation.register_all()
        reports.register_all()
        retention.register_all()
        waiting.register_all()
