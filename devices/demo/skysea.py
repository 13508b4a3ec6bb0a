"""The exchange with SKYSEA in the demonstration: a list that does not fit everywhere, some alerts, a console."""

from __future__ import annotations

from datetime import datetime, timedelta

from devices.alerts import answers
from devices.alerts.imports import import_alerts
from devices.alerts.models import AlertImport, DeviceAlert
from devices.computers.models import Computer
from devices.exchange import imports, orders
from devices.exchange.layout import Layout
from devices.exchange.models import SkyseaImport
from devices.permits.models import DevicePermit
from devices.stations import services as stations
from devices.stations.models import ConsoleStation
from portal.common.time import JST
from portal.orgs.models import Organisation, User

_LIST = "管理番号,デバイス種別,メーカー,型番,シリアル番号,利用権限,最終利用日時"
_ALERTS = "アラート番号,発生日時,アラート種別,コンピューター名,デバイス種別,メーカー,型番,シリアル番号,ログオンユーザー"


def tell(organisation: Organisation, officer: User, now: datetime) -> None:
    """What one federation has; nothing is told twice."""
    if SkyseaImport.system.filter(organisation=organisation).exists():
        return
    orders.make_orders(organisation=organisation, actor=officer, now=now)
    _list(organisation, officer, now)
    _alerts(organisation, officer, now)
    client = Computer.system.filter(name=f"KK{organisation.code}-PC01").first()
    if client is not None and not ConsoleStation.system.filter(organisation=organisation).exists():
        stations.designate(computer_id=client.pk, note="総務課の業務端末", actor=officer, now=now)


def _list(organisation: Organisation, officer: User, now: datetime) -> None:
    """Every registered device with its last use but one, and one that the register does not know."""
    layout, rows = Layout(), [_LIST]
    permits = DevicePermit.system.filter(organisation=organisation, registered_at__isnull=False)
    for n, permit in enumerate(permits.select_related("device").order_by("pk")[:4]):
        device = permit.device
        used = f"{(now - timedelta(days=40 * n)).astimezone(JST):%Y/%m/%d %H:%M}" if n else ""
        grant, kind = layout.word("grant", permit.grant), layout.word("kind", device.kind)
        rows.append(",".join((device.number, kind, device.maker, device.model, device.serial, grant, used)))
    rows.append(",USBメモリ,ノーブランド,USB-64G,NB-0001,読み書き可能,")
    imports.import_register(
        organisation=organisation,
        name="デバイス一覧.csv",
        data="\r\n".join(rows).encode("cp932"),
        as_of=now,
        complete=True,
        actor=officer,
        now=now,
    )


def _alerts(organisation: Organisation, officer: User, now: datetime) -> None:
    """One of each kind of table 2-35; the first one is answered."""
    if AlertImport.system.filter(organisation=organisation).exists():
        return
    machine, when = f"KK{organisation.code}-PC02", (now - timedelta(days=1)).astimezone(JST)
    words = (
        ("台帳登録外デバイス接続", "USBメモリ", "ノーブランド", "USB-64G", "NB-0001"),
        ("禁止デバイス利用", "スマートフォン", "", "", ""),
        ("記憶媒体/メディア書き込み", "CD/DVD", "パイオニア", "DVR-XD11J", ""),
    )
    rows = [_ALERTS]
    for n, (alert, *device) in enumerate(words, start=1):
        rows.append(",".join((f"{n}", f"{when:%Y/%m/%d %H:%M:%S}", alert, machine, *device, "sato")))
    data = "\r\n".join(rows).encode("cp932")
    import_alerts(organisation=organisation, name="アラート.csv", data=data, actor=officer, now=now)
    first = DeviceAlert.system.filter(organisation=organisation).order_by("pk")[:1]
    answers.answer_alerts(
        seen={alert.pk: alert.version for alert in first},
        actor=officer,
        answer="INSTRUCTED",
        reason="私物のUSBメモリでした。使わないよう本人に指導しました。",
        now=now,
    )
