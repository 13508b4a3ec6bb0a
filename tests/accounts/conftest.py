"""A directory in memory for every test of this folder that asks for one."""

from __future__ import annotations

from typing import Any

import pytest

from portal.notices import secrets
from tests.accounts.world import PostOffice
from tests.fakes import FakeDirectory, use_directory


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """An empty directory that the portal uses instead of a real one."""
    return use_directory(monkeypatch)


@pytest.fixture
def register_line() -> dict[str, Any]:
    """What a form or the API gives for one new account; tests add the recipient and what they are about."""
    return {
        "family_name": "鈴木",
        "given_name": "美咲",
        "family_kana": "スズキ",
        "given_kana": "ミサキ",
        "login_name": "tk0412-suzuki",
        "department": "審査第二課",
    }


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    """A post office instead of the mail server."""
    return use_post(monkeypatch)


def use_post(monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    """A post office that the portal hands its initial passwords to."""
    office = PostOffice()
    monkeypatch.setattr(secrets, "deliver_initial_password", office.deliver)
    monkeypatch.setattr(secrets, "deliver_pickup_code", office.deliver_code)
    return office
