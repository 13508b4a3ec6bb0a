"""One of the two processes that make report files in the bench. Nothing of Django is loaded before its own `setup`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.perf.report import peak_megabytes

CHECKPOINT = "証跡 1件"


@dataclass
class Taken:
    """Seconds by the clock and of the processor."""

    clock: float = 0.0
    processor: float = 0.0

    def add(self, act: Callable[[], object]) -> None:
        """Do it, and count what it took."""
        start, used = time.perf_counter(), time.process_time()
        act()
        self.clock += time.perf_counter() - start
        self.processor += time.process_time() - used


@dataclass
class Told:
    """Of one process: what both ways took, and the peak of its memory in MB."""

    bare: Taken = field(default_factory=Taken)
    ours: Taken = field(default_factory=Taken)
    peak: float = 0.0


def run(items: list[tuple[str, int]], settings: dict[str, str], ready: Any, queue: Any) -> None:
    """Make each report (its HTML, its key) in both ways, one after the other, and put what it took into the queue."""
    import django

    django.setup()
    from django.conf import settings as django_settings

    logging.disable(logging.INFO)
    for name, value in settings.items():
        setattr(django_settings, name, value)
    bare(items[0][0])  # everything is loaded, as in a worker
    ours(items[0][1])
    told = Told()
    ready.wait()
    for number, (page, pk) in enumerate(items):
        acts = [(told.bare, partial(bare, page)), (told.ours, partial(ours, pk))]
        # The second finds the letters of the first in the caches: each way is the second for half of the reports.
        for taken, act in acts if number % 2 else reversed(acts):
            taken.add(act)
    told.peak = peak_megabytes()
    queue.put(told)


def bare(page: str) -> bytes:
    """What WeasyPrint alone does."""
    from weasyprint import HTML

    return bytes(HTML(string=page, base_url="about:blank").write_pdf(pdf_variant="pdf/a-2u"))


def ours(pk: int) -> bytes:
    """What a worker does: read, draw, sign."""
    from audit.reconciliation.models import LogKind
    from audit.reports.documents import files
    from audit.reports.documents.content import content_of
    from audit.reports.models import AuditReport, ReportFile

    row = AuditReport.system.select_related(
        "cycle", "organisation", "reconciliation", "created_by", "central_checked_by", "federation_checked_by"
    ).get(pk=pk)
    return files.signed_pdf(content_of(row, LogKind.DATABASE, ReportFile.Stage.PROVIDED), CHECKPOINT)
