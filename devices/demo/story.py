"""Machines of the demonstration, made through the portal's own services."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from devices.computers.kinds import REGISTER, TARGET
from devices.computers.models import Computer, Segment
from devices.demo import guard, inventory, skysea
from devices.permits import services as permits
from devices.permits.kinds import PERMIT, REMOVE
from devices.permits.models import Device, DevicePermit
from devices.permits.register import TARGET as SKYSEA
from devices.segments import services as segments
from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.models import Application, StageStatus

_DEPARTMENTS = ("総務課", "審査第一課", "審査第二課", "介護保険課", "情報システム課", "会計課")
_PLACES = ("2階 執務室", "3階 執務室", "1階 窓口", "4階 サーバ室")
_USERS = ("佐藤 健一", "鈴木 美咲", "高橋 直樹", "田中 由美", "伊藤 恵")
_DEVICES = (  # kind, maker, model, days until its end
    ("USB_STORAGE", "バッファロー", "RUF3-K32GB", 300),
    ("USB_STORAGE", "アイ・オー・データ", "U3-STD16GR", 20),
    ("OPTICAL_DRIVE", "パイオニア", "DVR-XD11J", 180),
    ("IMAGE_SCANNER", "リコー", "fi-8170", 300),
    ("CARD_READER", "エレコム", "MR3-A006BK", 90),
    ("FLOPPY_DRIVE", "ロジテック", "LFD-31UEF", 150),
)
_AGENTS = ["DEVICE_CONTROL", "QUARANTINE", "ANTIVIRUS", "LOGS"]


@dataclass
class Teller:
    """Tells the story of one federation, as it happens now: handlers look at the clock themselves."""

    organisation: Organisation
    dice: random.Random
    applicant: User = field(init=False)
    officer: User = field(init=False)
    manager: User = field(init=False)
    operator: User = field(init=False)

    def __post_init__(self) -> None:
        self.applicant = holder(Role.APPLICANT, self.organisation)
        self.officer = holder(Role.SECURITY_OFFICER, self.organisation)
        self.manager = holder(Role.SECURITY_MANAGER, self.organisation)
        self.operator = holder(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))

    @property
    def moment(self) -> datetime:
        """Now."""
        return timezone.now()

    @property
    def code(self) -> str:
        """The federation's two digits."""
        return self.organisation.code

    def submit(self, kind: str, *lines: dict[str, Any], reason: str) -> Application:
        """An application that waits for its first decision."""
        draft = services.create_draft(
            kind=kind,
            organisation_id=self.organisation.pk,
            actor=self.applicant,
            content=Content(reason=reason, lines=lines),
            now=self.moment,
        )
        return services.submit(application_id=draft.pk, actor=self.applicant, version=None, now=self.moment)

    def decide(
        self,
        application: Application,
        actor: User,
        how: Callable[..., Application] = services.approve,
        comment: str = "",
    ) -> Application:
        """A decision on what the person's screen showed."""
        view = selectors.decision_view(actor, application, self.moment)
        return how(
            application_id=application.pk,
            stage_id=application.stages.get(status=StageStatus.OPEN).pk,
            actor=actor,
            content_hash=application.content_hash,
            plan_digest=view.plan_digest,
            comment=comment,
            now=self.moment,
        )

    def carry_out(self, target: str = TARGET) -> None:
        """What a worker does."""
        fulfilment.drain(target, now_fn=lambda: self.moment)

    def segments(self) -> None:
        """A segment for clients, one for printers, one for servers, one for the federation's own systems (図2-32)."""
        wanted = ((20, "CLIENT", 120), (21, "PRINTER", 121), (22, "SERVER", 122), (82, "OWN_SYSTEM", 1828))
        for third, purpose, vlan in wanted:
            network = f"10.{int(self.code)}.{third}.0/24"
            if not Segment.system.filter(network=network).exists():
                segments.add_segment(
                    organisation=self.organisation,
                    network=network,
                    purpose=purpose,
                    vlan=vlan,
                    note="",
                    actor=self.operator,
                    now=self.moment,
                )

    def machines(self, clients: int = 8) -> None:
        """Clients, a server, a virtual one, a printer and a machine of the federation's own system."""
        if Computer.system.filter(organisation=self.organisation).exists():
            return
        application = self.submit(REGISTER, *self._machine_lines(clients), reason="新しい機器の設置のため。")
        self.decide(application, self.officer)
        self.carry_out()
        self.submit(REGISTER, self.machine("PC90"), reason="増員に伴う設置のため。")

    def permits(self, devices: Sequence[tuple[str, str, str, int]] = _DEVICES) -> None:
        """Devices in every state: to be registered, registered, and with all of them also ended and removed; in review, rejected."""
        if Device.system.filter(organisation=self.organisation).exists():
            return
        for number, (kind, maker, model, until) in enumerate(devices):
            permit = self._approved(number, kind, maker, model, until)
            if number in (1, 3, 4, 5):
                self._register(permit)
            if number in (4, 5):
                removal = self.submit(REMOVE, {"number": permit.device.number}, reason="使わなくなったため。")
                self.decide(removal, self.officer)
                self.carry_out(SKYSEA)
            if number == 5:
                permits.record_removed(permit_id=permit.pk, actor=self.officer, now=self.moment)
                self.carry_out(SKYSEA)
        filed = self.submit(
            PERMIT, self._device(8, "USB_STORAGE", "エレコム", "MF-HSU3", 90), reason="県への提出のため。"
        )
        self.decide(filed, self.officer, comment="書き込み理由を本人に確認しました。")
        own = self._device(9, "USB_STORAGE", "ノーブランド", "USB-16G", 30)
        rejected = self.submit(PERMIT, own, reason="自宅で作業するため。")
        self.decide(rejected, self.officer)
        self.decide(rejected, self.manager, services.reject, "私物は許可できません。")

    def _approved(self, number: int, kind: str, maker: str, model: str, until: int) -> DevicePermit:
        """A permit that was approved and waits for its registration."""
        application = self.submit(
            PERMIT, self._device(number, kind, maker, model, until), reason="業務で使うため。"
        )
        self.decide(application, self.officer, comment="書き込み理由を本人に確認しました。")
        self.decide(application, self.manager)
        self.carry_out(SKYSEA)
        permit: DevicePermit = DevicePermit.system.select_related("device").get(line__application=application)
        return permit

    def _register(self, permit: DevicePermit) -> None:
        permits.record_registered(permit_id=permit.pk, actor=self.officer, now=self.moment)
        self.carry_out(SKYSEA)

    def _device(self, number: int, kind: str, maker: str, model: str, until: int) -> dict[str, Any]:
        """The values of one device, on one of the clients."""
        writes = kind != "IMAGE_SCANNER"
        return {
            "device_kind": kind,
            "maker": maker,
            "model": model,
            "serial": f"{self.code}{number:02}{self.dice.randrange(10**8):08}",
            "computers": [f"KK{self.code}-PC{number % 8 + 1:02}"],
            "end_user": self.dice.choice(_USERS),
            "write_reason": "統計データを県へ提出するため。" if writes else "",
            "valid_until": (today(self.moment) + timedelta(days=until)).isoformat(),
        }

    def _machine_lines(self, clients: int) -> Iterator[dict[str, Any]]:
        for number in range(1, clients + 1):
            yield self.machine(f"PC{number:02}")
        server = {"operating_system": "winserver_2016", "segment": self.network(22)}
        yield self.machine("SV01", kind="server", **server)
        yield self.machine("VS01", kind="virtual_server", **server)
        yield self.machine("OWN01", business_system="own", segment="")
        printer = {"kind": "printer", "operating_system": "", "agents": []}
        yield self.machine("PR01", **printer, segment=self.network(21))

    def machine(self, word: str, **values: Any) -> dict[str, Any]:
        """The values of one machine."""
        return {
            "name": f"KK{self.code}-{word}",
            "kind": "client",
            "operating_system": "win10_2016_ltsb",
            "business_system": "common",
            "segment": self.network(20),
            "agents": _AGENTS,
            "department": self.dice.choice(_DEPARTMENTS),
            "place": self.dice.choice(_PLACES),
        } | values

    def network(self, third: int) -> str:
        """One of the federation's segments."""
        return f"10.{int(self.code)}.{third}.0/24"


def holder(role: str, organisation: Organisation) -> User:
    """Somebody who holds the role there; raises Membership.DoesNotExist."""
    row = Membership.system.filter(organisation=organisation, role=role, ended_at=None).order_by("pk").first()
    if row is None:
        raise Membership.DoesNotExist
    person: User = row.user
    return person


def tell(*, federations: int, seed: int) -> int:
    """Fill so many federations that have people; how many were filled."""
    from devices.demo import guarded  # which tells with the Teller of this module

    told: list[Organisation] = []
    staffed = Organisation.objects.filter(
        kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER
    ).distinct()
    for organisation in staffed.order_by("sort_order")[:federations]:
        dice = random.Random(f"{seed}-{organisation.code}")
        teller = Teller(organisation=organisation, dice=dice)
        teller.segments()
        teller.machines()
        teller.permits(_DEVICES[:2] if told else _DEVICES)  # one federation shows every state
        skysea.tell(teller.organisation, teller.officer, teller.moment)
        guarded.tell_whitelist(teller)
        guarded.tell_quarantine(teller)
        told.append(organisation)
    if told:
        guard.scene(told, teller.operator)
        inventory.scene(timezone.now())
    return len(told)
