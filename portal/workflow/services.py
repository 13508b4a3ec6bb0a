"""Everything that changes an application. All functions take keywords only, with the `actor` and the moment `now`.

Errors are those of portal.workflow.errors. Each function is one transaction of its own, locks the application first,
re-checks under the lock, and writes history, trail and mail with the change (SEC-02). Targets such as the directory are
asked before the lock, never under it.
"""

from __future__ import annotations

from portal.workflow.attachments import add_attachment, remove_attachment
from portal.workflow.content import Content
from portal.workflow.decisions import approve, reject, return_
from portal.workflow.drafts import copy, create_draft, save_draft
from portal.workflow.submission import submit
from portal.workflow.taking_back import pull_back, withdraw
from portal.workflow.upkeep import check_open_stages, remind_overdue

__all__ = [
    "Content",
    "add_attachment",
    "approve",
    "check_open_stages",
    "copy",
    "create_draft",
    "pull_back",
    "reject",
    "remind_overdue",
    "remove_attachment",
    "return_",
    "save_draft",
    "submit",
    "withdraw",
]
