"""What the calendar and the review do with password settings: the end, the mails before it, and who says that it may come.

Nothing waits in a broker. A day on which no job ran loses nothing: the next one finds all that became due since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment.models import Operation
from portal.gateways import directory_factory
from portal.gateways.directory import Directory
from portal.notices import services as notices
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, DECIDE
from portal.trail import services as trail
from portal.workflow.fulfilling import enqueue_step
from portal.workflow.models import StageStatus
from requests.password_settings import effects, lookups, register
from requests.password_settings.effects import Effect
from requests.password_settings.known import setting
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import TAKE_BACK, TARGET
from requests.password_settings.register import Verb

REVIEW, ENDS, ENDED = "password_lifetime_review", "password_lifetime_ends", "password_lifetime_ended"


class NotAllowed(Exception):
    """The person may not say this; the text is for them."""


class MoveNotAllowed(Exception):
    """Nothing is to be reviewed any more."""


def enqueue_ends(*, now: datetime) -> int:
    """Queue the taking back of all settings whose last day is over; how many were queued."""
    due = PasswordLifetime.system.filter(state=PasswordLifetime.State.IN_FORCE, until__lt=today(now))
    rows = due.select_related("last_line__application").order_by("until", "pk")
    return sum(_enqueue_once(row, now) for row in rows)


def _enqueue_once(row: PasswordLifetime, now: datetime) -> bool:
    """Unless it was queued before, perhaps in this moment by another beat."""
    if Operation.system.filter(line_id=row.last_line_id, target=TARGET, step=TAKE_BACK).exists():
        return False
    try:
        with transaction.atomic():
            enqueue_step(row.last_line, target=TARGET, step=TAKE_BACK, now=now)
    except IntegrityError:
        return False
    return True


def ask_for_reviews(*, now: datetime) -> int:
    """Mail applicant and approver that settings end soon, and the people whose password is expired then; how many settings.

    Once for each last day. Raises DirectoryError when AD cannot be read; nothing is lost then, the job runs again.
    """
    day = today(now)
    near = PasswordLifetime.system.filter(
        state=PasswordLifetime.State.IN_FORCE,
        until__gte=day,
        until__lte=day + timedelta(days=setting("review_days")),
    ).exclude(told_for__isnull=False)
    directory = directory_factory.get_directory()
    return sum(
        _ask(directory, pk, now) for pk in list(near.order_by("until", "pk").values_list("pk", flat=True))
    )


def _ask(directory: Directory, lifetime_id: int, now: datetime) -> bool:
    row = PasswordLifetime.system.select_related("organisation").get(pk=lifetime_id)
    found = ending_effects(directory, row)
    gone = effects.expired_at(found, effects.end_of(row.until))
    addresses = _addresses(directory, gone)
    with transaction.atomic():
        locked = register.locked(lifetime_id)
        if not locked.is_in_force or locked.told_for is not None or locked.until != row.until:
            return False
        locked.told_for = locked.until
        locked.save(update_fields=["told_for", "updated_at"])
        counts = {"affected": sum(each.changes for each in found), "expired": len(gone)}
        register.note(locked, Verb.TOLD, now, counts=counts)
        _mail_reviewers(locked, counts, now)
        for address in addresses:
            notices.queue(
                template=ENDS,
                now=now,
                organisation_id=locked.organisation_id,
                to_address=address,
                context={"until_on": locked.until.isoformat(), "usual_days": locked.lifetime_before},
            )
    return True


def ending_effects(directory: Directory, row: PasswordLifetime) -> list[Effect]:
    """What becomes of each account when the settings go. Raises DirectoryError."""
    held = directory.find_password_settings(row.object_guid)
    seen = lookups.look_at_settings(directory, row.organisation, held)
    found = effects.effects_of(seen.accounts, seen.survey, seen.survey.without(row.object_guid))
    return [each for each in found if each.changes]


def _addresses(directory: Directory, gone: Sequence[Effect]) -> list[str]:
    return addresses_of(directory, [each.before.guid for each in gone if each.before.enabled])


def addresses_of(directory: Directory, guids: Sequence[UUID]) -> list[str]:
    """Where the people read mail whose password will be expired. Who has no address is told by Windows at logon."""
    return sorted({entry.mail for entry in directory.find_by_guids(guids) if entry.mail}) if guids else []


def tell_ended(row: PasswordLifetime, addresses: Iterable[str], now: datetime) -> None:
    """Mail the people whose password expired because the settings ended before their day; in the caller's transaction."""
    for address in addresses:
        notices.queue(
            template=ENDED,
            now=now,
            organisation_id=row.organisation_id,
            to_address=address,
            context={"usual_days": row.lifetime_before},
        )


def _mail_reviewers(row: PasswordLifetime, counts: dict[str, int], now: datetime) -> None:
    for person in reviewers(row):
        notices.queue(
            template=REVIEW,
            now=now,
            organisation_id=row.organisation_id,
            to_user=person,
            application_number=row.last_line.application.number,
            context={
                "lifetime": row.pk,
                "settings": row.name,
                "until_on": row.until.isoformat(),
                "days": (row.until - today(now)).days,
                **counts,
            },
        )


def reviewers(row: PasswordLifetime) -> Iterable[User]:
    """Who applied last, and who approved it in the organisation itself; those who left are not told."""
    application = row.last_line.application
    stages = application.stages.filter(status=StageStatus.APPROVED, organisation_id=row.organisation_id)
    people = [application.applicant, *(stage.decided_by for stage in stages.select_related("decided_by"))]
    return {person.pk: person for person in people if person is not None and person.is_active}.values()


def may_review(user: User, row: PasswordLifetime) -> bool:
    """Who may apply or decide in the organisation."""
    return user.may(APPLY, row.organisation_id) or user.may(DECIDE, row.organisation_id)


@transaction.atomic
def let_end(*, lifetime_id: int, actor: User, now: datetime) -> PasswordLifetime:
    """The review says that the settings may end on their last day. Raises NotAllowed, MoveNotAllowed."""
    row = register.locked(lifetime_id)
    if not may_review(actor, row):
        raise NotAllowed(_("Only applicants and approvers of the organisation decide this."))
    if not row.is_to_be_reviewed(setting("review_days")):
        raise MoveNotAllowed(row.state)
    row.reviewed_by, row.reviewed_at = actor, now
    row.save(update_fields=["reviewed_by", "reviewed_at", "updated_at"])
    register.note(row, Verb.REVIEWED, now, actor=actor)
    trail.record(
        action="password_lifetime.review",
        now=now,
        actor=actor,
        object_type="password_lifetime",
        object_id=row.pk,
        object_label=row.name,
        object_organisation_id=row.organisation_id,
    )
    return row
