"""The addresses of the screens of network operations."""

from django.urls import path

from portal.fulfilment import views
from portal.fulfilment.steps import STEPS

urlpatterns = [
    path("operations/", views.ListView.as_view(), name="operation_list"),
    path("operations/export/", views.ExportView.as_view(), name="operation_export"),
    path("operations/print/", views.PrintView.as_view(), name="operation_print"),
    path("operations/gate/close/", views.GateView.as_view(), name="gate_close"),
    path("operations/gate/open/", views.GateView.as_view(close=False), name="gate_open"),
    path("operations/<int:pk>/", views.DetailView.as_view(), name="operation_detail"),
    path("operations/<int:pk>/sheet/", views.SheetView.as_view(), name="operation_sheet"),
    path("operations/targets/<slug:target>/pause/", views.TargetView.as_view(), name="target_pause"),
    path(
        "operations/targets/<slug:target>/resume/",
        views.TargetView.as_view(pause=False),
        name="target_resume",
    ),
    *(
        path(
            f"operations/<int:pk>/{step.name.replace('_', '-')}/",
            views.StepView.as_view(step=step),
            name=step.url_name,
        )
        for step in STEPS
    ),
]
