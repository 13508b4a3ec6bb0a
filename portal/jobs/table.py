"""What a scheduled job is. The table of all jobs is portal.schedule, which may know every room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.module_loading import import_string

from portal.jobs.cron import Cron

# Named by its path as ROOT_URLCONF names the URLs: this floor does not import the rooms above it.
_TABLE = "portal.schedule.JOBS"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job: run once for each period (SEC-04), and when an operator asks.

    What `run(now=…)` returns stands in the list of jobs, as text; it must be safe to run twice. A job that brings a state up to
    date (`every_period` False) runs after an outage for the newest missed period only; one that owes something for each
    period runs for all, in order, and is told with `period` for which: the moment it was due, or the minute in which an
    operator asked. With `reports_progress` it is given `progress`, a portal.jobs.heartbeat.Progress.
    """

    name: str
    label: Any  # gettext_lazy
    cron: str
    run: Callable[..., object]
    why: str
    every_period: bool = False
    reports_progress: bool = False

    @cached_property
    def times(self) -> Cron:
        """When it is due."""
        return Cron.parse(self.cron)

    def period_of(self, moment: datetime) -> str:
        """The name of the period that begins at `moment`, for JobRun.period: Japanese date and time."""
        return f"{moment:%Y-%m-%dT%H:%M}"


def all_jobs() -> tuple[Job, ...]:
    """Every job of the portal."""
    jobs: tuple[Job, ...] = import_string(_TABLE)
    return jobs


def find_job(name: str) -> Job | None:
    """The job of that name; None for one that is no longer in the table, or never was."""
    return next((job for job in all_jobs() if job.name == name), None)
