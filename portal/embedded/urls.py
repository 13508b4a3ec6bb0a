"""The mail inbox; portal.urls mounts it under /_mail/ where settings.EMBEDDED_INBOX says so."""

from django.urls import path

from portal.embedded import views

app_name = "embedded"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<str:key>/", views.mail, name="mail"),
]
