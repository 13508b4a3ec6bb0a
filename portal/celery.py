"""The Celery application. PostgreSQL holds the truth; a task is only a bell (docs/adr/0006)."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.local")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def add_schedule(sender: Celery, **_: Any) -> None:
    """Give the beat its table once Django is ready."""
    from portal.beat import BEAT

    sender.conf.beat_schedule = BEAT
