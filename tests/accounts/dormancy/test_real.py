"""The monthly lists over real LDAP: a small one on the demo directory, 135 candidates (or 4,320) in several pages on Samba AD (ACC-14).

A directory does not let anybody write whenCreated, so the tests go eight months into the future instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import ldap3
import pytest
from django.utils import timezone

from accounts.dormancy import answering, listing
from accounts.dormancy.half_year import cut_off, months_before
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.common.time import JST
from portal.embedded.sockets import free_port
from portal.gateways.directory_factory import get_directory, reset_directory
from portal.gateways.directory_names import controller_name
from portal.orgs.permissions import Role
from portal.workflow.rounds.answers import Answer, What
from tests import factories
from tests.contract.conftest import Server, _demo_server, _samba_server, expect_ok
from tests.contract.test_directory_search import USER_CLASSES, filetime
from tests.lab import use_directory
from tests.sizes import FULL_SIZE

__all__ = ["_demo_server", "_samba_server"]  # fixtures

DAY = dt.timedelta(days=1)
DISABLED, NO_PASSWORD = 0x2, 0x220

MONTH = months_before(timezone.localdate().replace(day=1), -8)
NOW = dt.datetime.combine(MONTH, dt.time(3, 30), JST)
CUT = cut_off(MONTH, 6)


class Staff:
    """Accounts with forced time stamps in a unit of federation 13, made by the domain's administrator."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.admin = server.raw(server.env["AD_ADMIN_DN"], server.env["AD_ADMIN_PASSWORD"])
        self.prefix = f"d{token_hex(3)}"
        self.names: list[str] = []
        self.unit = f"OU={self.prefix},OU=Users,OU=13,{server.root_ou}"
        expect_ok(self.admin.add(self.unit, ["top", "organizationalUnit"]))

    def add(
        self,
        name: str,
        *,
        replicated: dt.datetime | None = None,
        exact: dt.datetime | None = None,
        control: int = NO_PASSWORD,
    ) -> None:
        """One account; `replicated` is lastLogonTimestamp, `exact` the lastLogon of this controller."""
        values: dict[str, Any] = {"sAMAccountName": name, "displayName": f"表示 {name}"}
        values["userAccountControl"] = str(control)
        stamps = {"lastLogonTimestamp": replicated, "lastLogon": exact}
        values |= {attribute: filetime(moment) for attribute, moment in stamps.items() if moment is not None}
        expect_ok(self.admin.add(f"CN={name},{self.unit}", USER_CLASSES, values))
        self.names.append(name)

    def close(self) -> None:
        """Take everything away again."""
        for name in self.names:
            self.admin.delete(f"CN={name},{self.unit}")
        self.admin.delete(self.unit)
        self.admin.unbind()


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def staff(request: pytest.FixtureRequest, settings: Any) -> Iterator[Staff]:
    """An empty unit on a real server; the portal asks it and a controller that nobody listens on."""
    server: Server = request.getfixturevalue(f"_{request.param}_server")
    use_directory(settings, dict(server.env))
    down = f"ldaps://127.0.0.1:{free_port()}"
    settings.DIRECTORY = settings.DIRECTORY | {"dc_urls": [server.url, down], "receive_timeout": 30}
    reset_directory()
    made = Staff(server)
    yield made
    made.close()
    get_directory().close()
    reset_directory()


TIMES = 32 if FULL_SIZE else 1


def everybody() -> Iterator[dict[str, Any]]:
    """Time stamps and control of 160 people, or 5,120: of 160 are 100 away, 25 never here, 10 people's controller knows better,
    5 are disabled, 20 at work."""
    yield from ({"replicated": CUT - (number % 300 + 1) * DAY} for number in range(100 * TIMES))
    yield from ({} for _ in range(25 * TIMES))
    yield from (
        {"replicated": CUT - DAY, "exact": CUT + (number % 9 + 1) * DAY} for number in range(10 * TIMES)
    )
    yield from ({"replicated": CUT - DAY, "control": NO_PASSWORD | DISABLED} for _ in range(5 * TIMES))
    yield from ({"replicated": CUT + (number % 180 + 1) * DAY} for number in range(20 * TIMES))


def mine(review: DormantReview, prefix: str) -> list[str]:
    """The accounts of this test: other tests leave theirs in the same domain."""
    return sorted(review.lines.filter(login_name__startswith=prefix).values_list("login_name", flat=True))


def review_of(month: dt.date) -> DormantReview:
    return DormantReview.system.select_related("run").get(run__period=month, organisation__code="13")


@pytest.mark.django_db
def test_candidates_and_exact_times_over_ldap_with_a_controller_down(staff: Staff, settings: Any) -> None:
    staff.add(f"{staff.prefix}-away", replicated=CUT - 30 * DAY, exact=CUT - 20 * DAY)
    staff.add(f"{staff.prefix}-late", replicated=CUT - 10 * DAY, exact=CUT + 2 * DAY)
    staff.add(f"{staff.prefix}-busy", replicated=CUT + 30 * DAY)
    staff.add(f"{staff.prefix}-never")
    staff.add(f"{staff.prefix}-disabled", replicated=CUT - 30 * DAY, control=NO_PASSWORD | DISABLED)
    down = controller_name(settings.DIRECTORY["dc_urls"][1])

    listing.list_dormant_accounts(now=NOW, period=NOW)

    review = review_of(MONTH)
    assert mine(review, staff.prefix) == [f"{staff.prefix}-away", f"{staff.prefix}-never"]
    assert review.missing == review.run.missing == [down]
    away = review.lines.get(login_name=f"{staff.prefix}-away")
    assert (away.last_logon, away.last_logon_from) == (CUT - 20 * DAY, controller_name(staff.server.url))
    # ACC-14: asked again at the answer, over the same wire.
    entry = get_directory().find_by_guid(away.object_guid)
    assert entry is not None
    logged_on = {"lastLogon": [(ldap3.MODIFY_REPLACE, [filetime(CUT + DAY)])]}
    expect_ok(staff.admin.modify(entry.dn, logged_on))
    outcome = answering.answer(
        review_id=review.pk,
        decisions=[Answer(line_id=away.pk, version=away.version, answer="KEEP", reason="休職中")],
        actor=factories.applicant(),
        now=NOW,
    )[0]
    assert outcome.what is What.OVER
    assert outcome.line.evidence["missing"] == [down]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.django_db
@pytest.mark.parametrize("staff", ["samba"], indirect=True)
def test_more_candidates_than_one_page_twice_with_one_controller_down(
    staff: Staff, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That a page may have a thousand is proven in tests/contract/test_directory_scanning.
    if not FULL_SIZE:
        monkeypatch.setattr("portal.gateways._ldap3_scanning.PAGE_SIZE", 50)
    manager = factories.user(Role.SECURITY_MANAGER)
    down = controller_name(settings.DIRECTORY["dc_urls"][1])
    for number, values in enumerate(everybody()):
        staff.add(f"{staff.prefix}{number:05}", **values)
    expected = staff.names[: 125 * TIMES]

    listing.list_dormant_accounts(now=NOW, period=NOW)
    first = review_of(MONTH)

    assert mine(first, staff.prefix) == expected
    assert first.missing == [down]
    assert first.lines.filter(login_name__startswith=staff.prefix, last_logon=None).count() == 25 * TIMES
    assert first.run.candidates >= 135 * TIMES
    assert first.run.dropped >= 10 * TIMES
    # Second run of the month: nothing twice, answers survive.
    kept = list(first.lines.filter(login_name__in=expected[:40]))
    decisions = [
        Answer(line_id=line.pk, version=line.version, answer="KEEP", reason="休職中") for line in kept
    ]
    outcomes = answering.answer(review_id=first.pk, decisions=decisions, actor=manager, now=NOW + DAY)
    assert {outcome.what for outcome in outcomes} == {What.TAKEN}
    before = DormantLine.system.count()
    listing.list_dormant_accounts(now=NOW + DAY, period=NOW)
    assert listing.finish_lists(now=NOW + DAY) == 0
    assert DormantLine.system.count() == before
    assert DormantRun.objects.count() == 1
    assert first.lines.filter(answer="KEEP", reason="休職中").count() == 40
    # The next month, with the second controller back: the same accounts, last month's answers beside them.
    settings.DIRECTORY = settings.DIRECTORY | {"dc_urls": [staff.server.url]}
    reset_directory()
    next_month = months_before(MONTH, -1)
    later = dt.datetime.combine(next_month, dt.time(3, 30), JST)
    listing.list_dormant_accounts(now=later, period=later)
    second = review_of(next_month)
    assert second.missing == []
    assert set(expected) <= set(mine(second, staff.prefix))
    assert second.lines.filter(previous__answer="KEEP", answer="").count() == 40
