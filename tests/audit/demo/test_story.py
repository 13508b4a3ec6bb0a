"""What the demonstration shows of the audit, made by the portal's own services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.demo import story
from audit.reconciliation.models import Mismatch
from audit.reports.documents import files
from audit.reports.models import AuditReport, ReportFile
from portal.orgs.permissions import Role
from tests import factories
from tests.documents.openssl_tsa import with_authority

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signer")]


def test_the_story_is_told_once_with_reports_at_three_steps(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_authority(settings, tmp_path)
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF")
    factories.operator()
    factories.user(Role.AUDIT_REVIEWER, code="central")
    factories.approver("central")
    for code in ("13", "14", "27"):
        factories.user(Role.SECURITY_MANAGER, code=code)

    told = [story.tell() for _ in range(2)]

    assert told == [3, 0]
    states = dict(AuditReport.system.values_list("organisation__code", "status"))
    assert [states[code] for code in ("13", "14", "27")] == ["PROVIDED", "CREATED", "FED_CONFIRMED"]
    assert len(states) == 47
    codes = set(Mismatch.system.values_list("code", flat=True))
    assert codes >= {"OK", "U_TIME", "L_NOLOG", "U_NOPLAN"}
    unplanned = Mismatch.system.filter(log_kind="DATABASE", code="U_NOPLAN")
    assert unplanned.count() == 3, "one night in each federation; the application itself is no mismatch"
    assert ReportFile.system.count() == 18
