"""Operations plan, change and cancel an outage; the named persons confirm that everything works again (REQ-10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.text import search_key
from portal.common.time import JST
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import PLAN_OUTAGES, OrganisationKind
from portal.trail import services as trail
from portal.workflow.numbers import next_number
from requests.outages import telling
from requests.outages.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.outages.models import Confirmer, Outage, OutageEvent, OutagePart, System

PREFIX = "PO"
State, Verb, Result = Outage.State, OutageEvent.Verb, Confirmer.Result
_LONGEST = timedelta(days=31)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What operations say about an outage. `confirmers` are people, each for an organisation that is concerned or operations."""

    title: str
    systems: Sequence[str]
    detail: str
    stops_at: datetime
    starts_at: datetime
    organisations: Collection[Organisation]
    confirmers: Collection[User]


@transaction.atomic
def plan(*, wanted: Plan, actor: User, now: datetime) -> Outage:
    """Announce a stop to everybody concerned. Raises NotAllowed, Refused."""
    _require(actor)
    _check(wanted, now)
    if wanted.stops_at <= now:
        raise Refused("stops_on", _("Choose a time that is still to come."))
    outage = Outage.objects.create(
        number=next_number(PREFIX, now),
        planned_by=actor,
        reminded_at=now if _is_near(wanted.stops_at, now) else None,
        **_values(wanted),
    )
    _search(outage)
    for organisation in wanted.organisations:
        OutagePart.system.create(outage=outage, organisation=organisation)
    for person in wanted.confirmers:
        _name(outage, person)
    _note(outage, Verb.PLANNED, actor, now)
    telling.tell_concerned("outage_planned", outage, _concerned(outage), now)
    _record("outage.plan", outage, actor, now)
    return outage


@transaction.atomic
def change(*, outage_id: int, version: int, wanted: Plan, actor: User, now: datetime) -> Outage:
    """Change it and tell everybody again, also those whom it does not concern any more. Unchanged is unchanged.

    A stop that began keeps its time. Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    _require(actor)
    outage = _locked(outage_id, version)
    _check(wanted, now)
    if wanted.stops_at != outage.stops_at and (outage.stops_at <= now or wanted.stops_at <= now):
        raise Refused("stops_on", _("It has stopped already, or the new time has passed."))
    if wanted.starts_at != outage.starts_at and wanted.starts_at <= now:
        raise Refused("starts_on", _("Choose a time that is still to come."))
    before, lines = _concerned(outage), _differences(outage, wanted)
    if not lines:
        return outage
    moved = (wanted.stops_at, wanted.starts_at) != (outage.stops_at, outage.starts_at)
    for name, value in _values(wanted).items():
        setattr(outage, name, value)
    if moved:
        outage.alerted_at = None
        outage.reminded_at = now if _is_near(outage.stops_at, now) else None
    outage.version += 1
    outage.save()
    _search(outage)
    _rename(outage, wanted)
    _note(outage, Verb.CHANGED, actor, now, "\n".join(lines))
    telling.tell_concerned("outage_changed", outage, before | _concerned(outage), now)
    _end_when_all_confirmed(outage, now)
    _record("outage.change", outage, actor, now)
    return outage


@transaction.atomic
def cancel(*, outage_id: int, version: int, reason: str, actor: User, now: datetime) -> Outage:
    """It will not take place; everybody concerned is told why. Raises NotAllowed, Refused, ChangedMeanwhile."""
    _require(actor)
    outage = _locked(outage_id, version)
    if not reason.strip():
        raise Refused("reason", _("Say why it is cancelled."))
    if outage.stops_at <= now:
        raise Refused("", _("It has begun. Have normality confirmed instead."))
    outage.state, outage.ended_at, outage.reason = State.CANCELLED, now, reason.strip()
    outage.version += 1
    outage.save()
    _note(outage, Verb.CANCELLED, actor, now, outage.reason)
    telling.tell_concerned("outage_cancelled", outage, _concerned(outage), now)
    _record("outage.cancel", outage, actor, now)
    return outage


@transaction.atomic
def confirm(*, outage_id: int, result: str, note: str, actor: User, now: datetime) -> Outage:
    """A named person says how it is; when the last one found it normal, everybody concerned gets the report.

    Trouble is told to operations at once and can be followed by normality. Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    outage = _locked(outage_id, None)
    mine = Confirmer.system.filter(outage=outage, person=actor).first()
    if mine is None or not actor.is_active:
        raise NotAllowed(_("You are not named to confirm this outage."))
    if now < outage.stops_at:
        raise Refused("result", _("It has not begun yet."))
    if result == Result.TROUBLE and not note.strip():
        raise Refused("note", _("Say what does not work."))
    if (mine.result, mine.note) == (result, note.strip()):
        return outage  # a second click
    mine.result, mine.note, mine.confirmed_at = result, note.strip(), now
    mine.save()
    verb = Verb.NORMAL if result == Result.NORMAL else Verb.TROUBLE
    _note(outage, verb, actor, now, mine.note, organisation_id=mine.organisation_id)
    if result == Result.TROUBLE:
        telling.tell_operators("outage_trouble", outage, now)
    _end_when_all_confirmed(outage, now)
    _record("outage.confirm", outage, actor, now)
    return outage


def _end_when_all_confirmed(outage: Outage, now: datetime) -> None:
    if Confirmer.system.filter(outage=outage).exclude(result=Result.NORMAL).exists():
        return
    outage.state, outage.ended_at = State.CONFIRMED, now
    outage.version += 1
    outage.save()
    _note(outage, Verb.ENDED, None, now)
    telling.tell_concerned("outage_confirmed", outage, _concerned(outage), now)


def _check(wanted: Plan, now: datetime) -> None:
    if wanted.starts_at <= wanted.stops_at:
        raise Refused("starts_on", _("It starts again after it stopped."))
    if wanted.starts_at - wanted.stops_at > _LONGEST:
        raise Refused("starts_on", _("An outage lasts 31 days at most."))
    concerned = {place.pk for place in wanted.organisations}
    if not concerned:
        raise Refused("organisations", _("Choose whom it concerns."))
    if not wanted.confirmers:
        raise Refused("confirmers", _("Choose who confirms normality afterwards."))
    for person in wanted.confirmers:
        inside = person.organisation_id in concerned
        if not person.is_active or not (inside or person.organisation.kind == OrganisationKind.OPERATIONS):
            text = _("%(name)s belongs to no organisation that it concerns.")
            raise Refused("confirmers", text % {"name": person.display_name})


def _values(wanted: Plan) -> dict[str, object]:
    return {
        "title": wanted.title,
        "systems": list(wanted.systems),
        "detail": wanted.detail,
        "stops_at": wanted.stops_at,
        "starts_at": wanted.starts_at,
    }


def _differences(outage: Outage, wanted: Plan) -> list[str]:
    """What changes, a line each, without naming people: everybody concerned reads it."""
    pairs = [
        (_("Title"), outage.title, wanted.title),
        (_("Stops"), moment(outage.stops_at), moment(wanted.stops_at)),
        (_("Starts again"), moment(outage.starts_at), moment(wanted.starts_at)),
        (
            _("Systems"),
            outage.system_labels,
            "、".join(str(System(each).label) for each in wanted.systems),
        ),
    ]
    lines = [f"{label}: {old} → {new}" for label, old, new in pairs if old != new]
    if outage.detail != wanted.detail:
        lines.append(_("The description was changed."))
    if _concerned(outage) != {place.pk for place in wanted.organisations}:
        lines.append(_("The organisations that it concerns were changed."))
    named = set(Confirmer.system.filter(outage=outage).values_list("person_id", flat=True))
    if named != {person.pk for person in wanted.confirmers}:
        lines.append(_("The persons who confirm normality were changed."))
    return lines


def moment(value: datetime) -> str:
    """A time as lists of changes write it, in Japan."""
    return f"{value.astimezone(JST):%Y/%m/%d %H:%M}"


def _rename(outage: Outage, wanted: Plan) -> None:
    """The organisations and persons as wanted; what was confirmed already stays."""
    places = {place.pk: place for place in wanted.organisations}
    OutagePart.system.filter(outage=outage).exclude(organisation__in=list(places)).delete()
    for organisation_id in set(places) - _concerned(outage):
        OutagePart.system.create(outage=outage, organisation_id=organisation_id)
    people = {person.pk: person for person in wanted.confirmers}
    Confirmer.system.filter(outage=outage).exclude(person__in=list(people)).delete()
    known = set(Confirmer.system.filter(outage=outage).values_list("person_id", flat=True))
    for pk, person in people.items():
        if pk not in known:
            _name(outage, person)


def _name(outage: Outage, person: User) -> None:
    Confirmer.system.create(outage=outage, person=person, organisation_id=person.organisation_id)


def _concerned(outage: Outage) -> set[int]:
    return set(OutagePart.system.filter(outage=outage).values_list("organisation_id", flat=True))


def _is_near(stops_at: datetime, now: datetime) -> bool:
    """Whether the announcement itself comes later than the reminder would."""
    return stops_at - now <= timedelta(hours=settings.OUTAGES["remind_hours"])


def _search(outage: Outage) -> None:
    outage.search_text = search_key(outage.number, outage.title, outage.detail, outage.system_labels)
    outage.save(update_fields=["search_text"])


def _locked(outage_id: int, version: int | None) -> Outage:
    outage = Outage.objects.select_for_update(of=("self",)).get(pk=outage_id)
    if outage.state != State.PLANNED:
        raise ChangedMeanwhile("", _("This outage is over or was cancelled."))
    if version is not None and outage.version != version:
        raise ChangedMeanwhile("", _("Somebody changed it meanwhile. Look again, then save."))
    return outage


def _require(actor: User) -> None:
    if not actor.may(PLAN_OUTAGES):
        raise NotAllowed(_("Only network operations plan outages."))


def _note(
    outage: Outage,
    verb: str,
    actor: User | None,
    now: datetime,
    text: str = "",
    organisation_id: int | None = None,
) -> None:
    OutageEvent.objects.create(
        outage=outage,
        organisation_id=organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        verb=verb,
        text=text,
    )


def _record(action: str, outage: Outage, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="outage",
        object_id=outage.pk,
        object_label=outage.number,
        object_organisation_id=actor.organisation_id,
    )
