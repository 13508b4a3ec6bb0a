"""The embedded counterpart answers what the portal writes, whatever the mapping, so that people see it work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.embedded.two_factor import answer_all
from portal.fulfilment.models import OperationStatus
from tests.two_factor.world import beat, drain, fresh, registered, use_exchange

pytestmark = pytest.mark.django_db


def test_every_row_is_acknowledged_and_read_back(tmp_path: Path, settings: Any) -> None:
    other_side = use_exchange(settings, tmp_path / "exchange", settle_seconds=0)
    operations = registered(3)
    drain()

    answered = answer_all(other_side.folder)
    beat(timezone.now())

    assert answered == 1
    assert {fresh(operation).status for operation in operations} == {OperationStatus.DONE}
    assert os.listdir(other_side.folder / "out") == []


def test_a_folder_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    assert answer_all(tmp_path / "nothing") == 0
