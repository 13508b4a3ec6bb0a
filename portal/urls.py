"""The composition root of the web side: every URL of the portal."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

from portal.common import views
from portal.orgs.views import set_language

handler400 = "portal.common.views.bad_request"
handler403 = "portal.common.views.forbidden"
handler404 = "portal.common.views.not_found"
handler500 = "portal.common.views.server_error"


def _include(prefix: str, module: str) -> list[URLPattern | URLResolver]:
    """The URLs of a module, none while its app does not bring them."""
    return [path(prefix, include(module))] if find_spec(module) else []


urlpatterns: list[URLPattern | URLResolver] = [
    path("session/extend/", views.extend_session, name="session_extend"),
    path("language/", set_language, name="set_language"),
    path("help/", views.help_index, name="help"),
    re_path(rf"^help/(?P<slug>{'|'.join(views.HELP_PAGES)})/$", views.help_role, name="help_role"),
    *_include("auth/", "portal.orgs.auth_urls"),
    *_include("", "portal.workflow.urls"),
    *_include("", "portal.fulfilment.urls"),
    *_include("", "portal.notices.urls"),
    *_include("", "portal.orgs.urls"),
    *_include("", "portal.trail.urls"),
    *_include("", "portal.jobs.urls"),
    *_include("", "accounts.urls"),
    path("", include("accounts.self_service_urls")),
    *_include("api/v1/", "portal.api_urls"),
]
if getattr(settings, "EMBEDDED_INBOX", False):
    urlpatterns.append(path("_mail/", include("portal.embedded.urls")))
