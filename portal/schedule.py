"""Everything that the portal does once for each period, in one table. Times are Japanese.

Jobs are caught up after an outage (SEC-04), each by a task of its own in the queue "jobs", so that a long one holds up nothing;
the page of jobs shows them and lets operators start them. A room declares its own in its jobs.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.utils.translation import gettext_lazy as _

import accounts.jobs
import audit.jobs
import devices.jobs
import requests.jobs
from portal.continuity import services as continuity
from portal.jobs import upkeep as jobs
from portal.jobs.table import Job
from portal.orgs import recipients
from portal.trail import mailing, sealing
from portal.two_factor import services as two_factor
from portal.workflow import upkeep as workflow
from portal.workflow.bulk import services as bulk
from portal.workflow.models import IdempotencyKey

_IDEMPOTENCY_KEYS_KEPT = timedelta(days=2)


def _purge_idempotency_keys(*, now: datetime) -> int:
    count, _by_model = IdempotencyKey.objects.filter(created_at__lt=now - _IDEMPOTENCY_KEYS_KEPT).delete()
    return count


def _remove_exchange_files(*, now: datetime) -> int:
    return two_factor.remove_old_files(now)


def _purge_sessions(*, now: datetime) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def _seal_evidence(*, now: datetime) -> int:
    return sealing.seal(now=now).size


_OF_THE_PORTAL: tuple[Job, ...] = (
    Job(
        name="check_open_stages",
        label=_("Check that every open stage has somebody who can decide"),
        cron="0 2 * * *",
        run=workflow.check_open_stages,
        why="People leave and memberships end while an application waits for them.",
    ),
    Job(
        name="remind_overdue",
        label=_("Remind the deciders of overdue stages"),
        cron="30 8 * * 1-5",
        run=workflow.remind_overdue,
        why="At the start of the working day; the service itself leaves out holidays.",
    ),
    Job(
        name="make_continuity_pack",
        label=_("Make the continuity pack"),
        cron="40 2 * * *",
        run=continuity.make_nightly,
        why="On the day on which the portal is down it is too late.",
    ),
    Job(
        name="purge_idempotency_keys",
        label=_("Remove old answers to repeated REST requests"),
        cron="10 3 * * *",
        run=_purge_idempotency_keys,
        why="They serve repetitions within minutes and hold copies of answers.",
    ),
    Job(
        name="remove_exchange_files",
        label=_("Remove answered files of the two-factor exchange"),
        cron="15 3 * * *",
        run=_remove_exchange_files,
        why="They hold personal data that is needed no longer than to look into a disputed answer.",
    ),
    Job(
        name="purge_uploads",
        label=_("Remove rows of files that became no application"),
        cron="30 3 * * *",
        run=bulk.purge,
        why="They hold names of people for whom nobody applied.",
    ),
    Job(
        name="purge_sessions",
        label=_("Remove sessions that ended"),
        cron="20 3 * * *",
        run=_purge_sessions,
        why="The table would grow for ever.",
    ),
    Job(
        name="purge_job_runs",
        label=_("Remove the history of jobs after 400 days"),
        cron="30 3 1 * *",
        run=jobs.purge_old_runs,
        why="A year and a month is what people look back to.",
    ),
    Job(
        name="ask_recipients_again",
        label=_("Ask recipients of initial passwords to confirm their address again"),
        cron="0 8 * * *",
        run=recipients.ask_again,
        why="Two weeks before six months are over; after that the address is not usable.",
    ),
    Job(
        name="mail_checkpoint",
        label=_("Mail the checkpoint of the day to the auditors"),
        cron="0 18 * * *",
        run=mailing.mail_checkpoint,
        why="At the end of the day; a mailbox keeps what a database can lose (SEC-02).",
    ),
    Job(
        name="seal_evidence",
        label=_("Seal the evidence"),
        cron="* * * * *",
        run=_seal_evidence,
        why="What was written can be forged unnoticed only until it is sealed (SEC-02).",
    ),
)

JOBS: tuple[Job, ...] = (
    *accounts.jobs.JOBS,
    *devices.jobs.JOBS,
    *requests.jobs.JOBS,
    *audit.jobs.JOBS,
    *_OF_THE_PORTAL,
)
