"""docs/ADDING_A_KIND.md is true: its code makes a kind that runs all the way."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment import registry, services
from portal.workflow import kinds
from portal.workflow.models import Status
from tests import journeys
from tests.fakes import FakeDirectory, users_ou

PAGE = Path(__file__).resolve().parent.parent / "docs" / "ADDING_A_KIND.md"

pytestmark = pytest.mark.django_db


@pytest.fixture
def unlock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the page's code blocks make, registered for one test."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    module = ModuleType("accounts.unlock")
    monkeypatch.setitem(sys.modules, "accounts.unlock", module)
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    module.register()
    return module


def test_the_kind_of_the_page_goes_all_the_way(unlock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = FakeDirectory()
    monkeypatch.setattr("portal.gateways.directory_factory.get_directory", lambda: directory)
    entry = directory.add("tk00001", container_dn=users_ou("13"), locked=True)
    cast = journeys.Cast()

    application = journeys.submitted(cast, {"login_name": "ｔｋ００００１"}, kind="accounts.unlock")
    journeys.approve(application, cast.approver)
    services.drain("directory", now_fn=timezone.now)

    application.refresh_from_db()
    assert application.status == Status.COMPLETED
    assert directory.find_by_guid(entry.guid).locked is False


def test_an_account_of_another_federation_is_as_unknown_as_none(
    unlock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # ORG-02
    directory = FakeDirectory()
    monkeypatch.setattr("portal.gateways.directory_factory.get_directory", lambda: directory)
    directory.add("os00001", container_dn=users_ou("27"), locked=True)
    cast = journeys.Cast()

    with pytest.raises(Exception, match="login_name"):
        journeys.submitted(cast, {"login_name": "os00001"}, kind="accounts.unlock")
