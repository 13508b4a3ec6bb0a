"""The pages of the trail."""

from django.urls import path

from portal.trail import views

urlpatterns = [
    path("trail/", views.trail_list, name="trail_list"),
    path("trail/export/", views.trail_export, name="trail_export"),
]
