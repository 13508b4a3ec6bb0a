"""The pages of the trail."""

from django.urls import path

from portal.trail import views, views_evidence

urlpatterns = [
    path("trail/", views.trail_list, name="trail_list"),
    path("trail/export/", views.trail_export, name="trail_export"),
    path("trail/evidence/", views_evidence.evidence, name="evidence"),
    path("trail/evidence/<int:pk>/", views_evidence.evidence_checkpoint, name="evidence_checkpoint"),
]
