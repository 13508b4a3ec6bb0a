"""Machines under a service, and applications about them on their way."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from portal.common.text import search_key
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.managed.kinds import ANTIVIRUS, MONITORING
from requests.managed.models import ManagedMachine
from requests.managed.payloads import key_of
from tests import factories, journeys

_numbers = itertools.count(1)
WIN10 = "Microsoft Windows 10 Enterprise 2016 LTSB（64ビット）"
SERVER = "Microsoft Windows Server 2016"
TARGETS = {ANTIVIRUS: "antivirus", MONITORING: "monitoring"}


def machine(name: str = "", code: str = "13", **fields: Any) -> ManagedMachine:
    """A machine under antivirus, as an earlier application left it."""
    name = name or f"KK{code}-AV{next(_numbers):04}"
    values = {
        "service": "ANTIVIRUS",
        "organisation": factories.organisation(code),
        "name": name,
        "key": key_of(name),
        "category": "CLIENT",
        "since": timezone.now(),
        "search_text": search_key(name),
    } | fields
    return ManagedMachine.system.create(last_line=factories.line(code=code), **values)


def switch(name: str = "連合会サーバL2SW#1", code: str = "13", **fields: Any) -> ManagedMachine:
    """A network device under monitoring."""
    values = {
        "service": "MONITORING",
        "category": "NETWORK",
        "address": f"10.{int(code)}.250.1",
        "items": ["ALIVE", "TRAP"],
        "settings": "既定のとおり",
    } | fields
    return machine(name, code, **values)


def av(**values: Any) -> dict[str, Any]:
    """The raw values of a server that the register of machines does not know."""
    line = {"action": "ADD", "name": "KK13-SV01", "category": "SERVER", "operating_system": SERVER}
    return line | values


def mon(**values: Any) -> dict[str, Any]:
    """The raw values of a network device that comes under monitoring."""
    return {
        "action": "ADD",
        "name": "連合会サーバL2SW#2",
        "category": "NETWORK",
        "address": "10.13.250.2",
        "items": ["ALIVE", "LOG"],
    } | values


def submitted(cast: journeys.Crew, kind: str, *lines: dict[str, Any]) -> Application:
    """An application that waits for the federation's approver."""
    draft = services.create_draft(
        kind=kind,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=Content(reason="機器の設置のため。", lines=lines),
        now=timezone.now(),
    )
    return services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())


def taken(cast: journeys.Crew, kind: str, *lines: dict[str, Any]) -> list[Operation]:
    """The operations of an approved application, in the hands of a person of operations."""
    application = submitted(cast, kind, *lines)
    journeys.approve(application, cast.approver)
    fulfilment.drain(TARGETS[kind], now_fn=timezone.now)
    return [
        fulfilment.take_by_hand(operation_id=operation.pk, actor=cast.operator, now=timezone.now())
        for operation in journeys.operations(application)
    ]


def record(operation: Operation, actor: User, **details: str) -> Operation:
    """What the person writes down."""
    values = {
        "note": "管理対象に追加した。",
        "done_at": "2026-11-27T10:00:00+09:00",
        "done_by": "運用センター 佐藤",
        "seen": "管理画面の一覧に表示された。",
    } | details
    return fulfilment.record_done(operation_id=operation.pk, actor=actor, now=timezone.now(), **values)


def done(cast: journeys.Crew, kind: str, *lines: dict[str, Any]) -> Application:
    """An application that was carried out and recorded."""
    operations = taken(cast, kind, *lines)
    for operation in operations:
        record(operation, cast.operator)
    return Application.system.get(pk=operations[0].line.application_id)
