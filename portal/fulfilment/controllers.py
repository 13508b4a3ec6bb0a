"""What an operation minds where several domain controllers answer: what one does not hold yet is not absent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from portal.fulfilment.registry import Run, Waits
from portal.gateways import clock
from portal.gateways.directory import Directory


def note_controller(run: Run, directory: Directory) -> None:
    """Note before an object is added which domain controller is asked, where there are several."""
    server = directory.serving()
    if server and run.operation.progress.get("sent_to") != server:
        run.checkpoint(sent_to=server, sent_at=clock.now().isoformat())


def other_controller(run: Run, directory: Directory) -> Waits | None:
    """What to do when another controller answers than the one that was asked; None when its word counts.

    The add may have come through at the one that was asked, which does not answer any more: until this one must have heard
    of everything, what it does not hold is not absent.
    """
    progress = run.operation.progress
    sent_to, server = progress.get("sent_to", ""), directory.serving()
    if not sent_to or not server or sent_to == server:
        return None
    window = timedelta(minutes=int(settings.RECONCILIATION["replication_minutes"]))
    heard = datetime.fromisoformat(progress["sent_at"]) + window
    if clock.now() >= heard:
        return None
    text = _(
        "Another domain controller answers than the one that was asked. The portal waits until it must have heard of the change."
    )
    return Waits(code="other_controller", message=text, until=heard)
