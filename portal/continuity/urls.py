"""The addresses of the page of continuity packs."""

from django.urls import path

from portal.continuity import views

urlpatterns = [
    path("continuity/", views.pack_list, name="continuity_list"),
    path("continuity/make/", views.pack_make, name="continuity_make"),
    path("continuity/<int:pk>/", views.pack_download, name="continuity_download"),
]
