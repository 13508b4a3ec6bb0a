from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowConfig(AppConfig):
    name = "portal.workflow"
    label = "workflow"
    verbose_name = _("applications")

    def ready(self) -> None:
        """Tell fulfilment, one floor below, whom to call when an operation is settled; keep the history of routes."""
        from auditlog.registry import auditlog

        from portal.fulfilment import registry
        from portal.notices import messages, sent
        from portal.workflow import evidence, fulfilling, waiting
        from portal.workflow.calendar import sources
        from portal.workflow.models import RouteStage
        from portal.workflow.reports import arriving, telling

        registry.on_settled(fulfilling.operations_settled)
        for template in ("application_completed", "application_rejected"):
            sent.on_sent(template, arriving.note_sent)
        messages.provide("application_completed", telling.in_mail)
        waiting.register(telling.undelivered)
        sources.register_all()
        evidence.register()
        auditlog.register(RouteStage)
