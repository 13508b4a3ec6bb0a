"""The sign of life of a run: while its worker lives, nobody else takes it over, however long it takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connections

from portal.jobs.errors import LeaseLost
from portal.jobs.models import JobRun, JobRunStatus

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
BEAT_SECONDS = 60.0
_WRITE_SECONDS = 1.0

NowFn = Callable[[], datetime]


def held(run: JobRun) -> Any:
    """The row while it is still this worker's: the number of the attempt says so."""
    return JobRun.objects.filter(pk=run.pk, attempts=run.attempts, status=JobRunStatus.RUNNING)


class Heartbeat:
    """Renews the lease of a run every minute from a thread of its own, as long as the block lasts."""

    def __init__(self, run: JobRun, now_fn: NowFn, *, seconds: float = BEAT_SECONDS) -> None:
        self.lost = False
        self._run, self._now_fn, self._seconds = run, now_fn, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{run.job}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def renew(self) -> None:
        """Begin the lease anew. Sets `lost` when the run is no longer ours."""
        if not held(self._run).update(lease_until=self._now_fn() + LEASE):
            self.lost = True

    def _beat(self) -> None:
        try:
            while not self.lost and not self._over.wait(self._seconds):
                try:
                    self.renew()
                except DatabaseError as error:
                    # The lease lasts five beats: one that fails is made up for by the next.
                    log.warning("no sign of life for job %s: %s", self._run.job, type(error).__name__)
                    connections.close_all()
        finally:
            connections.close_all()


class Progress:
    """How far a long run is, for the page of the job. Outside a transaction, else nobody sees it before the end."""

    def __init__(self, run: JobRun, heartbeat: Heartbeat) -> None:
        self._run, self._heartbeat = run, heartbeat
        self._written = 0.0

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total`; written once a second at most. Raises LeaseLost when another worker has taken over."""
        if self._heartbeat.lost:
            raise LeaseLost(self._run.job)
        # Read straight from the process clock: how long ago, not what time it is.
        if done < total and time.monotonic() - self._written < _WRITE_SECONDS:
            return
        self._written = time.monotonic()
        if not held(self._run).update(progress_done=min(done, total), progress_total=total):
            raise LeaseLost(self._run.job)
