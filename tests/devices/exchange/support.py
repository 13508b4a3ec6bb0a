"""Lists of SKYSEA as the tests write and read them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from devices.exchange import answers, imports
from devices.exchange.layout import Layout
from devices.exchange.models import SkyseaFinding, SkyseaImport
from devices.permits.models import DevicePermit
from tests import factories
from tests.devices.world import Cast

Kind, State = SkyseaFinding.Kind, DevicePermit.State
HEADER = (
    "管理番号,デバイス種別,メーカー,型番,シリアル番号,利用権限,利用可能コンピューター,最終利用日時,資産ID"
)


def row(permit: DevicePermit | None = None, **values: str) -> str:
    """A row of SKYSEA, by default as the permit says."""
    cells = {"number": "", "kind": "USBメモリ", "maker": "他社", "model": "X-1", "serial": "ZZ99"}
    cells |= {"grant": "読み書き可能", "computers": "", "used": ""}
    if permit is not None:
        layout, device = Layout(), permit.device
        cells |= {"number": device.number, "kind": layout.word("kind", device.kind), "maker": device.maker}
        cells |= {"model": device.model, "serial": device.serial, "grant": layout.word("grant", permit.grant)}
        cells["computers"] = ";".join(computer.name for computer in permit.computers.all())
    return ",".join((cells | values).values()) + ",A-1"


def read(cast: Cast, *rows: str, header: str = HEADER, **more: Any) -> SkyseaImport:
    """A list of SKYSEA, read by the officer."""
    now = more.pop("now", timezone.now())
    return imports.import_register(
        organisation=factories.organisation(cast.code),
        name=more.pop("name", "list.csv"),
        data="\r\n".join((header, *rows)).encode(more.pop("encoding", "cp932")),
        **{"as_of": now, "complete": True, "actor": cast.officer, "now": now} | more,
    )


def kinds() -> dict[str, str]:
    """The open findings: their device or serial number, and their kind."""
    rows = SkyseaFinding.system.filter(state="OPEN").select_related("device")
    return {f.kind: f.device.serial if f.device else f.seen["serial"] for f in rows}


def answer(finding: SkyseaFinding, actor: Any, **values: Any) -> SkyseaFinding:
    """The answer to what is seen now."""
    return answers.answer_finding(
        finding_id=finding.pk,
        actor=actor,
        **{"digest": finding.digest, "answer": "CORRECTED", "now": timezone.now()} | values,
    )


def put(permit: DevicePermit, **values: Any) -> None:
    """A permit in another state, as its own steps would leave it."""
    DevicePermit.system.filter(pk=permit.pk).update(**values)
