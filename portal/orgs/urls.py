"""The pages of organisations, people and the person's own profile."""

from django.urls import path

from portal.orgs import views

urlpatterns = [
    path("profile/", views.profile_page, name="profile"),
    path("profile/tokens/", views.token_list, name="token_list"),
    path("profile/tokens/new/", views.token_create, name="token_create"),
    path("profile/tokens/<int:pk>/revoke/", views.token_revoke, name="token_revoke"),
]
