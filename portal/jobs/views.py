"""The pages of scheduled jobs: for those who may read operations; operators start a job by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.common.pagination import paginate
from portal.jobs import errors, selectors, services
from portal.jobs.table import Job, find_job
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS, Permission

PAGE_SIZE = 50


@require_safe
@never_cache
def job_list(request: HttpRequest) -> HttpResponse:
    """Each job with its last and next run, and the newest runs (SEC-04)."""
    _person(request, READ_OPERATIONS)
    states = selectors.job_states(timezone.now())
    labels = {state.job.name: state.job.label for state in states}
    context = {"states": states, "runs": selectors.recent_runs(), "labels": labels}
    return render(request, "jobs/list.html", context)


@require_safe
@never_cache
def job_history(request: HttpRequest, name: str) -> HttpResponse:
    """One job: how it stands and all its runs. htmx asks for the moving part alone while a run is open."""
    user = _person(request, READ_OPERATIONS)
    job = find_job(name)
    runs = selectors.runs(name)
    if job is None and not runs.exists():
        raise Http404
    context: dict[str, Any] = {
        "name": name,
        "label": job.label if job else name,
        "state": selectors.job_state(job, timezone.now()) if job else None,
        "page": paginate(runs, request.GET.get("cursor"), PAGE_SIZE),
        "may_run": user.may(RUN_OPERATIONS),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "jobs/_state.html", context)
    return render(request, "jobs/history.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def job_run(request: HttpRequest, name: str) -> HttpResponse:
    """Run a job now: the page asks once more, the POST acts."""
    user = _person(request, RUN_OPERATIONS)
    job = find_job(name)
    if job is None:
        raise Http404
    if request.method != "POST":
        return _confirm(request, job)
    try:
        services.request_run(job_name=name, actor=user, now=timezone.now())
    except errors.AlreadyOpen:
        return _confirm(request, job, status=409)
    messages.success(request, _("The job was started. Its result appears on this page."))
    return redirect("job_history", name=name)


def _confirm(request: HttpRequest, job: Job, status: int = 200) -> HttpResponse:
    context = {"job": job, "state": selectors.job_state(job, timezone.now())}
    return render(request, "jobs/run.html", context, status=status)


def _person(request: HttpRequest, permission: Permission) -> User:
    assert isinstance(request.user, User)
    if not request.user.may(permission):
        raise PermissionDenied(_("Only people of network operations see the scheduled jobs."))
    return request.user
