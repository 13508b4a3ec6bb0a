"""The monthly lists: one search, then one list for each organisation, each in a transaction of its own (ACC-14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.dormancy import finding, mailing
from accounts.dormancy.finding import Dormant, Found
from accounts.dormancy.half_year import cut_off, first_of_month
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.common.text import search_key
from portal.common.time import add_business_days, today
from portal.orgs.models import Organisation
from portal.trail import services as trail
from portal.workflow.models import OPEN, Status

_BATCH = 500


Progress = Callable[[int, int], None]
Search = Callable[[datetime], Found]


def list_dormant_accounts(
    *,
    now: datetime,
    period: datetime,
    progress: Progress = lambda done, total: None,
    search: Search | None = None,
) -> str:
    """The lists of the month of `period`; what was done before is not done again, so it may be called at any time.

    `search` stands in for the search in AD, for a demonstration whose accounts are all new. Raises DirectoryError when AD cannot be asked; the month then stays begun, and `finish_lists` goes on with it.
    """
    return _carry_out(_begin(first_of_month(period), now), now, progress, search or finding.search)


def finish_lists(*, now: datetime) -> int:
    """Go on with the months that were begun and could not be finished, the oldest first; how many are finished now."""
    begun = DormantRun.objects.filter(status=DormantRun.Status.RUNNING).order_by("period")
    return sum(bool(_carry_out(run, now, lambda done, total: None, finding.search)) for run in list(begun))


def _begin(month: date, now: datetime) -> DormantRun:
    months = settings.DORMANT_MONTHS
    values = {"cut_off": cut_off(month, months), "months": months, "started_at": now}
    run, _made = DormantRun.objects.get_or_create(period=month, defaults=values)
    return run


def _carry_out(run: DormantRun, now: datetime, progress: Progress, search: Search) -> str:
    if run.status != DormantRun.Status.DONE:
        found = search(run.cut_off)
        organisations = list(Organisation.objects.all())
        _note(run, found, len(organisations))
        for done, organisation in enumerate(organisations, start=1):
            _list(run.pk, organisation, found, now)
            progress(done, len(organisations))
        _finish(run, now)
    lines = DormantLine.system.filter(review__run=run).count()
    text = _("%(count)d dormant accounts") % {"count": lines}
    missing = _("without an answer: %(names)s") % {"names": ", ".join(run.missing)} if run.missing else ""
    return f"{text}; {missing}" if missing else text


def _note(run: DormantRun, found: Found, organisations: int) -> None:
    run.controllers, run.missing = list(found.answers.controllers), list(found.answers.missing)
    run.candidates, run.dropped, run.elsewhere = found.candidates, found.dropped, found.elsewhere
    run.organisations = organisations
    run.save(update_fields=["controllers", "missing", "candidates", "dropped", "elsewhere", "organisations"])


@transaction.atomic
def _list(run_id: int, organisation: Organisation, found: Found, now: datetime) -> None:
    """One organisation's list with its mail; nothing when it exists already."""
    run = DormantRun.objects.select_for_update().get(pk=run_id)
    if DormantReview.system.filter(run=run, organisation=organisation).exists():
        return
    # Lists show the newest row first: those who never came, then those who were away longest.
    dormant = sorted(found.accounts.get(organisation.pk, ()), key=_away, reverse=True)
    _supersede(run, organisation, now)
    review = DormantReview.system.create(
        run=run,
        organisation=organisation,
        due_on=add_business_days(today(now), settings.DORMANT_ANSWER_DAYS),
        created_at=now,
        missing=list(found.answers.missing),
    )
    earlier = _earlier_lines(organisation, [account.entry.guid for account in dormant])
    lines = [_line(review, account, earlier.get(account.entry.guid)) for account in dormant]
    DormantLine.system.bulk_create(lines, batch_size=_BATCH)
    waiting = sum(line.is_open for line in lines)
    if waiting and _has_later(review):
        close(review, DormantReview.Status.SUPERSEDED, now)
    elif not waiting:
        close(review, DormantReview.Status.ANSWERED, now)
    elif run.period == first_of_month(now):  # a month that is caught up is replaced by the next list at once
        mailing.tell_about_list(review, waiting, now)
    run.organisations_done += 1
    run.save(update_fields=["organisations_done"])
    _record(review, len(lines), now)


def _away(account: Dormant) -> float:
    return account.logon.at.timestamp() if account.logon else 0.0


def _supersede(run: DormantRun, organisation: Organisation, now: datetime) -> None:
    """What an earlier list still asks is asked by this one. What was not answered there stays visible as such."""
    open_ones = DormantReview.system.select_for_update().filter(
        organisation=organisation, status=DormantReview.Status.OPEN, run__period__lt=run.period
    )
    for review in open_ones:
        close(review, DormantReview.Status.SUPERSEDED, now)


def close(review: DormantReview, status: str, now: datetime) -> None:
    """Nothing is asked any more; the caller holds the lock of the review or has just made it."""
    review.status, review.closed_at = status, now
    review.save(update_fields=["status", "closed_at"])


def _has_later(review: DormantReview) -> bool:
    later = DormantReview.system.filter(run__period__gt=review.run.period)
    return later.filter(organisation=review.organisation_id).exists()


def _earlier_lines(organisation: Organisation, guids: Sequence[UUID]) -> dict[UUID, DormantLine]:
    """The newest earlier line of each account."""
    if not guids:
        return {}
    rows = DormantLine.system.filter(organisation=organisation, object_guid__in=guids)
    newest = rows.order_by("object_guid", "-review__run__period").distinct("object_guid")
    return {line.object_guid: line for line in newest.select_related("application")}


def _line(review: DormantReview, account: Dormant, earlier: DormantLine | None) -> DormantLine:
    entry, logon = account.entry, account.logon
    line = DormantLine(
        review=review,
        organisation_id=review.organisation_id,
        previous=earlier,
        object_guid=entry.guid,
        login_name=entry.login_name[:20],
        display_name=entry.display_name[:256],
        department=entry.department[:64],
        is_administrator=account.is_administrator,
        made_at=entry.created_at,
        last_logon=logon.at if logon else None,
        last_logon_from=logon.source if logon else "",
        must_change=entry.must_change_password,
        search_text=search_key(
            entry.display_name, "".join(entry.display_name.split()), entry.login_name, entry.department
        ),
    )
    if earlier is not None and _is_being_deleted(earlier):
        # The federation has answered, and others are at work on it: it is shown and not asked again.
        line.answer, line.application = DormantLine.Answer.DELETE, earlier.application
        line.answered_by, line.answered_at = earlier.answered_by, earlier.answered_at
    return line


def _is_being_deleted(line: DormantLine) -> bool:
    """A draft is no application yet: whoever wrote it may have forgotten it."""
    application = line.application
    return application is not None and application.status in OPEN - {Status.DRAFT}


def _finish(run: DormantRun, now: datetime) -> None:
    run.status, run.finished_at = DormantRun.Status.DONE, now
    run.save(update_fields=["status", "finished_at"])


def _record(review: DormantReview, count: int, now: datetime) -> None:
    trail.record(
        action="dormant.list",
        now=now,
        actor=None,
        object_type="accounts.dormancy.dormantreview",
        object_id=review.pk,
        object_label=str(review),
        object_organisation_id=review.organisation_id,
        detail={"accounts": count, "missing": review.missing},
    )
