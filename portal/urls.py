"""The composition root of the web side: every URL of the portal."""

from django.urls import include, path

handler400 = "portal.common.views.bad_request"
handler403 = "portal.common.views.forbidden"
handler404 = "portal.common.views.not_found"
handler500 = "portal.common.views.server_error"

urlpatterns = [
    path("login/", include("allauth.account.urls")),
]
