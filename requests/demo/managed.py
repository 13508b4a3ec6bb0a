"""Machines under antivirus and monitoring in the demonstration: done, waiting for operations, waiting for the approver."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow.models import Application, ApplicationLine
from requests.demo.people import approve, holder, submitted
from requests.managed.kinds import ANTIVIRUS, ANTIVIRUS_TARGET, MONITORING, MONITORING_TARGET
from requests.managed.models import ManagedMachine

_COMPUTERS = "devices.computer_register"  # of another room: its applications tell which machines there are
_SYSTEM = "Microsoft Windows Server 2016"
_NETWORK = (
    ("連合会基幹共通L3SW#1", "1"),
    ("連合会サーバL2SW#1", "2"),
    ("連合会サーバL2SW#2", "3"),
)


def tell(*, federations: int) -> int:
    """Let so many federations apply, and operations work; how many did."""
    operator = holder(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))
    if operator is None or ManagedMachine.system.exists():
        return 0
    staffed = Organisation.objects.filter(
        kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER
    ).distinct()
    return sum(_tell(place, operator) for place in staffed.order_by("sort_order")[:federations])


def _tell(organisation: Organisation, operator: User) -> bool:
    applicant, approver = (holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER))
    if applicant is None or approver is None:
        return False
    code = organisation.code

    def apply(kind: str, reason: str, *lines: dict[str, Any], approved: bool = True) -> Application:
        made = submitted(kind, organisation, applicant, reason, *lines)
        return approve(made, approver) if approved else made

    known = [{"action": "ADD", "name": name} for name in _computers(organisation)]
    server = {"action": "ADD", "name": f"KK{code}-AP01", "category": "SERVER", "operating_system": _SYSTEM}
    done = apply(ANTIVIRUS, "PCとサーバの設置に伴い、ウイルス対策の管理対象に追加するため。", server, *known)
    _work(done, operator, ANTIVIRUS_TARGET, "連合会ウイルス対策サーバ#1で管理対象に追加した。")
    apply(ANTIVIRUS, "サーバの撤去に伴い管理対象から外すため。", {"action": "REMOVE", "name": server["name"]})
    fulfilment.drain(ANTIVIRUS_TARGET, now_fn=timezone.now)
    lines = [_device(name, "NETWORK", f"10.{int(code)}.250.{n}", "TRAP") for name, n in _NETWORK]
    lines.append(_device(f"KK{code}-AP02", "SERVER", f"10.{int(code)}.250.11", "PROCESS"))
    done = apply(MONITORING, "機器の設置に伴い監視対象に追加するため。", *lines)
    _work(done, operator, MONITORING_TARGET, "連合会監視サーバ#1に登録し、監視項目を設定した。")
    change = {"action": "CHANGE", "name": _NETWORK[1][0], "settings": "ポート24のリンクダウンは通知しない。"}
    apply(MONITORING, "ポートの構成を変えたため。", change, approved=False)
    return True


def _computers(organisation: Organisation) -> list[str]:
    """Some machines of the register, by the applications that entered them."""
    rows = ApplicationLine.system.filter(
        organisation=organisation, application__kind=_COMPUTERS, application__status="COMPLETED"
    )
    rows = rows.filter(payload__operating_system__startswith="win10")
    return list(rows.order_by("pk").values_list("subject", flat=True)[:3])


def _device(name: str, category: str, address: str, more: str) -> dict[str, Any]:
    return {
        "action": "ADD",
        "name": name,
        "category": category,
        "address": address,
        "items": ["ALIVE", "RESOURCE", "LOG", more],
    }


def _work(application: Application, operator: User, target: str, text: str) -> None:
    """What the portal hands over, and a person of operations does and records."""
    fulfilment.drain(target, now_fn=timezone.now)
    for operation in Operation.system.filter(line__application=application).order_by("pk"):
        fulfilment.take_by_hand(operation_id=operation.pk, actor=operator, now=timezone.now())
        fulfilment.record_done(
            operation_id=operation.pk,
            actor=operator,
            note=text,
            now=timezone.now(),
            done_at=timezone.localtime().isoformat(timespec="minutes"),
            done_by=f"{operator.organisation.name} {operator.display_name}",
            seen=f"管理画面の一覧に{operation.line.payload['name']}が表示されることを確認した。",
        )
