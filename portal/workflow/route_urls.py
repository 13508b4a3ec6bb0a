"""The pages of approval routes."""

from django.urls import path

from portal.workflow import route_views

urlpatterns = [
    path("routes/", route_views.route_list, name="route_list"),
    path("routes/<str:kind>/", route_views.route_edit, name="route_edit"),
    path("routes/<str:kind>/<slug:code>/", route_views.route_edit, name="route_edit_own"),
]
