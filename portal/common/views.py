"""Error pages (what happened, what to do, the number to quote) and the few views that belong to every page."""

from __future__ import annotations

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.common.api import problems


def _page(request: HttpRequest, status: int) -> HttpResponse:
    """An error page without context processors: it must not need the database, a session or a person.

    A program that called the REST interface gets a problem response instead.
    """
    if request.path_info.startswith("/api/"):
        return problems.outside_of_views(request, status)
    content = loader.render_to_string(
        f"{status}.html",
        {"error_number": getattr(request, "error_number", ""), "was_sent": request.method == "POST"},
    )
    return HttpResponse(content, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403. `exception` may carry a translated sentence that says why."""
    context = {"error_number": getattr(request, "error_number", ""), "reason": str(exception or "")}
    return HttpResponse(loader.render_to_string("403.html", context), status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, also for what belongs to another federation (ORG-02)."""
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database does not answer: then the person only has to wait."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _page(request, 503)
        response["Retry-After"] = "30"
        return response
    return _page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long or came from elsewhere."""
    context = {"error_number": getattr(request, "error_number", "")}
    return HttpResponse(loader.render_to_string("403_csrf.html", context), status=403)


@require_POST
def extend_session(request: HttpRequest) -> HttpResponse:
    """The person wants to stay: any request renews the session, this one does nothing else."""
    return HttpResponse(status=204)


@login_not_required
@never_cache
def readiness(request: HttpRequest) -> HttpResponse:
    """For a load balancer and the launcher: 200 when a page can be served now, 503 while the database is away.

    The directory, the broker and the mail server do not count: the portal works on without them and says so.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database"}, status=503)
    return JsonResponse({"status": "ok"})


HELP_PAGES = ("applicant", "approver", "officer", "operator", "manager", "auditor", "audit")


@login_not_required
def help_index(request: HttpRequest) -> HttpResponse:
    """使い方: one page for each role, and one for the audit, in which every role has its part."""
    return render(request, "help/index.html")


@login_not_required
def help_role(request: HttpRequest, slug: str) -> HttpResponse:
    """One of these pages; the URL admits known names only."""
    return render(request, f"help/{slug}.html")
