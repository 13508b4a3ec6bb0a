"""The addresses of keeping times and disposal."""

from django.urls import path

from audit.retention import views

urlpatterns = [
    path("audit/retention/", views.RetentionView.as_view(), name="audit_retention"),
    path("audit/retention/propose/", views.ProposeView.as_view(), name="audit_disposal_propose"),
    path("audit/retention/<int:pk>/decide/", views.DecideView.as_view(), name="audit_disposal_decide"),
    path("audit/retention/holds/", views.HoldView.as_view(), name="audit_hold"),
    path("audit/retention/holds/<int:pk>/release/", views.ReleaseView.as_view(), name="audit_hold_release"),
    path("audit/retention/rules/", views.RuleView.as_view(), name="audit_retention_rule"),
]
