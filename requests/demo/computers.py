"""Computer objects in the demonstration, made through the portal's own services: made, deleted, and waiting."""

from __future__ import annotations

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from requests.computers import refresh
from requests.computers.kinds import ADD, REMOVE_KIND
from requests.computers.models import ComputerObject
from requests.computers.work import TARGET
from requests.demo.people import approve, holder, submitted


def tell(*, federations: int) -> int:
    """Let so many federations apply for computer objects; how many did. Without a directory there is no story."""
    try:
        directory_factory.get_directory().ping()
    except DirectoryError:
        return 0
    operator = holder(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))
    if operator is None or ComputerObject.system.exists():
        return 0
    staffed = Organisation.objects.filter(kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER)
    places = staffed.distinct().order_by("sort_order")[:federations]
    made = sum(_applications(organisation, operator) for organisation in places)
    refresh.refresh_all(now=timezone.now())
    return made


def _applications(organisation: Organisation, operator: User) -> bool:
    """Three objects were made, one of them goes again, and one more is applied for."""
    applicant, approver = (holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER))
    if applicant is None or approver is None:
        return False
    code = organisation.code
    names = [f"KK{code}-PC0{number}" for number in (1, 2, 3)]
    steps = (
        (ADD, "端末の入替に伴い、ドメインへ参加させるため。", [(name, "審査課 執務室") for name in names]),
        (REMOVE_KIND, "老朽化した端末を撤去したため。", [(names[-1], None)]),
    )
    for kind, reason, lines in steps:
        values = [{"name": name} | ({} if text is None else {"description": text}) for name, text in lines]
        application = submitted(kind, organisation, applicant, reason, *values)
        approve(application, approver)
        approve(application, operator)
        fulfilment.drain(TARGET, now_fn=timezone.now)
    waiting = {"name": f"KK{code}-PC09", "description": "窓口"}
    submitted(ADD, organisation, applicant, "窓口の端末を増設するため。", waiting)
    return True
