"""What can happen to an operation: the verbs of its history."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Verb(models.TextChoices):
    """One entry of OperationEvent.verb."""

    QUEUED = "queued", _("entered the queue")
    STARTED = "started", _("started by a worker")
    DONE = "done", _("done and verified by reading back")
    WAITS = "waits", _("waits and will be tried again")
    AWAITS = "awaits", _("waits for something else to happen first")
    HANDED_OVER = "handed_over", _("handed over to the other system")
    UNKNOWN = "unknown", _("no reply, the outcome is unknown")
    STOPPED = "stopped", _("stopped: a person must decide")
    HANDLER_FAILED = "handler_failed", _("stopped by an unexpected error")
    LEASE_EXPIRED = "lease_expired", _("the worker did not come back")
    TAKEN = "taken", _("taken over by a person")
    GIVEN_BACK = "given_back", _("given back to the portal")
    RETRIED = "retried", _("retry asked for")
    LET_THROUGH = "let_through", _("let through a freeze by operations")
    CORRECTED = "corrected", _("corrected by operations")
    VERIFIED = "verified", _("recorded as done, verified by reading back")
    NOT_VERIFIED = "not_verified", _("recorded as done, but the target differs")
    CLOSED = "closed", _("closed without result")


# After these the count of unexplained failures starts again.
BY_A_PERSON = (Verb.TAKEN, Verb.GIVEN_BACK, Verb.RETRIED)
