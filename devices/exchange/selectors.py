"""Reading the exchange with SKYSEA within a person's scope (ORG-02)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from devices.exchange.models import OrderFile, SkyseaFinding, SkyseaImport, SkyseaMapping
from devices.permits.models import DevicePermit
from devices.selectors import readable
from portal.common.text import search_terms
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, READ_OPERATIONS, REGISTER_DEVICES, RUN_OPERATIONS


def organisations(user: User) -> list[Organisation]:
    """The federations whose files this person makes and reads in."""
    if user.may(RUN_OPERATIONS):
        return list(Organisation.objects.filter(kind__in=FEDERATIONS))
    return [org for org in user.organisations_where(REGISTER_DEVICES) if org.kind in FEDERATIONS]


def _followed(user: User, rows: Any) -> Any:
    """Files are for those who register devices, and for operations who follow it."""
    if not user.may(READ_OPERATIONS):
        rows = rows.filter(organisation__in=user.organisations_where(REGISTER_DEVICES))
    return rows.select_related("organisation")


def order_files(user: User) -> QuerySet[OrderFile]:
    """Files for SKYSEA, newest first, without their content."""
    rows: QuerySet[OrderFile] = _followed(user, OrderFile.objects.visible_to(user))
    return rows.select_related("made_by").defer("content")


def order_file(user: User, pk: int) -> OrderFile:
    """One file with its content; raises OrderFile.DoesNotExist."""
    found: OrderFile = _followed(user, OrderFile.objects.visible_to(user)).get(pk=pk)
    return found


def imports(user: User) -> QuerySet[SkyseaImport]:
    """Lists that were read, newest first."""
    rows: QuerySet[SkyseaImport] = _followed(user, SkyseaImport.objects.visible_to(user))
    return rows.select_related("imported_by")


def waiting_count(user: User, organisation: Organisation) -> int:
    """How many devices wait to be registered or removed there."""
    rows = DevicePermit.objects.visible_to(user).filter(organisation=organisation)
    return rows.filter(state__in=(DevicePermit.State.APPROVED, DevicePermit.State.ENDING)).count()


def findings(
    user: User, q: str = "", *, state: str = "", kind: str = "", organisation: str = "", device: str = ""
) -> QuerySet[SkyseaFinding]:
    """What does not fit, newest first; every finding of the devices that this person reads."""
    rows = readable(user, SkyseaFinding.objects.visible_to(user))
    rows = rows.select_related("organisation", "device", "permit", "answered_by")
    exact = {"state": state, "kind": kind, "organisation__code": organisation, "device__number": device}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    for word in search_terms(q):
        inside = Q(device__search_text__contains=word)
        rows = rows.filter(inside | Q(seen__serial__icontains=word) | Q(seen__model__icontains=word))
    return rows


def finding(user: User, pk: int) -> SkyseaFinding:
    """One finding; raises SkyseaFinding.DoesNotExist."""
    return findings(user).select_related("first_import", "last_import").get(pk=pk)


def mappings() -> QuerySet[SkyseaMapping]:
    """The versions of the mapping, newest first."""
    return SkyseaMapping.objects.select_related("made_by")[:20]
