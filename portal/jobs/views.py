"""The page of scheduled jobs, for those who may read operations."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.jobs import selectors
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS


@require_safe
@never_cache
def job_list(request: HttpRequest) -> HttpResponse:
    """Each job with its last and next run, and the newest runs (SEC-04)."""
    assert isinstance(request.user, User)
    if not request.user.may(READ_OPERATIONS):
        raise PermissionDenied(_("Only people of network operations see the scheduled jobs."))
    states = selectors.job_states(timezone.now())
    labels = {state.job.name: state.job.label for state in states}
    context = {"states": states, "runs": selectors.recent_runs(), "labels": labels}
    return render(request, "jobs/list.html", context)
