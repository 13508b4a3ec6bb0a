"""Whom longer-lived passwords would touch, among 5,000 members of one group, beside a bare paged read (issue 5, REQ-03)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import Any

import ldap3
from django.utils import timezone

from portal.common.time import today
from portal.gateways import _ldap3_policies as policies
from portal.gateways import _ldap3_values as values
from portal.gateways.directory import Directory
from portal.gateways.directory_factory import get_directory
from portal.gateways.directory_policies import WantedSettings
from portal.workflow import content, kinds
from tests import journeys
from tests.perf.provisioning import connect
from tests.perf.report import Report
from tests.requests import pso_world

ROUNDS, MEMBERS, BATCH = 3, 5000, 500


def measure(report: Report, directory: str) -> None:
    """Both in turn, so that a machine that gets slower does so for both; with one settings object in force."""
    connection, root = connect(), os.environ["AD_ROOT_OU"]
    container, group = f"OU=Users,OU=46,{root}", f"CN=benchlong,OU=Groups,OU=46,{root}"
    _fill(connection, container, group)
    gateway = get_directory()
    _bare(connection, container, group)
    # The ticket before there are settings for the group: what is in force already comes before it.
    ticket = _ticket()
    plans = [_timed(ticket) for _ in range(ROUNDS)]
    wanted = _wanted(gateway, group)
    made = gateway.create_password_settings(wanted)
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(_timed(lambda: _bare(connection, container, group)))
        ours.append(_timed(lambda: _preview(gateway, container, group, wanted)))
    gateway.remove_password_settings(made)
    connection.unbind()
    report.add(
        f"password settings: effect on {MEMBERS:,} members of a group, before and after",
        median(ours),
        "s",
        reference=f"bare paged ldap3 read of the same attributes on the same {directory}",
        reference_value=median(bare),
    )
    report.add(
        f"password settings: plan of a ticket for a group of {MEMBERS:,}, as the applicant and the approvers see it",
        median(plans),
        "s",
        reference=f"bare paged ldap3 read of the same attributes on the same {directory}",
        reference_value=median(bare),
    )


def _ticket() -> Callable[[], None]:
    """The plan of a ticket that waits for its approval: what its page shows."""
    application = pso_world.submitted(journeys.Cast("46"), pso_world.line(group="benchlong"))
    kind, rows = kinds.get(application.kind), list(application.lines.all())

    def plan() -> None:
        (found,) = content.plan_lines(kind, application, rows, today(timezone.now()))
        affected = next(check for check in found.checks if check.code == "affected")
        assert affected.values["count"] == str(MEMBERS), affected

    return plan


def _fill(connection: Any, container: str, group: str) -> None:
    """Accounts without a password: making one takes a domain controller ten times as long."""
    names = [f"long{n:05}" for n in range(MEMBERS)]
    for name in names:
        values_ = {"sAMAccountName": name, "displayName": "鈴木 美咲", "userAccountControl": 514}
        made = connection.add(
            f"CN={name},{container}", ["top", "person", "organizationalPerson", "user"], values_
        )
        assert made[0], made[1]
    made = connection.add(group, ["top", "group"], {"sAMAccountName": "benchlong", "groupType": -2147483646})
    assert made[0], made[1]
    for start in range(0, MEMBERS, BATCH):
        members = [f"CN={name},{container}" for name in names[start : start + BATCH]]
        made = connection.modify(group, {"member": [(ldap3.MODIFY_ADD, members)]})
        assert made[0], made[1]


def _wanted(gateway: Directory, group: str) -> WantedSettings:
    rules = gateway.policy_survey().domain.lengthened(timedelta(days=180))
    return WantedSettings(name="benchlong", precedence=77, rules=rules, marker="bench-long", group_dn=group)


def _preview(gateway: Directory, container: str, group: str, wanted: WantedSettings) -> None:
    survey, reach = gateway.policy_survey(), gateway.group_reach(group)
    stronger = replace(wanted, name="benchlonger", precedence=76)
    planned = survey.planned(stronger, reach)
    touched = 0
    for page in gateway.scan_account_policies(container, survey, reach=reach):
        touched += sum(planned.worked_out(account) != account for account in page)
    assert touched == MEMBERS, f"only {touched} of {MEMBERS}"


def _bare(connection: Any, container: str, group: str) -> None:
    count, cookie = 0, None
    while cookie != b"":
        _ok, result, response, _ = connection.search(
            container,
            values.account_filter(f"(memberOf={group})"),
            attributes=policies._PLAIN_ATTRIBUTES,
            paged_size=1000,
            paged_cookie=cookie,
        )
        assert result["result"] == 0, result
        count += len(response or [])
        cookie = result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
    assert count == MEMBERS, f"only {count} of {MEMBERS}"


def _timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
