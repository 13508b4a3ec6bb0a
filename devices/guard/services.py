"""What people of operations have the publisher do."""

from __future__ import annotations

from datetime import datetime

from devices.guard.modes import NotAllowed
from portal.jobs import services as jobs
from portal.jobs.errors import AlreadyOpen
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS

JOB = "publish_whitelist"


def request_publication(*, actor: User, now: datetime) -> None:
    """Have every guard given the list and asked, by the job of that name. Raises NotAllowed.

    While it runs already, nothing more is to be asked for.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations publish")
    try:
        jobs.request_run(job_name=JOB, actor=actor, now=now)
    except AlreadyOpen:
        return
