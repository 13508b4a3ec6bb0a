"""Everything that changes a bundle: drafts, submission, leaving out, applying anew, calling off, and the end (REQ-13).

All functions take keywords only, with the `actor` and the moment `now`, are one transaction each and lock the bundle first.
Errors are those of portal.workflow.errors and BundleRefused.
"""

from __future__ import annotations

from portal.workflow.errors import NobodyCanDecide
from requests.bundles.drafts import Draft, create, discard, most_machines, save
from requests.bundles.following import follow
from requests.bundles.records import BundleRefused, may_act, require_actor
from requests.bundles.steps import apply_again, call_off, is_base, leave_out, look
from requests.bundles.submission import Review, Reviewed, review, submit

__all__ = [
    "BundleRefused",
    "Draft",
    "NobodyCanDecide",
    "Review",
    "Reviewed",
    "apply_again",
    "call_off",
    "create",
    "discard",
    "follow",
    "is_base",
    "leave_out",
    "look",
    "may_act",
    "most_machines",
    "require_actor",
    "review",
    "save",
    "submit",
]
