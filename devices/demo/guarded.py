"""The whitelist and the quarantine of the demonstration, made through the portal's own services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from devices.demo.story import Teller, holder
from devices.quarantine import services as quarantine
from devices.quarantine.models import QuarantineStatus
from devices.whitelist.kinds import WHITELIST
from devices.whitelist.models import WhitelistEntry
from portal.common.time import JST, today
from portal.orgs.models import Membership
from portal.orgs.permissions import Role

_MAKERS = ("00:1b:a9", "3c:52:82", "f8:b1:56", "00:80:92")  # Brother, HP, Dell, Silex
_HEADER = "コンピュータ名,検査結果,最終検査日時,OS,検疫エージェント,セキュリティパッチ,パターンファイル,SKYSEAエージェント,Splunkエージェント,パッチ配信日,パターン配信日"


def tell_whitelist(teller: Teller) -> None:
    """Entries that live, one that was replaced, one that was removed, one that waits for operations."""
    if WhitelistEntry.system.filter(organisation=teller.organisation).exists():
        return
    try:
        approver = holder(Role.APPROVER, teller.organisation)
    except Membership.DoesNotExist:
        return
    installed = [_entry(teller, number) for number in range(1, 7)]
    printer = _entry(teller, 9) | {"computer": f"KK{teller.code}-PR01", "ip": _ip(teller, 21, 11)}
    exchanged = {"action": "REPLACE", "mac": _mac(teller, 12), "old_mac": _mac(teller, 2)}
    steps: tuple[tuple[list[dict[str, Any]], str], ...] = (
        ([*installed, printer], "機器の設置のため。"),
        ([exchanged, {"action": "REMOVE", "mac": _mac(teller, 6)}], "故障した機器の交換と撤去のため。"),
    )
    for lines, reason in steps:
        application = teller.submit(WHITELIST, *lines, reason=reason)
        teller.decide(application, approver)
        teller.decide(application, teller.operator)
        teller.carry_out()
    waiting = teller.submit(WHITELIST, _entry(teller, 7), reason="増設のため。")
    teller.decide(waiting, approver)


def tell_quarantine(teller: Teller) -> None:
    """PCs that fit, that lack a patch within the grace, whose grace is over, and one without the agent."""
    if QuarantineStatus.system.filter(organisation=teller.organisation).exists():
        return
    moment = teller.moment.astimezone(JST)
    at, day = f"{moment - timedelta(hours=1):%Y/%m/%d %H:%M}", today(moment)
    yesterday, week = f"{day - timedelta(days=1):%Y/%m/%d}", f"{day - timedelta(days=7):%Y/%m/%d}"
    name = f"KK{teller.code}-PC"
    rows = (
        f"{name}01,適合,{at},○,○,○,○,○,○,,",
        f"{name}02,適合,{at},○,○,×,○,○,○,{yesterday},",
        f"{name}03,不適合,{at},○,○,○,×,○,○,,{week}",
        f"{name}04,不適合,{at},○,×,○,○,○,×,,",
        f"{name}98,適合,{at},○,○,○,○,○,○,,",  # of no register: the report names it
    )
    data = "\r\n".join((_HEADER, *rows, "")).encode("cp932")
    quarantine.import_file(
        name=f"検疫結果_{teller.code}.csv", data=data, actor=teller.operator, now=teller.moment
    )


def _entry(teller: Teller, number: int) -> dict[str, Any]:
    """A new entry of one of the clients."""
    return {
        "action": "ADD",
        "computer": f"KK{teller.code}-PC{number:02}",
        "mac": _mac(teller, number),
        "ip": _ip(teller, 20, number + 10),
    }


def _mac(teller: Teller, number: int) -> str:
    """An address of its own in the whole demonstration."""
    place = sum(map(ord, teller.code))
    return f"{_MAKERS[number % len(_MAKERS)]}:{place % 256:02x}:{int(teller.code):02x}:{number:02x}"


def _ip(teller: Teller, third: int, fourth: int) -> str:
    return f"10.{int(teller.code)}.{third}.{fourth}"
