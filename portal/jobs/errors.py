"""Why a job cannot be run now."""

from __future__ import annotations


class NotAllowed(Exception):
    """The person may not start jobs (403)."""


class UnknownJob(Exception):
    """There is no such job (404)."""


class AlreadyOpen(Exception):
    """The job runs already, or waits for a worker (409): it never runs twice at the same time."""


class LeaseLost(Exception):
    """Another worker took the run over because this one was silent for too long: it has to stop."""
