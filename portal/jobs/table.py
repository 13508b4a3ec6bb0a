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
    """One job: run once for each period (SEC-04).

    `run(now=…)` returns a short text for the list of jobs. A job that brings a state up to date (`every_period` False)
    runs after an outage for the newest missed period only; one that owes something for each period runs for all, in order,
    and is told with `period` (the moment it was due) for which.
    """

    name: str
    label: Any  # gettext_lazy
    cron: str
    run: Callable[..., str]
    why: str
    every_period: bool = False

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
