"""Writing the report: what became of each line, frozen in the transaction in which the application ends (REQ-12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.workflow.models import Application, ApplicationLine
from portal.workflow.reports.models import ResultReport

VERSION = 1
_SECRET = (
    "password",
    "passwd",
    "secret",
    "unicodepwd",
    "token",
    "credential",
)  # in names; no handler records one (ACC-10)
_INTERNAL = frozenset({"done_by", "person", "notice", "permit", "inverse", "stands"})  # for the portal itself


def issue(
    application: Application,
    *,
    lines: list[dict[str, Any]],
    notice: Notice | None,
    now: datetime,
    decision: dict[str, Any] | None = None,
) -> ResultReport:
    """Freeze the report of an application that ends now, in the caller's transaction, and put it on the application.

    The caller holds the application's lock, has moved it to its end and saves it with "report". `notice` carries the report
    to the applicant. `lines` come from carried_out_of; `decision` is for an application that was rejected: who, when, why.
    """
    content = {"version": VERSION, "outcome": application.status, "lines": lines, "decision": decision}
    report = ResultReport.system.create(
        application_number=application.number,
        organisation_id=application.organisation_id,
        recipient_id=application.applicant_id,
        issued_at=now,
        content=content,
        digest=digest_of(content),
        notice=notice,
    )
    application.report = report
    return report


def carried_out_of(application: Application) -> list[dict[str, Any]]:
    """What became of each line at each target, in one statement, however many lines."""
    operations = Operation.system.filter(application_number=application.number, step="")
    rows = operations.order_by("line__position", "id").values(
        "line__position",
        "line__subject",
        "target",
        "status",
        "started_at",
        "settled_at",
        "evidence",
        "manual_note",
        "taken_by__display_name",
    )
    lines: dict[int, dict[str, Any]] = {}
    for row in rows:
        position, subject = row["line__position"], row["line__subject"]
        line = lines.setdefault(position, {"position": position, "subject": subject, "operations": []})
        line["operations"].append(_operation(row))
    if lines:
        return list(lines.values())
    # Nothing had to be carried out anywhere: the approval itself was the result.
    return [
        {"position": position, "subject": subject, "operations": []}
        for position, subject in application.lines.values_list("position", "subject")
    ]


def entered_by_hand(
    line: ApplicationLine, target: str, *, by: User, evidence: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """One line of a report about what a person settled without any operation."""
    row = {
        "target": target,
        "status": OperationStatus.DONE,
        "started_at": None,
        "settled_at": now,
        "evidence": evidence,
        "manual_note": "",
        "taken_by__display_name": by.display_name,
    }
    return {"position": line.position, "subject": line.subject, "operations": [_operation(row)]}


def not_done(lines: Iterable[dict[str, Any]]) -> int:
    """How many lines were not carried out, or not everywhere."""
    return sum(any(o["status"] == OperationStatus.CLOSED for o in line["operations"]) for line in lines)


def rejection(
    *, by: User, acted_for: User | None, stage_label: str, comment: str, now: datetime
) -> dict[str, Any]:
    """`decision` of a report on an application that was rejected."""
    return {
        "by": by.display_name,
        "acted_for": acted_for.display_name if acted_for else "",
        "stage": stage_label,
        "at": now.isoformat(),
        "comment": comment,
    }


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 over the content, which PostgreSQL gives back with its keys in another order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _operation(row: Mapping[str, Any]) -> dict[str, Any]:
    by_hand = row["taken_by__display_name"] or ""
    started, settled = row["started_at"], row["settled_at"]
    return {
        "target": row["target"],
        "status": row["status"],
        "by": by_hand,  # "": the portal itself
        "started_at": started.isoformat() if started else "",
        "settled_at": settled.isoformat() if settled else "",
        "note": row["manual_note"],
        "evidence": without_secrets(row["evidence"]),
    }


def without_secrets(value: Any) -> Any:
    """Evidence as it may leave the portal: without whatever is called a secret, at any depth (ACC-10)."""
    if isinstance(value, dict):
        return {name: without_secrets(inner) for name, inner in value.items() if not _is_kept_back(str(name))}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def _is_kept_back(name: str) -> bool:
    folded = name.replace("_", "").replace("-", "").lower()
    return name in _INTERNAL or any(word in folded for word in _SECRET)
