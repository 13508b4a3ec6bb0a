"""The bell's side of the audit: tasks carry no work, they look for what waits, and may run twice or late."""

from __future__ import annotations

from celery import shared_task

from audit.imports import hosts, loading
from audit.reconciliation import services as reconciliation
from audit.reports.documents import making
from portal.common import bell
from portal.gateways import clock


@shared_task(name=making.TASK)
def make_report_files() -> None:
    """At the bell and each minute: make the files of reports that are ordered."""
    making.make_owed_files(now=clock.now())


@shared_task(name=loading.IMPORT_TASK)
def import_log(import_id: str) -> None:
    """Import one file of log lines."""
    loading.run(import_id=int(import_id), now_fn=clock.now)


@shared_task(name="audit.tasks.import_missed_logs")
def import_missed_logs() -> None:
    """Each minute: files whose worker died or was never called."""
    for pk in loading.missed(clock.now()):
        bell.ring_now(loading.IMPORT_TASK, str(pk))


@shared_task(name=hosts.TAKE_IN_TASK)
def take_in_held_lines() -> None:
    """Lines whose machine was registered meanwhile."""
    hosts.take_in_held(clock.now())


@shared_task(name=loading.RECONCILE_TASK)
def reconcile_again() -> None:
    """After an import: months and federations whose rows or works are others than at the last run."""
    reconciliation.reconcile_again(now=clock.now())
