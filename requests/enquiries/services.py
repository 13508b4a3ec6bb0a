"""Asking, answering, asking back, assigning and closing (REQ-11). Each step locks the enquiry and judges it anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.files import Upload
from portal.common.text import search_key
from portal.common.time import add_business_days, today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import ANSWER_ENQUIRIES, ASK_ENQUIRIES
from portal.trail import services as trail
from portal.workflow import people
from portal.workflow.numbers import next_number
from requests.enquiries import files as attached
from requests.enquiries import telling
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.enquiries.models import Enquiry, EnquiryMessage

PREFIX = "EQ"
State, Kind = Enquiry.State, EnquiryMessage.Kind


@transaction.atomic
def ask(
    *,
    organisation: Organisation,
    desk: str,
    category: str,
    subject: str,
    text: str,
    files: Sequence[Upload] = (),
    follows: Enquiry | None = None,
    actor: User,
    now: datetime,
) -> Enquiry:
    """A federation asks; the desk is told. Raises NotAllowed, Refused."""
    if not people.may(actor, ASK_ENQUIRIES, organisation.pk, today(now)):
        raise NotAllowed(_("Your role does not allow you to ask for this organisation."))
    checked = attached.check(files)
    enquiry: Enquiry = Enquiry.system.create(
        number=next_number(PREFIX, now),
        organisation=organisation,
        asker=actor,
        desk=desk,
        category=category,
        subject=subject,
        state_since=now,
        asked_at=now,
        due_on=due_from(now),
        follows=follows,
    )
    _write(enquiry, Kind.QUESTION, text, actor, now, checked)
    telling.tell_desk("enquiry_new", enquiry, now)
    _record("enquiry.ask", enquiry, actor, now)
    return enquiry


@transaction.atomic
def reply(
    *, enquiry_id: int, version: int, text: str, files: Sequence[Upload] = (), actor: User, now: datetime
) -> Enquiry:
    """Somebody of the asker's organisation writes: it is the desk's turn. Raises NotAllowed, Refused, ChangedMeanwhile."""
    enquiry = _locked(enquiry_id, version)
    if not people.may(actor, ASK_ENQUIRIES, enquiry.organisation_id, today(now)):
        raise NotAllowed(_("Only people of the organisation that asked reply here."))
    checked = attached.check(files)
    _write(enquiry, Kind.REPLY, text, actor, now, checked)
    if enquiry.state != State.OPEN:
        enquiry.due_on = due_from(now)
    _turn(enquiry, State.OPEN, now)
    telling.tell_desk("enquiry_reply", enquiry, now)
    _record("enquiry.reply", enquiry, actor, now)
    return enquiry


@transaction.atomic
def answer(
    *,
    enquiry_id: int,
    version: int,
    text: str,
    asks_back: bool = False,
    files: Sequence[Upload] = (),
    actor: User,
    now: datetime,
) -> Enquiry:
    """The desk answers, or asks the asker something. Whoever answers one that nobody had, has it from then on.

    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    enquiry = _locked(enquiry_id, version)
    _require_desk(enquiry, actor, now)
    checked = attached.check(files)
    _write(enquiry, Kind.ASKED_BACK if asks_back else Kind.ANSWER, text, actor, now, checked)
    enquiry.assigned_to = enquiry.assigned_to or actor
    _turn(enquiry, State.WAITING if asks_back else State.ANSWERED, now)
    telling.tell_asker("enquiry_asked_back" if asks_back else "enquiry_answered", enquiry, now)
    _record("enquiry.ask_back" if asks_back else "enquiry.answer", enquiry, actor, now)
    return enquiry


@transaction.atomic
def add_note(
    *, enquiry_id: int, text: str, files: Sequence[Upload] = (), actor: User, now: datetime
) -> Enquiry:
    """A note among those who answer, also to a closed one; the federation never sees it. Raises NotAllowed, Refused."""
    enquiry: Enquiry = Enquiry.system.select_for_update(of=("self",)).get(pk=enquiry_id)
    if not actor.may(ANSWER_ENQUIRIES):
        raise NotAllowed(_("Only those who answer enquiries write notes."))
    _write(enquiry, Kind.NOTE, text, actor, now, attached.check(files), internal=True)
    _record("enquiry.note", enquiry, actor, now)
    return enquiry


@transaction.atomic
def route(
    *,
    enquiry_id: int,
    version: int,
    desk: str,
    assigned_to: User | None,
    due_on: date,
    actor: User,
    now: datetime,
) -> Enquiry:
    """The desk says who answers and until when, or hands it to the other desk. Raises NotAllowed, Refused, ChangedMeanwhile."""
    enquiry = _locked(enquiry_id, version)
    _require_desk(enquiry, actor, now)
    if desk != enquiry.desk:
        assigned_to = None  # the other desk assigns its own people
    elif assigned_to is not None and assigned_to.pk not in answerers(desk, now):
        raise Refused("assigned_to", _("Choose somebody who answers enquiries there."))
    if enquiry.state == State.OPEN and due_on < today(now) and due_on != enquiry.due_on:
        raise Refused("due_on", _("Choose today or a later day."))
    before = (enquiry.desk, enquiry.assigned_to_id, enquiry.due_on)
    enquiry.desk, enquiry.assigned_to, enquiry.due_on = desk, assigned_to, due_on
    after = (enquiry.desk, enquiry.assigned_to_id, enquiry.due_on)
    if before == after:
        return enquiry
    _write(enquiry, Kind.ROUTED, _routing(enquiry), actor, now, (), internal=True)
    enquiry.version += 1
    enquiry.save()
    if before[0] != after[0]:
        telling.tell_desk("enquiry_new", enquiry, now)
    elif before[1] != after[1] and assigned_to is not None and assigned_to.pk != actor.pk:
        telling.tell_person("enquiry_assigned", enquiry, assigned_to, now)
    _record(
        "enquiry.route", enquiry, actor, now, desk=desk, assigned_to=assigned_to.pk if assigned_to else None
    )
    return enquiry


@transaction.atomic
def close(*, enquiry_id: int, version: int, text: str = "", actor: User, now: datetime) -> Enquiry:
    """The asker closes it; a colleague only when the asker cannot any more. Raises NotAllowed, Refused, ChangedMeanwhile."""
    enquiry = _locked(enquiry_id, version)
    if not may_close(enquiry, actor, now):
        raise NotAllowed(_("Only the person who asked closes an enquiry."))
    shut(enquiry, text=text, actor=actor, now=now)
    return enquiry


def shut(enquiry: Enquiry, *, text: str, actor: User | None, now: datetime) -> None:
    """Close a locked enquiry, by the asker or (None) by the portal after its notice."""
    _write(enquiry, Kind.CLOSED, text, actor, now, ())
    enquiry.closed_at, enquiry.closed_by = now, actor
    _turn(enquiry, State.CLOSED, now)
    telling.tell_desk("enquiry_closed", enquiry, now)
    if actor is None:
        telling.tell_asker("enquiry_closed", enquiry, now)
    _record("enquiry.close", enquiry, actor, now)


def may_close(enquiry: Enquiry, actor: User, now: datetime) -> bool:
    """The asker; once the asker left or lost the role, any colleague who may ask."""
    day, place = today(now), enquiry.organisation_id
    if actor.pk == enquiry.asker_id or not people.may(actor, ASK_ENQUIRIES, place, day):
        return actor.pk == enquiry.asker_id and people.may(actor, ASK_ENQUIRIES, place, day)
    return not people.may(enquiry.asker, ASK_ENQUIRIES, place, day)


def answerers(desk: str, now: datetime) -> dict[int, User]:
    """The people who answer at a desk, by primary key."""
    return people.members(people.organisation_of(desk).pk, ANSWER_ENQUIRIES.roles, today(now))


def due_from(now: datetime) -> date:
    """The day until which the desk is to answer what came now."""
    return add_business_days(today(now), settings.ENQUIRIES["answer_days"])


def _locked(enquiry_id: int, version: int) -> Enquiry:
    rows = Enquiry.system.select_for_update(of=("self",)).select_related(
        "asker", "organisation", "assigned_to"
    )
    enquiry: Enquiry = rows.get(pk=enquiry_id)
    if enquiry.is_closed:
        raise ChangedMeanwhile("", _("This enquiry is closed. Ask a new one that refers to it."))
    if enquiry.version != version:
        raise ChangedMeanwhile("", _("Somebody else wrote meanwhile. Read it, then send what you wrote."))
    return enquiry


def _require_desk(enquiry: Enquiry, actor: User, now: datetime) -> None:
    if actor.pk not in answerers(enquiry.desk, now):
        raise NotAllowed(_("Another desk answers this enquiry."))


def _turn(enquiry: Enquiry, state: str, now: datetime) -> None:
    enquiry.state, enquiry.state_since = state, now
    enquiry.closes_on = enquiry.reminded_on = None
    enquiry.version += 1
    enquiry.save()


def _write(
    enquiry: Enquiry,
    kind: str,
    text: str,
    actor: User | None,
    now: datetime,
    checked: Sequence[tuple[str, str, bytes]],
    *,
    internal: bool = False,
) -> EnquiryMessage:
    text = text.strip()
    if not text and kind not in (Kind.CLOSED, Kind.ROUTED):
        raise Refused("text", _("Write something."))
    message: EnquiryMessage = EnquiryMessage.system.create(
        enquiry=enquiry,
        organisation_id=enquiry.organisation_id,
        kind=kind,
        internal=internal,
        at=now,
        author=actor,
        author_name=actor.display_name if actor else "",
        author_organisation=actor.organisation.short_name if actor else "",
        text=text,
    )
    attached.keep(message, checked)
    words, named = search_key(text, *(name for name, _type, _data in checked)), search_key(*_named(enquiry))
    if not internal:
        enquiry.search_text = f"{enquiry.search_text or named} {words}"
    enquiry.desk_search_text = f"{enquiry.desk_search_text or named} {words}"
    texts = {"search_text": enquiry.search_text, "desk_search_text": enquiry.desk_search_text}
    Enquiry.system.filter(pk=enquiry.pk).update(**texts)
    return message


def _named(enquiry: Enquiry) -> tuple[str, ...]:
    place = enquiry.organisation
    return (enquiry.number, enquiry.subject, enquiry.asker.display_name, place.name, place.short_name)


def _routing(enquiry: Enquiry) -> str:
    who = enquiry.assigned_to.display_name if enquiry.assigned_to else _("nobody yet")
    return _("%(desk)s, assigned to %(who)s, due %(day)s") % {
        "desk": enquiry.get_desk_display(),
        "who": who,
        "day": enquiry.due_on.isoformat(),
    }


def _record(action: str, enquiry: Enquiry, actor: User | None, now: datetime, **detail: Any) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="enquiry",
        object_id=enquiry.pk,
        object_label=enquiry.number,
        object_organisation_id=enquiry.organisation_id,
        detail=detail,
    )
