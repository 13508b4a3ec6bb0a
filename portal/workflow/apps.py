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
        from portal.workflow import fulfilling
        from portal.workflow.models import RouteStage

        registry.on_settled(fulfilling.operation_settled)
        auditlog.register(RouteStage)
