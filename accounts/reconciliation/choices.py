"""Which answers a finding allows, and which of them need a second person (docs/adr/0017)."""

from __future__ import annotations

from accounts.reconciliation.expected import REMOVED
from accounts.reconciliation.models import Answer, Finding, FindingKind
from accounts.reconciliation.snapshot import WRITABLE

_RESTORABLE = WRITABLE | {"groups", "container", "login_name", "common_name", "enabled"}


def possible_answers(finding: Finding) -> list[Answer]:
    """In the order in which the page offers them. What is not there is not made again: that takes an application."""
    if finding.account is None:
        # A protected object is read and never taken over.
        return [Answer.ACCEPT] if finding.privileged else [Answer.ADOPT, Answer.ACCEPT]
    if finding.kind == FindingKind.MISSING or finding.privileged or finding.account.state == REMOVED:
        return [Answer.ACCEPT]
    fields = {difference["field"] for difference in finding.differences}
    return [Answer.RESTORE, Answer.ACCEPT] if fields & _RESTORABLE else [Answer.ACCEPT]


def needs_second_person(finding: Finding, answer: str) -> bool:
    """Whatever changes AD, makes an object an account, or lets one work again that was to be off (ORG-04)."""
    return answer != Answer.ACCEPT or finding.kind == FindingKind.RE_ENABLED
