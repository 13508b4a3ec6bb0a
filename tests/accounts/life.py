"""An employee with an account in AD and in the register, for tests of what happens to it later."""

from __future__ import annotations

from typing import Any

from accounts.models import DirectoryAccount
from portal.workflow.models import Application
from tests import factories, journeys
from tests.fakes import FakeDirectory, administrators_ou, deleted_ou, groups_ou, users_ou
from tests.journeys import Cast

SECTION = f"OU=審査第一課,{users_ou('13')}"
GROUP = f"CN=審査,{groups_ou('13')}"


def employ(directory: FakeDirectory, **values: Any) -> DirectoryAccount:
    """鈴木 美咲 of federation 13, in one of its two groups; values go into the register."""
    directory.containers += [users_ou("13"), SECTION, deleted_ou("13"), administrators_ou("13")]
    directory.add_group("審査")
    directory.add_group("会計")
    directory.add_group("保守", privileged=True)
    directory.add_group("局所", is_global=False)
    entry = directory.add(
        "tk0412-suzuki",
        password="Jibun-de-3randa",
        container_dn=users_ou("13"),
        display_name="鈴木 美咲",
        family_name="鈴木",
        given_name="美咲",
        kana="スズキ ミサキ",
        department="審査第二課",
        groups=(GROUP,),
        account_expires=values.get("expires_on"),
    )
    kept = {
        "object_guid": entry.guid,
        "distinguished_name": entry.dn,
        "login_name": entry.login_name,
        "family_name": "鈴木",
        "given_name": "美咲",
        "family_kana": "スズキ",
        "given_kana": "ミサキ",
        "department": "審査第二課",
        "groups": ["審査"],
    }
    return factories.directory_account(**(kept | values))


def approved(cast: Cast, kind: str, **line: Any) -> Application:
    """An application about the employee that waits to be carried out."""
    application = journeys.submitted(cast, {"login_name": "tk0412-suzuki"} | line, kind=kind)
    journeys.approve(application, cast.approver)
    return journeys.approve(application, cast.operator)
