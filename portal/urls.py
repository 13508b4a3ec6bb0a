"""The composition root of the web side: every URL of the portal."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

from portal.common import views
from portal.orgs.views import set_language

handler400 = "portal.common.views.bad_request"
handler403 = "portal.common.views.forbidden"
handler404 = "portal.common.views.not_found"
handler500 = "portal.common.views.server_error"


urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", views.readiness, name="readiness"),
    path("session/extend/", views.extend_session, name="session_extend"),
    path("language/", set_language, name="set_language"),
    path("help/", views.help_index, name="help"),
    re_path(rf"^help/(?P<slug>{'|'.join(views.HELP_PAGES)})/$", views.help_role, name="help_role"),
    path("auth/", include("portal.orgs.auth_urls")),
    path("api/v1/", include("portal.api_urls")),
    path("", include("portal.workflow.urls")),
    path("", include("portal.fulfilment.urls")),
    path("", include("portal.two_factor.urls")),
    path("", include("portal.notices.urls")),
    path("", include("portal.orgs.urls")),
    path("", include("portal.trail.urls")),
    path("", include("portal.jobs.urls")),
    path("", include("portal.continuity.urls")),
    path("", include("accounts.urls")),
    path("", include("accounts.dormancy.urls")),
    path("", include("accounts.reconciliation.urls")),
    path("", include("accounts.self_service_urls")),
    path("", include("devices.inventory.urls")),
    path("", include("devices.urls")),
    path("", include("requests.urls")),
    path("", include("audit.urls")),
]
if getattr(settings, "EMBEDDED_INBOX", False):
    urlpatterns.append(path("_mail/", include("portal.embedded.urls")))
