"""Reading enquiries within a person's scope; internal notes only for those who answer (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.common.search import matching
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import ANSWER_ENQUIRIES, ASK_ENQUIRIES, READ_ENQUIRIES
from portal.workflow.waiting import Waiting
from requests.enquiries.models import Enquiry, EnquiryFile, EnquiryMessage

State = Enquiry.State
_ASKERS_TURN = (State.ANSWERED, State.WAITING)


def enquiries(
    user: User,
    q: str = "",
    *,
    state: str = "",
    category: str = "",
    desk: str = "",
    organisation: str = "",
    whose: str = "",
) -> QuerySet[Enquiry]:
    """The enquiries that this person may see; all words of `q` in number, subject, asker, organisation or text,
    of internal notes too for who reads them.

    `whose`: "mine" asked by or assigned to the person, "nobody" not assigned, "late" to be answered and past the day.
    """
    rows: Any = Enquiry.objects.visible_to(user).select_related("organisation", "asker", "assigned_to")
    own = user.organisations_where(READ_ENQUIRIES)
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_ENQUIRIES):
        rows = rows.filter(organisation__in=own)
    exact = {"state": state, "category": category, "desk": desk, "organisation__code": organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if whose == "mine":
        rows = rows.filter(Q(asker=user) | Q(assigned_to=user))
    elif whose == "nobody":
        rows = rows.filter(assigned_to=None, state=State.OPEN)
    elif whose == "late":
        rows = rows.filter(state=State.OPEN, due_on__lt=today(timezone.now()))
    text = "desk_search_text" if sees_notes(user) else "search_text"
    return matching(rows, q, text)  # type: ignore[no-any-return]


def enquiry(user: User, number: str) -> Enquiry:
    """One that the person may see. Raises Enquiry.DoesNotExist, also for another federation's."""
    return enquiries(user).select_related("follows").get(number=number)


def sees_notes(user: User) -> bool:
    """Whether the person reads what is said among those who answer: never anybody of a federation."""
    return user.reads_everywhere(READ_ENQUIRIES)


def messages_of(user: User, enquiry: Enquiry) -> list[EnquiryMessage]:
    """What this person may read of it, the oldest first, with the files."""
    rows = EnquiryMessage.objects.visible_to(user).filter(enquiry=enquiry)
    if not sees_notes(user):
        rows = rows.filter(internal=False)
    found: Any = rows.prefetch_related(Prefetch("files", EnquiryFile.system.all()))
    return list(found)


def file(user: User, enquiry: Enquiry, pk: int) -> EnquiryFile:
    """A file of a message that the person may read. Raises EnquiryFile.DoesNotExist."""
    rows: Any = EnquiryFile.objects.visible_to(user).filter(message__enquiry=enquiry)
    if not sees_notes(user):
        rows = rows.filter(message__internal=False)
    return rows.select_related("content").get(pk=pk)  # type: ignore[no-any-return]


def organisations(user: User) -> list[Organisation]:
    """The organisations whose enquiries this person can read, for the filter."""
    if user.reads_everywhere(READ_ENQUIRIES):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_ENQUIRIES)


def waiting_for(user: User, now: datetime) -> Iterable[Waiting]:
    """What waits on the home page: for those who answer what is open, for askers what is their turn."""
    url = reverse("enquiry_list")
    desks = [place.kind for place in user.organisations_where(ANSWER_ENQUIRIES)]
    if desks:
        rows = enquiries(user, state=State.OPEN).filter(desk__in=desks)
        rows = rows.filter(Q(assigned_to=None) | Q(assigned_to=user))
        yield Waiting(
            label=_("Enquiries to answer"), icon="help", count=rows.count(), url=f"{url}?state=OPEN"
        )
    elif user.may(ASK_ENQUIRIES):
        rows = enquiries(user, whose="mine").filter(state__in=_ASKERS_TURN)
        yield Waiting(
            label=_("My enquiries with an answer"), icon="help", count=rows.count(), url=f"{url}?whose=mine"
        )
