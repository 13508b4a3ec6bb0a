"""What people of operations decide about findings. AD is asked before each decision, and never written here (ADR 0017)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import asking
from accounts.reconciliation.accepting import accept_into_register
from accounts.reconciliation.adopting import adopt, require_adoptable
from accounts.reconciliation.choices import needs_second_person, possible_answers
from accounts.reconciliation.errors import AlreadyAnswered, AnswerRefused, ChangedSince
from accounts.reconciliation.models import Answer, Finding, FindingState
from accounts.reconciliation.restoring import enqueue_restore
from accounts.reconciliation.snapshot import Difference, compare, digest_of, snapshot_of
from portal.common.text import squeeze, without_control_characters
from portal.fulfilment.errors import NotAllowed
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

REASON_LENGTH = 1000


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What AD said right before the decision."""

    entry: DirectoryEntry | None


def answer_finding(
    *, finding_id: int, answer: str, reason: str, digest: str, actor: User, now: datetime
) -> Finding:
    """Decide, or propose to a second person where one is needed. `digest` names what the person saw.

    Raises NotAllowed, AnswerRefused, AlreadyAnswered, ChangedSince.
    """
    _require(actor)
    reason = _checked_reason(reason)
    look = _look_again(finding_id, digest)
    with transaction.atomic():
        finding = _lock(finding_id, digest, FindingState.OPEN)
        if answer not in possible_answers(finding):
            raise AnswerRefused(_("This finding cannot be answered that way."))
        if answer == Answer.ADOPT and look.entry is not None:
            require_adoptable(finding.organisation, look.entry)
        finding.answer, finding.reason = answer, reason
        finding.answered_by, finding.answered_at = actor, now
        if needs_second_person(finding, answer):
            finding.state = FindingState.PROPOSED
            _record(finding, "finding.propose", actor, now)
        else:
            _apply(finding, look, actor, now)
            _record(finding, "finding.answer", actor, now)
        finding.save()
    return finding


def confirm_answer(*, finding_id: int, digest: str, actor: User, now: datetime) -> Finding:
    """The second person agrees, and it happens (ORG-04). Raises like answer_finding."""
    _require(actor)
    look = _look_again(finding_id, digest)
    with transaction.atomic():
        finding = _lock(finding_id, digest, FindingState.PROPOSED)
        if finding.answered_by_id == actor.pk:
            raise NotAllowed("another person confirms")
        finding.confirmed_by, finding.confirmed_at = actor, now
        _apply(finding, look, actor, now)
        finding.save()
        _record(finding, "finding.confirm", actor, now)
    return finding


def take_back_proposal(*, finding_id: int, actor: User, now: datetime) -> Finding:
    """Whoever proposed thinks again, or a second person disagrees: the finding is open once more.

    Raises NotAllowed, AlreadyAnswered.
    """
    _require(actor)
    with transaction.atomic():
        finding = _lock(finding_id, None, FindingState.PROPOSED)
        _record(finding, "finding.take_back", actor, now)
        finding.state, finding.answer, finding.reason = FindingState.OPEN, "", ""
        finding.answered_by = finding.answered_at = None
        finding.save()
    return finding


def _require(actor: User) -> None:
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations answer findings")


def _checked_reason(reason: str) -> str:
    reason = squeeze(without_control_characters(reason))
    if not reason:
        raise AnswerRefused(_("Write the reason."))
    if len(reason) > REASON_LENGTH:
        raise AnswerRefused(_("Write at most %(count)d characters.") % {"count": REASON_LENGTH})
    return reason


def _look_again(finding_id: int, digest: str) -> _Look:
    """Ask AD, without any lock. Raises ChangedSince when it is not what the person saw, AnswerRefused when it is silent."""
    finding = Finding.system.get(pk=finding_id)
    try:
        entry = asking.ask(lambda directory: directory.find_by_guid(finding.object_guid))
    except DirectoryError:
        raise AnswerRefused(
            _("Active Directory cannot be asked now. Answer when it can be reached again.")
        ) from None
    found = snapshot_of(entry) if entry is not None else None
    if digest != finding.digest or digest_of(found) != finding.digest:
        raise ChangedSince(changes_since(finding, entry))
    return _Look(entry=entry)


def changes_since(finding: Finding, entry: DirectoryEntry | None) -> list[Difference]:
    """What AD holds now where the finding saw something else; nothing when it saw the same."""
    found = snapshot_of(entry) if entry is not None else None
    if finding.found is None or found is None:
        same = finding.found is None and found is None
        before = None if finding.found is None else finding.found["enabled"]
        after = None if found is None else found["enabled"]
        return [] if same else [Difference(kind=finding.kind, field="enabled", written=before, found=after)]
    return compare(finding.found, found)


def _lock(finding_id: int, digest: str | None, state: str) -> Finding:
    finding = (
        Finding.system.select_for_update(of=("self",), no_key=True)
        .select_related("account", "organisation", "answered_by")
        .get(pk=finding_id)
    )
    if finding.state != state:
        raise AlreadyAnswered
    if digest is not None and finding.digest != digest:
        raise ChangedSince
    return finding


def _apply(finding: Finding, look: _Look, actor: User, now: datetime) -> None:
    if finding.answer == Answer.RESTORE:
        finding.operation = enqueue_restore(finding, now)
        finding.state = FindingState.RESTORING
        return
    if finding.answer == Answer.ADOPT:
        if look.entry is None:
            raise AnswerRefused(_("The object is not there any more."))
        finding.account = adopt(finding, look.entry, actor=actor, now=now)
    else:
        accept_into_register(finding, look.entry, now)
    finding.state, finding.closed_at = FindingState.ANSWERED, now


def _record(finding: Finding, action: str, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="finding",
        object_id=finding.pk,
        object_label=finding.login_name,
        object_organisation_id=finding.organisation_id,
        detail={
            "kind": finding.kind,
            "answer": finding.answer,
            "reason": finding.reason,
            "differences": finding.differences,
        },
    )
