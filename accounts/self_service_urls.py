"""The pages on which people change their own password."""

from django.urls import path

from accounts import self_service_views as views

urlpatterns = [
    path("profile/password/", views.password_change, name="password_change"),
    path("profile/password/first/", views.initial_password_change, name="initial_password_change"),
]
