"""The address of the page of jobs."""

from django.urls import path

from portal.jobs import views

urlpatterns = [path("jobs/", views.job_list, name="job_list")]
