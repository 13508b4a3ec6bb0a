"""The addresses of the pages of jobs."""

from django.urls import path

from portal.jobs import views

urlpatterns = [
    path("jobs/", views.job_list, name="job_list"),
    path("jobs/<slug:name>/", views.job_history, name="job_history"),
    path("jobs/<slug:name>/run/", views.job_run, name="job_run"),
]
