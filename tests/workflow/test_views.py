"""The page of an application: who sees it, what it shows, how a decision goes and what happens to a late one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import FakeDirectory
from tests.workflow import pages
from tests.workflow.pages import Desk, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(monkeypatch: Any) -> FakeDirectory:
    return pages.use_directory(monkeypatch)


@pytest.fixture
def desk(directory: FakeDirectory) -> Desk:
    return Desk()


def test_every_page_renders(desk: Desk) -> None:
    application = desk.submitted()
    draft = desk.draft(desk.line("tk0500-sato"))
    for person in (desk.applicant, desk.approver, desk.operator):
        client = browser(person)
        for address in [
            "/",
            "/applications/",
            "/applications/inbox/",
            f"/applications/{application.number}/",
            "/applications/export/",
        ]:
            assert client.get(address).status_code == 200, address
    client = browser(desk.applicant)
    for address in [
        "/applications/drafts/",
        "/applications/new/",
        "/applications/new/accounts.register/",
        f"/applications/{draft.number}/edit/",
        f"/applications/{draft.number}/confirm/",
    ]:
        assert client.get(address).status_code == 200, address
