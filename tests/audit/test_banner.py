"""Every page of the audit that shows sessions, rows of a log or suspicions says that it is sensitive (SEC-02, docs/adr/0041)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver, reverse

from audit.reconciliation.models import Incident
from portal.orgs.permissions import Role
from tests.audit.imports import logs
from tests.audit.review.test_reasons import give, made, reviewer
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
BANNER = "特定個人情報を含む画面です。"
SENSITIVE = {
    "audit_dashboard",  # reasons and suspicions
    "audit_sessions",
    "audit_session",
    "audit_sessions_print",
    "incident",
    "incident_list",
    "incident_print",
    "log_import",  # the preview
}
# Files, which ask for their reason; steps, which lead to one of the pages above; and what says nothing of an access.
OTHERS = {
    "audit_dashboard_export", "audit_sessions_export", "incident_export", "audit_report_export", "audit_report_file",
    "log_import_start", "log_import_discard",
    "audit_calendar", "audit_calendar_ics", "audit_cycle", "audit_deadlines", "audit_deadlines_new",
    "audit_deadlines_version", "audit_closures", "audit_closure_remove",
    "log_imports", "log_hosts", "log_host", "log_coverage", "log_mapping", "log_application",
    "work", "work_change", "work_types", "work_file", "work_file_errors",
    *(f"ledger_{ledger}_{page}" for ledger in ("central", "federation")
      for page in ("list", "export", "print", "new", "file", "template")),
    "audit_report", "audit_report_list", "audit_report_print", "audit_report_orders", "audit_report_many", "audit_report_ask",
    "audit_retention", "audit_disposal_propose", "audit_disposal_decide", "audit_hold", "audit_hold_release", "audit_retention_rule",
}  # fmt: skip


def names(patterns: Iterable[Any], start: str = "") -> set[str]:
    """The pages below /audit/."""
    found: set[str] = set()
    for each in patterns:
        path = f"{start}{each.pattern}".lstrip("^")
        if not isinstance(each, URLPattern):
            found |= names(each.url_patterns, path)
        elif path.startswith("audit/"):
            found.add(str(each.name))
    return found


def test_sec_02_the_banner_stands_on_every_page_of_the_audit_with_sensitive_data() -> None:
    report, sessions = made()
    one = reviewer()
    give(sessions, one, code="MISUSE")
    logs.host()
    key = {"month": report.cycle.key, "code": "13", "revision": 1, "log": "database"}
    arguments: dict[str, dict[str, Any]] = {
        "audit_sessions": key,
        "audit_sessions_print": key,
        "audit_session": key | {"pk": sessions[0].pk},
        "incident": {"number": Incident.system.get().number},
        "log_import": {"pk": logs.upload(logs.text(logs.line())).pk},
    }
    operator, central = client_for(Role.OPERATOR, code="operations"), client_of(one)

    for name in sorted(SENSITIVE):
        browser = operator if name == "log_import" else central
        page = browser.get(reverse(name, kwargs=arguments.get(name, {})))
        assert BANNER in page.content.decode(), name
    assert names(get_resolver().url_patterns) == SENSITIVE | OTHERS, (
        "decide whether the new page is sensitive"
    )
