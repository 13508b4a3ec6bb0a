"""What waits for a person in the rooms of the audit, for the home page and the audit overview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from audit.cycles import selectors as cycles
from audit.imports import selectors as imports
from audit.imports.models import LogImport
from audit.ledgers import selectors as ledgers
from audit.ledgers.models import Ledger
from audit.reconciliation import selectors as reconciliation
from audit.reconciliation.models import Incident
from audit.reports import selectors as reports
from audit.reports.documents import making
from audit.retention.models import Disposal
from portal.common.pagination import limited_count
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import (
    CLOSE_INCIDENTS,
    DECIDE_DISPOSALS,
    IMPORT_LOGS,
    READ_AUDIT_CYCLES,
    RUN_OPERATIONS,
    WRITE_CENTRAL_LEDGER,
    WRITE_FEDERATION_LEDGER,
    OrganisationKind,
)
from portal.trail import sealing
from portal.workflow import waiting
from portal.workflow.waiting import Waiting


def register_all() -> None:
    """Called once when the portal starts."""
    for source in _SOURCES:
        waiting.register(source)


def of(user: User, now: datetime) -> list[Waiting]:
    """The cards of the audit alone; nothing that is zero."""
    return [card for source in _SOURCES for card in source(user, now) if card.count]


def _reports(user: User, now: datetime) -> Iterator[Waiting]:
    """Reports with a step that the person does, in an own role or as a deputy (ORG-04)."""
    count, url = reports.waiting_for(user, now).count(), f"{reverse('audit_report_list')}?whose=mine"
    yield Waiting(label=_("Audit reports that wait for you"), icon="book", count=count, url=url)


def _late(user: User, now: datetime) -> Iterator[Waiting]:
    """Reports whose step is late: for the central association those of everybody, for the others their own."""
    parties = cycles.parties(user) if user.may(READ_AUDIT_CYCLES) else ()
    if parties:
        owners = None if OrganisationKind.CENTRAL in parties else parties
        count, url = cycles.late_count(user, today(now), owners), reverse("audit_calendar")
        yield Waiting(label=_("Late audit reports"), icon="warning", count=count, url=url, state="late")


def _report_files(user: User, now: datetime) -> Iterator[Waiting]:
    """Files that are not made although they should be, for those who can do something about it (AUD-07)."""
    if user.may(RUN_OPERATIONS):
        count, url = limited_count(making.stuck_orders(now)), reverse("audit_report_orders")
        yield Waiting(
            label=_("Report files that are not made"), icon="warning", count=count, url=url, state="late"
        )


def _seal(user: User, now: datetime) -> Iterator[Waiting]:
    """The evidence is not sealed: every step of a report is refused until it is (SEC-02)."""
    if user.may(RUN_OPERATIONS) and settings.EVIDENCE["socket"]:
        count, url = int(not sealing.seal_is_fresh(now)), reverse("evidence")
        yield Waiting(
            label=_("The sealing of the evidence stands still"),
            icon="warning",
            count=count,
            url=url,
            state="late",
        )


def _log_files(user: User, now: datetime) -> Iterator[Waiting]:
    """Files that nobody started, and imports that stopped: their rows are missing in the reports."""
    if user.may(IMPORT_LOGS):
        states = (LogImport.State.UPLOADED, LogImport.State.FAILED)
        count = LogImport.objects.filter(state__in=states).count()
        yield Waiting(label=_("Log files not imported"), icon="file", count=count, url=reverse("log_imports"))


def _machines(user: User, now: datetime) -> Iterator[Waiting]:
    """Machines that sent logs and that nobody registered."""
    if user.may(IMPORT_LOGS):
        count, url = imports.unknown_count(), reverse("log_hosts")
        yield Waiting(label=_("Unknown machines in the logs"), icon="computer", count=count, url=url)


def _works(user: User, now: datetime) -> Iterator[Waiting]:
    """Works of the own ledger whose planned time is over: nobody has entered what was done (AUD-03, AUD-05)."""
    for permission, ledger, page in (
        (WRITE_CENTRAL_LEDGER, Ledger.CENTRAL, "ledger_central_list"),
        (WRITE_FEDERATION_LEDGER, Ledger.FEDERATION, "ledger_federation_list"),
    ):
        if user.may(permission):
            count = limited_count(ledgers.works(user, ledger=ledger, state="unrecorded"))
            url = f"{reverse(page)}?state=unrecorded"
            yield Waiting(label=_("Works without what was done"), icon="pen", count=count, url=url)


def _incidents(user: User, now: datetime) -> Iterator[Waiting]:
    """Incidents for those who close them; who opened one waits for somebody else."""
    if user.may(CLOSE_INCIDENTS):
        rows = reconciliation.incidents(user, state=Incident.State.OPEN).exclude(opened_by=user)
        count, url = limited_count(rows), f"{reverse('incident_list')}?state={Incident.State.OPEN.value}"
        yield Waiting(label=_("Suspected misuse to look into"), icon="warning", count=count, url=url)


def _disposals(user: User, now: datetime) -> Iterator[Waiting]:
    """Disposals that somebody else proposed, for those who decide them (AUD-09)."""
    if user.may(DECIDE_DISPOSALS):
        rows = Disposal.objects.filter(state=Disposal.State.PROPOSED).exclude(proposed_by=user)
        url = reverse("audit_retention")
        yield Waiting(label=_("Disposals to be decided"), icon="clock", count=rows.count(), url=url)


_SOURCES: tuple[waiting.Source, ...] = (
    _reports,
    _late,
    _report_files,
    _seal,
    _log_files,
    _machines,
    _works,
    _incidents,
    _disposals,
)
