from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowConfig(AppConfig):
    name = "portal.workflow"
    label = "workflow"
    verbose_name = _("applications")

    def ready(self) -> None:
        """Tell fulfilment, one floor below, whom to call when an operation is settled."""
        from portal.fulfilment import registry
        from portal.workflow import fulfilling

        registry.on_settled(fulfilling.operation_settled)
