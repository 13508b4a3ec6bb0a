"""Rows for the whitelist as offices send them, each wrong in one way, with what it is told (MAC-05, MAC-06)."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from devices.computers.models import Segment
from devices.whitelist import register
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import WhitelistLine
from portal.workflow.models import Application
from tests import factories, journeys
from tests.devices import world
from tests.devices.world import Cast

KIND = "devices.whitelist"
TAKEN, TAKEN_IP = "00:1b:a9:00:99:01", "10.13.20.200"  # on the whitelist, of the own organisation
ELSEWHERE = "00:1b:a9:00:99:02"  # on the whitelist of another federation
OPEN, OPEN_ELSEWHERE = "00:1b:a9:00:99:03", "00:1b:a9:00:99:04"  # in applications that are not finished
OPEN_IP = "10.13.20.210"
TO_END = "00:1b:a9:00:99:05"  # on the whitelist; an open application ends it
REPLACED = "00:1b:a9:00:99:06"  # on the whitelist, free to be replaced

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Wrong:
    """A row: what differs from a right one, the field that is told, and a piece of the sentence."""

    values: dict[str, Any]
    field: str
    said: str

    @property
    def is_json(self) -> bool:
        """Whether the values can come over REST; dates come from workbooks only."""
        return not any(isinstance(v, dt.date | dt.time | dt.datetime) for v in self.values.values())

    @property
    def is_text(self) -> bool:
        """Whether every value is a text, as REST requires before anything else."""
        return all(isinstance(value, str) for value in self.values.values())


def _mac(value: Any, said: str) -> Wrong:
    return Wrong({"mac": value}, "mac", said)


def _ip(value: Any, said: str) -> Wrong:
    return Wrong({"ip": value}, "ip", said)


def _machine(name: Any, said: str) -> Wrong:
    return Wrong({"computer": name}, "computer", said)


CORPUS: tuple[Wrong, ...] = (
    # Spellings, and what spreadsheets make of addresses
    _mac("", "MACアドレス"),
    _mac(102233445566, "文字列"),
    _mac(1122334455, "文字列"),
    _mac(1.12233e11, "文字列"),
    _mac(True, "文字列"),
    _mac(dt.date(2026, 12, 1), "文字列"),
    _mac(dt.datetime(2026, 12, 1, 9, 30), "文字列"),  # noqa: DTZ001  a cell of a workbook has no zone
    _mac("1.12233E+11", "指数表示"),
    _mac("１．１２２３３Ｅ＋１１", "指数表示"),
    _mac("1122334455", "先頭の0"),
    _mac("00:1b:a9:3c:4d", "12桁です（入力は10桁）"),
    _mac("00:1b:a9:3c:4d:5e:6f", "12桁です（入力は14桁）"),
    _mac("00ー1bーa9ー3cー4d", "12桁です（入力は10桁）"),
    _mac("00:1b:a9:ff:fe:3c:4d:5e", "EUI-64"),
    _mac("0:01b:a9:3c:4d:5e", "2桁ずつ"),
    _mac("001-ba9-3c4-d5e", "2桁ずつ"),
    _mac("OO:1b:a9:3c:4d:5e", "使えない文字：O"),
    _mac("００：１ｂ：ａ９：３ｃ：４ｄ：５ｇ", "使えない文字：g"),
    _mac("'001ba93c4d5e", "使えない文字：'"),
    _mac("00:1b:a9:3c:4d:5e、00:1b:a9:3c:4d:5f", "使えない文字：、"),
    # Addresses that no device has, or none that stays
    _mac("00:00:00:00:00:00", "0だけ"),
    _mac("ＦＦ－ＦＦ－ＦＦ－ＦＦ－ＦＦ－ＦＦ", "ブロードキャスト"),
    _mac("01:00:5e:00:00:fb", "マルチキャスト"),
    _mac("33-33-00-00-00-01", "マルチキャスト"),
    _mac("02:00:00:00:00:01", "ランダム化"),
    _mac("da:a1:19:12:34:56", "ランダム化"),
    # Conflicts over the country and over open applications, never telling whose (ORG-02)
    _mac(TAKEN, "登録済みです（KK13-PC90）"),
    _mac(TAKEN.upper().replace(":", "ー"), "登録済みです（KK13-PC90）"),
    _mac(ELSEWHERE, "共通ネットワークですでに登録"),
    _mac(OPEN, "処理中の別の申請"),
    _mac(OPEN_ELSEWHERE, "処理中の別の申請"),
    _ip(TAKEN_IP, "登録済みです（KK13-PC90）"),
    _ip(OPEN_IP, "処理中の別の申請"),
    # Addresses in the wrong place
    _ip("", "IPアドレス"),
    _ip(10.132, "文字列"),
    _ip(101320, "文字列"),
    _ip(False, "文字列"),
    _ip("10.13.20", "4つの数字"),
    _ip("10,13,20,5", "4つの数字"),
    _ip("fe80::1", "4つの数字"),
    _ip("10.13.20.256", "0から255"),
    _ip("10.013.020.005", "先頭の0"),
    _ip("10.13.20.5/24", "1台のアドレス"),
    _ip("10.13.99.5", "どのセグメントにも"),
    _ip("192.168.1.5", "どのセグメントにも"),
    _ip("10.13.82.5", "独自処理システム"),
    _ip("10.13.186.9", "図2-33"),
    _ip("10.13.84.20", "独自処理システム"),
    _ip("10.13.84.200", "/25で割り当て"),
    _ip("10.13.184.200", "独自処理システム"),
    _ip("10.27.20.5", "自組織のセグメントのアドレスではありません"),
    _ip("10.13.30.5", "サーバのセグメント"),
    _ip("10.13.20.0", "ネットワークアドレス"),
    _ip("10.13.20.255", "ブロードキャストアドレス"),
    _ip("10.13.21.127", "ブロードキャストアドレス"),
    _ip("10.13.64.2", "保守用"),
    _ip("10.13.74.254", "保守用"),
    _ip("192.168.255.1", "保守用"),
    # Machines that the guard does not cover
    _machine("", "コンピュータ名"),
    _machine("ABCDEFGHIJKLMNOP", "15文字まで"),
    _machine("KK13ーPC(1)", "使えない文字"),
    _machine("KK13-NONE", "自組織で使用中の"),
    _machine("KK27-PC01", "自組織で使用中の"),
    _machine("KK13-GONE", "自組織で使用中の"),
    _machine("KK13-VS01", "表2-39"),
    _machine("KK13-SV01", "表2-39"),
    _machine("KK13-OLD1", "表2-43"),
    _machine("KK13-OWN1", "独自処理システム"),
    _machine("伝送クライアント", "伝送クライアント"),
    # What does not go together
    Wrong({"action": "変更"}, "action", "「新規」「置換」「削除」"),
    Wrong({"action": ""}, "action", "処理の内容"),
    Wrong({"old_mac": TAKEN}, "old_mac", "新規のときは空欄"),
    Wrong({"action": "REPLACE"}, "old_mac", "終了する登録のMACアドレス"),
    Wrong(
        {"action": "REPLACE", "old_mac": "00:1b:a9:77:77:77"}, "old_mac", "自組織のホワイトリストにありません"
    ),
    Wrong({"action": "REPLACE", "old_mac": ELSEWHERE}, "old_mac", "自組織のホワイトリストにありません"),
    Wrong({"action": "REPLACE", "old_mac": TO_END}, "old_mac", "処理中の別の申請"),
    Wrong({"action": "REMOVE"}, "mac", "自組織のホワイトリストにありません"),
    Wrong({"action": "REMOVE", "mac": ELSEWHERE}, "mac", "自組織のホワイトリストにありません"),
    Wrong({"action": "REMOVE", "mac": TO_END, "computer": "", "ip": ""}, "mac", "処理中の別の申請"),
    Wrong({"action": "REMOVE", "mac": REPLACED}, "computer", "別の機器の登録"),
    Wrong({"valid_until": "2020/1/1"}, "valid_until", "過ぎた日付"),
    Wrong({"valid_until": "2026/2/30"}, "valid_until", "日付"),
)


def row(**values: Any) -> dict[str, Any]:
    """The raw values of a right new entry with addresses of its own."""
    n = next(_numbers)
    return {
        "action": "ADD",
        "computer": "KK13-PC01",
        "mac": f"00:1b:a9:01:{n // 256:02x}:{n % 256:02x}",
        "ip": f"10.13.22.{n % 250 + 1}" if n < 250 else f"10.13.23.{n % 250 + 1}",
        "old_mac": "",
        "valid_until": "",
    } | values


def entry(computer: Any, segment: Segment, mac: str, ip: str, **values: Any) -> WhitelistEntry:
    """A live entry, as an earlier application left it."""
    payload = WhitelistLine(action="ADD", computer=computer.name, mac=mac, ip=ip, **values)
    line = factories.line(code=computer.organisation.prefecture_number)
    return register.write_line(line=line, payload=payload, segment_id=segment.pk, now=timezone.now())


@dataclass
class Country:
    """Two federations with machines of all kinds, segments, entries, and applications that are not finished."""

    cast: Cast
    segment: Segment
    other: Segment


def country(cast: Cast) -> Country:
    """What the corpus stands on."""
    for code in ("13", "27"):
        factories.user("APPROVER", code=code)
    segment = world.segment(network="10.13.20.0/24")
    world.segment(network="10.13.21.0/25", purpose=Segment.Purpose.PRINTER)
    for third in (22, 23):
        world.segment(network=f"10.13.{third}.0/24")
    world.segment(network="10.13.30.0/24", purpose=Segment.Purpose.SERVER)
    world.segment(network="10.13.84.0/25", purpose=Segment.Purpose.OWN_SYSTEM)
    other = world.segment(code="27", network="10.27.20.0/24")
    for number in range(1, 6):
        world.computer(f"KK13-PC{number:02}", agents=["QUARANTINE"])
    world.computer("KK13-VS01", kind="virtual_server", system="winserver_2016")
    world.computer("KK13-SV01", kind="server", system="winserver_2016")
    world.computer("KK13-PR01", kind="printer", system="")
    world.computer("KK13-OLD1", system="other")
    world.computer("KK13-OWN1", business="own")
    world.computer("KK13-GONE", state="RETIRED", retired_at=timezone.now())
    elsewhere = world.computer("KK27-PC01", code="27")
    entry(world.computer("KK13-PC90"), segment, TAKEN, TAKEN_IP)
    entry(world.computer("KK13-PC91"), segment, TO_END, "10.13.20.205")
    entry(world.computer("KK13-PC92"), segment, REPLACED, "10.13.20.206")
    entry(elsewhere, other, ELSEWHERE, "10.27.20.200")
    world.submitted(cast, KIND, row(mac=OPEN, ip=OPEN_IP), {"action": "REMOVE", "mac": TO_END})
    away = Cast("27")
    world.submitted(away, KIND, row(mac=OPEN_ELSEWHERE, ip="10.27.20.9", computer="KK27-PC01"))
    return Country(cast=cast, segment=segment, other=other)


def permit(application: Application, cast: Cast) -> Application:
    """Approved by the federation and by operations, and carried out."""
    from portal.fulfilment import services as fulfilment

    journeys.approve(application, factories.user("APPROVER", code=cast.code))
    journeys.approve(application, cast.operator)
    fulfilment.drain("device_register", now_fn=timezone.now)
    application.refresh_from_db()
    return application


def applied(cast: Cast, *lines: dict[str, Any]) -> Application:
    """An application that was approved and carried out."""
    return permit(world.submitted(cast, KIND, *lines), cast)


def entry_of(mac: str) -> WhitelistEntry:
    """The newest entry of an address."""
    entry: WhitelistEntry = WhitelistEntry.system.filter(mac=mac).select_related("computer").latest("pk")
    return entry


def swapped() -> list[dict[str, Any]]:
    """Two machines get each other's IP address; the other's network card stays where it is."""
    first, second = entry_of(TAKEN), entry_of(REPLACED)
    return [
        {"action": "REPLACE", "mac": one.mac, "old_mac": one.mac, "ip": other.ip}
        for one, other in ((first, second), (second, first))
    ]
