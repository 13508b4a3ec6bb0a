"""The bell's side of accounts: tasks carry no work, they look for what waits, and may run twice or late."""

from __future__ import annotations

from celery import shared_task

from accounts.reconciliation import runs
from accounts.reminder import services as reminders
from portal.gateways import clock


@shared_task(name=runs.TASK)
def reconcile() -> None:
    """Carry out the reconciliation runs that somebody asked for."""
    runs.carry_out_waiting(clock.now)


@shared_task(name=reminders.ANSWER_TASK)
def answer_password_reminders() -> None:
    """At the bell and each minute: mail where a forgotten password can be helped."""
    reminders.answer_open(now=clock.now())
