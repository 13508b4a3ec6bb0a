"""Scheduled jobs over REST, for network operations (READ_OPERATIONS, RUN_OPERATIONS).

Here and not beside the jobs, because a POST minds Idempotency-Key like every other.
"""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, page_of, paged
from portal.common.api.problems import Problem, not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.jobs import errors, selectors, services
from portal.jobs.models import JobRun, JobRunStatus
from portal.jobs.table import find_job
from portal.orgs.api import person_who_may
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS
from portal.workflow.api.idempotency import once


class JobRunSerializer(serializers.Serializer):
    """One run of one job."""

    id = serializers.IntegerField()
    job = serializers.CharField()
    period = serializers.CharField(help_text="Japanese time; with seconds when an operator asked for it")
    by_hand = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=JobRunStatus.choices)
    status_label = serializers.CharField(source="get_status_display")
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField()
    progress_done = serializers.IntegerField()
    progress_total = serializers.IntegerField(help_text="0 when the job does not tell")
    summary = serializers.CharField()

    def get_by_hand(self, run: JobRun) -> bool:
        """Whether an operator asked for it."""
        return run.requested_by_id is not None


class JobSerializer(serializers.Serializer):
    """A job of the schedule with its last and next run."""

    name = serializers.CharField(source="job.name")
    label = serializers.CharField(source="job.label")  # type: ignore[assignment]
    cron = serializers.CharField(source="job.cron", help_text="Five fields of cron in Japanese time")
    next_run_at = serializers.DateTimeField(source="next_at", allow_null=True)
    open_run = JobRunSerializer(source="open", allow_null=True)
    last_run = JobRunSerializer(source="last", allow_null=True)


def _reader(request: Request) -> User:
    return person_who_may(request, READ_OPERATIONS)


class JobsView(ApiView):
    """What the portal does by the clock."""

    @extend_schema(operation_id="jobs_list", responses=JobSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every job, without pages: there are few."""
        _reader(request)
        return Response(JobSerializer(selectors.job_states(timezone.now()), many=True).data)


class JobRunsView(ApiView):
    """The runs of one job."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY

    @extend_schema(
        operation_id="job_runs_list", parameters=PAGE_PARAMETERS, responses=page_of(JobRunSerializer)
    )
    def get(self, request: Request, name: str) -> Response:
        """Newest first."""
        _reader(request)
        runs = selectors.runs(name)
        if find_job(name) is None and not runs.exists():
            raise not_found()
        return Response(paged(request, runs, JobRunSerializer))

    @extend_schema(
        operation_id="job_runs_create",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: JobRunSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Run the job now, as soon as a worker is free; 409 while a run is open."""
        user = _reader(request)
        return once(request, user, lambda: self._start(user, name))

    def _start(self, user: User, name: str) -> Response:
        try:
            run = services.request_run(job_name=name, actor=user, now=timezone.now())
        except errors.NotAllowed as error:
            raise not_allowed() from error
        except errors.UnknownJob as error:
            raise not_found() from error
        except errors.AlreadyOpen as error:
            raise Problem(
                409, "already-running", _("The job runs already, or waits for a worker.")
            ) from error
        return Response(JobRunSerializer(run).data, status=202)
