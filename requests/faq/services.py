"""One person of operations proposes a text, another one publishes it or sends it back (REQ-11)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.common.time import today
from portal.notices import services as notices
from portal.orgs.models import User
from portal.orgs.permissions import EDIT_FAQ, OrganisationKind
from portal.trail import services as trail
from portal.workflow import people
from portal.workflow.numbers import next_number
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.enquiries.models import Enquiry
from requests.faq import cleaning
from requests.faq.models import FaqEntry, FaqVersion

PREFIX, TEMPLATE = "FQ", "faq_proposed"
State = FaqVersion.State


@transaction.atomic
def propose(
    *,
    entry_id: int | None,
    enquiry: Enquiry | None,
    category: str,
    question: str,
    answer: str,
    actor: User,
    now: datetime,
) -> FaqVersion:
    """A text for a new entry or an existing one; nobody reads it before another person confirmed it.

    Raises NotAllowed, Refused (what names somebody, or a version that waits already).
    """
    _require(actor)
    entry = _entry(entry_id, enquiry, category, now)
    _refuse_names(entry, question, answer)
    number = entry.versions.count() + 1
    try:
        with transaction.atomic():
            version = FaqVersion.objects.create(
                entry=entry,
                number=number,
                category=category,
                question=question,
                answer=answer,
                prepared_by=actor,
                prepared_at=now,
            )
    except IntegrityError as error:
        raise Refused("", _("Another version of this entry waits for its confirmation.")) from error
    for pk, person in people.operators(today(now)).items():
        if pk != actor.pk:
            notices.queue(
                template=TEMPLATE,
                now=now,
                organisation_id=people.organisation_of(OrganisationKind.OPERATIONS).pk,
                to_user=person,
                context={"version": version.pk},
            )
    _record("faq.propose", version, actor, now)
    return version


@transaction.atomic
def publish(*, version_id: int, actor: User, now: datetime) -> FaqVersion:
    """Another person has read it: everybody sees it from now on. Raises NotAllowed, Refused, ChangedMeanwhile."""
    version = _waiting(version_id, actor)
    entry = version.entry
    _refuse_names(entry, version.question, version.answer)
    version.state, version.decided_by, version.decided_at = State.PUBLISHED, actor, now
    version.save()
    entry.category, entry.question, entry.answer = version.category, version.question, version.answer
    entry.is_published, entry.published_at = True, now
    entry.search_text = search_key(entry.number, entry.question, entry.answer, entry.get_category_display())
    entry.save()
    _record("faq.publish", version, actor, now)
    return version


@transaction.atomic
def send_back(*, version_id: int, reason: str, actor: User, now: datetime) -> FaqVersion:
    """It is not published; who prepared it proposes another one. Raises NotAllowed, Refused, ChangedMeanwhile."""
    version = _waiting(version_id, actor)
    if not reason.strip():
        raise Refused("reason", _("Say what is to be changed."))
    version.state, version.decided_by, version.decided_at = State.REFUSED, actor, now
    version.reason = reason.strip()
    version.save()
    _record("faq.send_back", version, actor, now)
    return version


@transaction.atomic
def withdraw(*, entry_id: int, actor: User, now: datetime) -> FaqEntry:
    """Nobody but operations sees the entry any more; twice is once. Raises NotAllowed."""
    _require(actor)
    entry = FaqEntry.objects.select_for_update().get(pk=entry_id)
    if entry.is_published:
        entry.is_published = False
        entry.save(update_fields=["is_published", "updated_at"])
        trail.record(
            action="faq.withdraw",
            now=now,
            actor=actor,
            object_type="faq",
            object_id=entry.pk,
            object_label=entry.number,
        )
    return entry


def _entry(entry_id: int | None, enquiry: Enquiry | None, category: str, now: datetime) -> FaqEntry:
    if entry_id is not None:
        return FaqEntry.objects.select_for_update(of=("self",)).get(pk=entry_id)
    return FaqEntry.objects.create(number=next_number(PREFIX, now), category=category, enquiry=enquiry)


def _refuse_names(entry: FaqEntry, question: str, answer: str) -> None:
    names = cleaning.known_names(entry.enquiry)
    for field, text in (("question", question), ("answer", answer)):
        if (found := cleaning.look_into(text, names)).certain:
            raise Refused(field, cleaning.refusal(found))


def _waiting(version_id: int, actor: User) -> FaqVersion:
    _require(actor)
    # The entry first, as proposing does.
    entry_id = FaqVersion.objects.values_list("entry_id", flat=True).get(pk=version_id)
    FaqEntry.objects.select_for_update(of=("self",)).get(pk=entry_id)
    rows = FaqVersion.objects.select_for_update(of=("self",)).select_related("entry__enquiry")
    version = rows.get(pk=version_id)
    if version.state != State.PROPOSED:
        raise ChangedMeanwhile("", _("Somebody decided this version meanwhile."))
    if version.prepared_by_id == actor.pk:
        raise NotAllowed(_("You prepared this text. Another person confirms it."))
    return version


def _require(actor: User) -> None:
    if not actor.may(EDIT_FAQ):
        raise NotAllowed(_("Only network operations edit the FAQ."))


def _record(action: str, version: FaqVersion, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="faq",
        object_id=version.entry_id,
        object_label=version.entry.number,
        detail={"version": version.number},
    )
