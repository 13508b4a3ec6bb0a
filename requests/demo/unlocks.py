"""Locked accounts in the demonstration: one that was unlocked, and one that waits for network operations (REQ-04)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow.models import Application
from requests.demo.people import approve, holder, submitted
from requests.unlock.payloads import KINDS, TARGET

_TRIES = 6  # one more than the domain's policy takes
_WRONG = "Chigau-Password-1"
_REASON = "長期休暇のあと、パスワードを繰り返し間違えたと本人から連絡があったため。"


def tell(*, federations: int) -> int:
    """Lock accounts and let so many federations apply; how many did. Without a directory there is no story."""
    if Application.system.filter(kind__in=KINDS).exists():
        return 0
    staffed = Organisation.objects.filter(kind__in=FEDERATIONS, memberships__role=Role.APPROVER).distinct()
    try:
        return sum(_federation(each) for each in staffed.order_by("sort_order")[:federations])
    except DirectoryError:
        return 0


def _federation(organisation: Organisation) -> bool:
    """Two Windows accounts of the register."""
    applicant, approver = (holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER))
    operator = holder(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))
    accounts: Any = organisation.directory_accounts  # type: ignore[attr-defined]  # another room's register
    names = accounts.filter(state="ENABLED", account_type="WINDOWS").order_by("pk")[:2]
    if applicant is None or approver is None or operator is None or len(names) < 2:
        return False
    directory = directory_factory.get_directory()
    for number, account in enumerate(names):
        for _ in range(_TRIES):
            directory.authenticate(account.login_name, _WRONG)
        line = {"login_name": account.login_name}
        application = submitted(KINDS[0], organisation, applicant, _REASON, line)
        approve(application, approver)
        if number == 0:
            approve(application, operator)
            fulfilment.drain(TARGET, now_fn=timezone.now)
    return True
