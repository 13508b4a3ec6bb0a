"""What an application about a computer object refuses at entry, and what its plan shows (REQ-02, ORG-02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from requests.computers.kinds import ADD, REMOVE_KIND
from requests.computers.removing import RESTORE
from tests import factories, fakes
from tests.devices import world as devices
from tests.requests import computers
from tests.requests.computers import Cast, unit

pytestmark = pytest.mark.django_db
PC, TAKEN = "KK13-PC1", "このコンピュータ名は、共通ネットワークですでに使われています"


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> fakes.FakeDirectory:
    return fakes.use_directory(monkeypatch)


def context(code: str = "13") -> LineContext:
    return LineContext(
        organisation=factories.organisation(code), actor=None, application=None, today=timezone.localdate()
    )


def problem(kind: str, name: str = PC, **more: Any) -> str:
    """The first text at the name of a line of federation 13."""
    _found, errors = check_lines(kinds.get(kind), context(), [{"name": name} | more])
    return next(iter(errors.get("lines.0.name", [])), "")


def plan_of(kind: str, name: str = PC) -> Any:
    found = kinds.get(kind)
    return found.plan(context(), found.payload_class(name=name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("KK13-PC-AND-MORE", "15"),
        ("KK13_PC", "使えない文字"),
        ("12345", "数字だけ"),
        ("-PC1", "ハイフン"),
        ("端末１", "使えない文字"),
        ("server", "Windows"),
        ("", "入力"),
        ("KK13 ー ＰＣ１", ""),
    ],
)
def test_req_02_names_that_cannot_be_and_names_that_are_corrected(
    directory: fakes.FakeDirectory, name: str, words: str
) -> None:
    found = problem(ADD, name)
    assert words in found
    assert bool(found) == bool(words)


def test_req_02_a_name_that_anybody_has_is_refused_in_the_same_words(
    directory: fakes.FakeDirectory, db: None
) -> None:
    directory.add_computer("KK14-AD", unit("Computers", "14"))
    directory.add_computer("OTHER", "CN=Computers,DC=kokuho,DC=pr", dns_host_name="kk14-host.kokuho.pr")
    devices.computer("KK14-MACHINE", code="14")
    devices.submitted(
        devices.Cast("14"), "devices.computer_register", devices.computer_line(name="KK14-COMING")
    )

    found = {name: problem(ADD, name) for name in ("KK14-AD", "KK14-HOST", "KK14-MACHINE", "KK14-COMING")}

    assert all(text.startswith(TAKEN) for text in found.values()), found
    assert len(set(found.values())) == 1  # whose it is cannot be told


def test_req_02_the_own_machine_its_registration_and_a_printer(
    directory: fakes.FakeDirectory, db: None
) -> None:
    devices.computer(PC)
    devices.computer("KK13-PRN", kind="printer", system="")
    devices.submitted(devices.Cast(), "devices.computer_register", devices.computer_line(name="KK13-COMING"))

    assert problem(ADD, PC) == problem(ADD, "KK13-COMING") == ""
    assert "不要" in problem(ADD, "KK13-PRN")
    levels = {name: plan_of(ADD, name).checks[-1].level for name in (PC, "KK13-COMING", "KK13-NEW")}
    assert levels == {PC: "passed", "KK13-COMING": "passed", "KK13-NEW": "warning"}


def test_req_02_two_open_applications_do_not_hold_one_name(directory: fakes.FakeDirectory) -> None:
    computers.submitted(Cast("14"), ADD, PC)

    assert "別の申請" in problem(ADD)
    with pytest.raises(InvalidApplication):
        computers.submitted(Cast(), ADD, PC)


def test_org_02_another_federations_object_is_as_unknown_as_none(
    directory: fakes.FakeDirectory, db: None
) -> None:
    directory.add_computer("KK14-PC1", unit("Computers", "14"))
    computers.done(Cast("14"), ADD, "KK14-PC2")
    computers.done(Cast("14"), REMOVE_KIND, "KK14-PC2")

    assert problem(REMOVE_KIND, "KK14-PC1") == problem(REMOVE_KIND, "NOBODY") != ""
    assert problem(RESTORE, "KK14-PC2") == problem(RESTORE, "NOBODY") != ""
    assert problem(ADD, "KK14-PC2").startswith(TAKEN)


def test_req_02_a_removal_shows_what_it_changes_and_what_speaks_against_it(
    directory: fakes.FakeDirectory, db: None
) -> None:
    found = directory.add_computer(PC, last_logon=timezone.now() - timedelta(days=3))
    directory.below[found.guid] = 1

    plan = plan_of(REMOVE_KIND)

    assert [(c.attribute, c.before, c.after) for c in plan.changes] == [
        ("userAccountControl", ("使用中",), ("無効",)),
        ("distinguishedName", ("Computers",), ("Deleted",)),
        ("objectGUID", (str(found.guid),), ()),
    ]
    assert [c.code for c in plan.checks if c.level == "warning"] == ["used_lately", "keys"]
    directory.put_computer(found, protected=True)
    assert "保護" in problem(REMOVE_KIND)


def test_req_02_a_deleted_object_keeps_its_name_and_points_at_its_restoration(
    directory: fakes.FakeDirectory,
) -> None:
    directory.add_computer(PC)
    computers.done(Cast(), REMOVE_KIND, PC)

    assert "復元" in problem(ADD)
    assert "削除済み" in problem(REMOVE_KIND)
    assert problem(RESTORE) == ""
    row = computers.row()
    row.removal_began_at = timezone.now()
    row.save()
    assert "完全削除" in problem(RESTORE)


def test_acc_12_while_ad_is_down_only_the_registers_speak(directory: fakes.FakeDirectory) -> None:
    computers.done(Cast(), ADD, PC)
    directory.faults["find_computers"] = [DirectoryUnavailable(code="down")] * 9

    assert problem(ADD, "KK13-NEW") == ""
    assert plan_of(ADD, "KK13-NEW").unavailable == "down"
    assert problem(REMOVE_KIND) == ""
    assert "台帳" in problem(REMOVE_KIND, "KK13-HAND")


@pytest.mark.parametrize("kind", [ADD, REMOVE_KIND])
def test_acc_13_many_lines_cost_the_questions_of_one(directory: fakes.FakeDirectory, kind: str) -> None:
    def cost(count: int) -> tuple[int, int]:
        found, here = kinds.get(kind), context()
        names = [f"KK13-N{n:04}" for n in range(count)]
        if kind == REMOVE_KIND:
            for name in names:
                directory.add_computer(name)
        before = len(directory.calls)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            lines, errors = check_lines(found, here, [{"name": name} for name in names])
            assert not errors
            for line in lines:
                found.plan(here, line.payload)
        asked = [call for call in directory.calls[before:] if call != "count_below_computer"]
        return len(queries), len(asked)

    one = cost(1)
    directory.computers.clear()
    assert cost(200) == one
