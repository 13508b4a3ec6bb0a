"""A forgotten password is reset to one that its owner chose, and the history counts (ACC-07, ACC-11): on every directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded.directory import DemoDirectory
from portal.embedded.directory.messages import POLICY_HINTS
from portal.gateways.directory import BindResult, Directory, DirectoryEntry, PolicyRefused
from tests.contract.conftest import OWN_PASSWORD, Server, make_account, read

CHOSEN = "Ringo-Gohan-52"
DRAWN = "Ay79-Tw34-Qf3x"


def test_the_demo_directory_knows_the_policy_hints(demo: Server) -> None:
    assert demo.connect().minds_history_in_resets()


def test_a_reset_with_policy_hints_minds_the_history(directory: Directory, settled: DirectoryEntry) -> None:
    if not directory.minds_history_in_resets():
        pytest.skip("this directory does not list the control")

    with pytest.raises(PolicyRefused):
        directory.reset_to_chosen_password(settled.guid, new_password=OWN_PASSWORD)
    unchanged = directory.authenticate(settled.login_name, OWN_PASSWORD)
    directory.reset_to_chosen_password(settled.guid, new_password=CHOSEN)

    assert unchanged is BindResult.OK
    assert directory.authenticate(settled.login_name, CHOSEN) is BindResult.OK
    assert not read(directory, settled).must_change_password


def test_a_drawn_password_and_a_change_with_it_mind_the_history_too(
    directory: Directory, settled: DirectoryEntry
) -> None:
    directory.reset_password(
        settled.guid, new_password=DRAWN, last_set=read(directory, settled).password_last_set
    )

    with pytest.raises(PolicyRefused):
        directory.change_password(settled.guid, old_password=DRAWN, new_password=OWN_PASSWORD)
    directory.change_password(settled.guid, old_password=DRAWN, new_password=CHOSEN)

    assert directory.authenticate(settled.login_name, CHOSEN) is BindResult.OK
    assert not read(directory, settled).must_change_password


@pytest.fixture
def without_hints(tmp_path: Path) -> Iterator[Server]:
    with DemoDirectory(tmp_path, without_controls=frozenset({POLICY_HINTS})) as made:
        server = Server("demo", made.env, 0)
        yield server
        server.close()


def test_a_directory_without_the_control_refuses_rather_than_forgets_the_history(
    without_hints: Server,
) -> None:
    directory = without_hints.connect()
    account = make_account(directory, without_hints)

    assert not directory.minds_history_in_resets()
    with pytest.raises(Exception, match="unknown control"):
        directory.reset_to_chosen_password(account.guid, new_password=CHOSEN)
